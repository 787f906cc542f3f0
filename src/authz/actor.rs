//! The actor: somebody who asks, with everything the policy needs to answer held in memory.

mod limits;
mod standing;

use std::net::IpAddr;
use std::sync::Arc;

use guildhall_entity::id::{ApiTokenId, OrganizationId, ProvisionerKeyId, SessionId, UserId};
use guildhall_entity::json::{Names, Tags};

use super::permission::{Permission, PermissionSet};
use super::policy::{self, BuiltinRole, Scope, System};
use super::{Denied, Object, Permit, Reach};
pub use limits::Limits;
pub use standing::Standing;

/// Somebody who asks. Cheap to clone.
#[derive(Clone)]
pub struct Actor {
    held: Arc<Inner>,
    origin: Arc<Origin>,
}

#[derive(PartialEq, Eq)]
struct Inner {
    identity: Identity,
    site: PermissionSet,
    own: PermissionSet,
    memberships: Vec<Membership>,
    limits: Option<Limits>,
}

/// Who an actor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody is signed in.
    Anonymous,
    /// A person or service account.
    User {
        /// Their id.
        id: UserId,
        /// Their username, for the audit log.
        username: String,
        /// What they showed.
        credential: Credential,
    },
    /// A daemon, by its key; `None` for a built-in one.
    Daemon {
        /// The key.
        key: Option<ProvisionerKeyId>,
        /// Its name.
        key_name: String,
        /// The organization it serves.
        organization: OrganizationId,
        /// The tags it carries.
        tags: Tags,
    },
    /// A part of the server itself.
    System(System),
}

/// What a user shows to be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A session: they signed in.
    Session(SessionId),
    /// An API token, which a program carries.
    Token(ApiTokenId),
}

/// Where a request came from, for logs and the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The request's id.
    pub request_id: String,
    /// The peer's address.
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: String,
}

/// What an actor holds in one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// On everything in it.
    pub everywhere: PermissionSet,
    /// On what they own in it.
    pub own: PermissionSet,
    /// Never, there.
    pub denied: PermissionSet,
    /// What comes from roles they were given, not from mere membership.
    pub from_roles: PermissionSet,
}

impl Membership {
    /// A member who holds these built-in roles. Other names grant nothing: [`Membership::grant`] adds custom roles.
    pub fn new<'a>(organization: OrganizationId, roles: impl IntoIterator<Item = &'a str>) -> Self {
        let implied = BuiltinRole::OrganizationMember.grant();
        let mut membership = Self {
            organization,
            everywhere: implied.organization,
            own: implied.own,
            denied: implied.denied,
            from_roles: PermissionSet::NONE,
        };
        for role in roles.into_iter().filter_map(|name| BuiltinRole::assignable(name, Scope::Organization)) {
            let grant = role.grant();
            membership.everywhere = membership.everywhere.with(grant.organization);
            membership.own = membership.own.with(grant.own);
            membership.denied = membership.denied.with(grant.denied);
            membership.from_roles = membership.from_roles.with(grant.organization);
        }
        membership
    }

    /// The memberships in rows of organization, names of roles held there, and permissions of one of the custom ones
    /// among them: as many rows for an organization as there are of those, or one without. In the order of the
    /// organizations, so that the same rows make the same actor, however a database came by them.
    pub fn of_rows<'a>(
        rows: impl IntoIterator<Item = (OrganizationId, &'a Names, Option<&'a Names>)>,
    ) -> Vec<Self> {
        let mut memberships: Vec<Self> = Vec::new();
        for (organization, roles, custom) in rows {
            let at = memberships.iter().position(|membership| membership.organization == organization);
            let at = at.unwrap_or_else(|| {
                memberships.push(Self::new(organization, roles.0.iter().map(String::as_str)));
                memberships.len() - 1
            });
            if let Some(custom) = custom {
                memberships[at].grant(PermissionSet::named(custom.0.iter().map(String::as_str)));
            }
        }
        memberships.sort_unstable_by_key(|membership| membership.organization);
        memberships
    }

    /// Adds what a custom role gives, as far as custom roles may give it.
    pub fn grant(&mut self, custom: PermissionSet) {
        let custom = custom.common(policy::CUSTOM);
        self.everywhere = self.everywhere.with(custom);
        self.from_roles = self.from_roles.with(custom);
    }
}

impl Actor {
    fn new(inner: Inner, origin: Origin) -> Self {
        Self { held: Arc::new(inner), origin: Arc::new(origin) }
    }

    /// The same actor, asking from somewhere else: one socket sends many requests.
    #[must_use]
    pub fn at(&self, origin: Origin) -> Self {
        Self { held: self.held.clone(), origin: Arc::new(origin) }
    }

    /// Nobody.
    pub fn anonymous(origin: Origin) -> Self {
        Self::new(
            Inner {
                identity: Identity::Anonymous,
                site: PermissionSet::NONE,
                own: PermissionSet::NONE,
                memberships: Vec::new(),
                limits: None,
            },
            origin,
        )
    }

    /// A signed-in user with these site roles and memberships.
    pub fn user<'a>(
        id: UserId,
        username: String,
        credential: Credential,
        site_roles: impl IntoIterator<Item = &'a str>,
        memberships: Vec<Membership>,
        origin: Origin,
    ) -> Self {
        let Standing { site, memberships } = Standing::new(site_roles, memberships);
        let own = BuiltinRole::SiteMember.grant().own;
        Self::new(
            Inner {
                identity: Identity::User { id, username, credential },
                site,
                own,
                memberships,
                limits: None,
            },
            origin,
        )
    }

    /// A daemon that proved its key.
    pub fn daemon(
        key: Option<ProvisionerKeyId>,
        key_name: String,
        organization: OrganizationId,
        tags: Tags,
        origin: Origin,
    ) -> Self {
        let membership = Membership {
            organization,
            everywhere: policy::DAEMON,
            own: PermissionSet::NONE,
            denied: PermissionSet::NONE,
            from_roles: policy::DAEMON,
        };
        Self::new(
            Inner {
                identity: Identity::Daemon { key, key_name, organization, tags },
                site: PermissionSet::NONE,
                own: PermissionSet::NONE,
                memberships: vec![membership],
                limits: None,
            },
            origin,
        )
    }

    /// A part of the server, acting for whoever sent the request, if any.
    pub fn system(system: System, origin: Origin) -> Self {
        Self::new(
            Inner {
                identity: Identity::System(system),
                site: system.grant(),
                own: PermissionSet::NONE,
                memberships: Vec::new(),
                limits: None,
            },
            origin,
        )
    }

    /// Whether it is the same actor with the same permissions.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.held == other.held
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.held.identity
    }

    /// Where the request came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The user's id, if it is a user.
    pub fn user_id(&self) -> Option<UserId> {
        match self.held.identity {
            Identity::User { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The name that logs and the audit log give.
    pub fn name(&self) -> &str {
        match &self.held.identity {
            Identity::Anonymous => "anonymous",
            Identity::User { username, .. } => username,
            Identity::Daemon { key_name, .. } => key_name,
            Identity::System(system) => system.name(),
        }
    }

    /// The membership in an organization, if there is one.
    pub fn membership(&self, organization: OrganizationId) -> Option<&Membership> {
        self.held.memberships.iter().find(|membership| membership.organization == organization)
    }

    /// The organizations that the actor belongs to.
    pub fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        self.held.memberships.iter().map(|membership| membership.organization)
    }

    /// Whether the policy allows it. A bit operation.
    pub fn may(&self, permission: Permission, object: Object) -> bool {
        let membership = object.organization.and_then(|organization| self.membership(organization));
        if membership.is_some_and(|membership| membership.denied.contains(permission)) {
            return false;
        }
        if self.on_site(permission, object.organization)
            || membership.is_some_and(|membership| membership.everywhere.contains(permission))
        {
            return true;
        }
        let listed = object.listed.is_some_and(|role| policy::listed(role).contains(permission));
        if listed && membership.is_some() && self.admits(permission) {
            return true;
        }
        let owns = object.owner.is_some() && object.owner == self.user_id();
        owns && match object.organization {
            Some(_) => membership.is_some_and(|membership| membership.own.contains(permission)),
            None => self.held.own.contains(permission),
        }
    }

    /// The same from roles alone, not from mere membership or ownership.
    pub fn may_by_role(&self, permission: Permission, organization: OrganizationId) -> bool {
        self.on_site(permission, Some(organization))
            || self
                .membership(organization)
                .is_some_and(|membership| membership.from_roles.contains(permission))
    }

    /// Everything the actor may do to an object, in the order of the matrix.
    pub fn may_all(&self, object: Object) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |&permission| self.may(permission, object))
    }

    /// May I? The permit is what a write transaction needs.
    ///
    /// # Errors
    /// [`Denied`] names what is missing.
    pub fn authorize(&self, permission: Permission, object: Object) -> Result<Permit, Denied> {
        self.require(permission, object)?;
        Ok(Permit { actor: self.clone(), permission, organization: object.organization })
    }

    /// The same for a read, which needs no permit.
    ///
    /// # Errors
    /// [`Denied`] names what is missing.
    pub fn require(&self, permission: Permission, object: Object) -> Result<(), Denied> {
        if self.may(permission, object) {
            Ok(())
        } else if self.held.identity == Identity::Anonymous {
            Err(Denied::Anonymous)
        } else {
            Err(object
                .organization
                .map_or(Denied::Lacking(permission), |id| Denied::LackingIn(permission, id)))
        }
    }

    /// Which rows? Answered from the same table as [`Actor::may`], so lists and single reads can't disagree.
    pub fn reach(&self, permission: Permission) -> Reach {
        let denied =
            |only: &OrganizationId| self.membership(*only).is_some_and(|m| m.denied.contains(permission));
        match self.site_reach(permission) {
            Some(Reach::Some { organizations, own_in, owner }) => {
                let organizations = organizations.into_iter().filter(|only| !denied(only)).collect();
                return Reach::Some { organizations, own_in, owner };
            }
            Some(everything) => return everything,
            None => {}
        }
        let (mut organizations, mut own_in) = (Vec::new(), Vec::new());
        for membership in self.held.memberships.iter().filter(|m| !m.denied.contains(permission)) {
            if membership.everywhere.contains(permission) {
                organizations.push(membership.organization);
            } else if membership.own.contains(permission) {
                own_in.push(membership.organization);
            }
        }
        Reach::Some { organizations, own_in, owner: self.user_id() }
    }

    /// Like [`Actor::reach`], counting only what comes from roles.
    pub fn reach_by_role(&self, permission: Permission) -> Reach {
        if let Some(reach) = self.site_reach(permission) {
            return reach;
        }
        let holds = |m: &&Membership| m.from_roles.contains(permission);
        let organizations = self.held.memberships.iter().filter(holds).map(|m| m.organization).collect();
        Reach::Some { organizations, own_in: Vec::new(), owner: self.user_id() }
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("identity", &self.held.identity).finish_non_exhaustive()
    }
}
