//! Why somebody may do something, or what keeps them from it. The answer is the policy's own; what is added is where it
//! comes from.

use guildhall_entity::id::{GroupId, OrganizationId, SessionId, UserId};
use guildhall_entity::kind::AclRole;

use super::policy::{self, BuiltinRole, Grant, Scope};
use super::{Actor, Credential, Membership, Object, Origin, Permission, PermissionSet};

/// Somebody whose access is explained: the roles that an [`Actor`] is made of, still apart.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Who.
    pub user: UserId,
    /// Suspended: may nothing, whatever they hold.
    pub suspended: bool,
    /// Names of site roles.
    pub site_roles: Vec<String>,
    /// What they hold where.
    pub memberships: Vec<Held>,
}

/// What somebody holds in an organization.
#[derive(Clone, Debug)]
pub struct Held {
    /// The organization.
    pub organization: OrganizationId,
    /// Names of roles, custom ones among them.
    pub roles: Vec<String>,
    /// What the custom ones grant.
    pub custom: Vec<(String, PermissionSet)>,
}

/// A role, as far as an explanation knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// It comes with Guildhall.
    BuiltIn(BuiltinRole),
    /// An organization made it.
    Custom(String),
}

/// How something reaches the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "AccessReach")]
pub enum Through {
    /// A role of the site, which reaches everything.
    Site,
    /// A role of the organization, which reaches everything in it.
    Organization,
    /// A role that reaches what its holder owns.
    Own,
    /// The template's access list.
    AccessList,
}

/// Something that grants the permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A role, held in an organization or on the site.
    Role {
        /// Which.
        role: Named,
        /// Where it is held.
        organization: Option<OrganizationId>,
        /// How it reaches the object.
        through: Through,
    },
    /// An entry of the template's access list.
    Listed {
        /// What it gives.
        role: AclRole,
        /// The group it names; `None` where it names the user.
        group: Option<GroupId>,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether they may.
    pub allowed: bool,
    /// What grants it, also when something else takes it away.
    pub grounds: Vec<Ground>,
    /// Roles that take it away.
    pub denied_by: Vec<BuiltinRole>,
    /// The user is suspended.
    pub suspended: bool,
}

impl Held {
    fn membership(&self) -> Membership {
        let mut membership = Membership::new(self.organization, self.roles.iter().map(String::as_str));
        for (_, permissions) in &self.custom {
            membership.grant(*permissions);
        }
        membership
    }

    /// The roles that count here, each with what it grants.
    fn roles(&self) -> impl Iterator<Item = (Named, Grant)> {
        let given = self.roles.iter().filter_map(|name| BuiltinRole::assignable(name, Scope::Organization));
        let builtin = std::iter::once(BuiltinRole::OrganizationMember).chain(given);
        let custom = self.custom.iter().map(|(name, permissions)| {
            let organization = permissions.common(policy::CUSTOM);
            (Named::Custom(name.clone()), Grant { organization, ..Grant::default() })
        });
        builtin.map(|role| (Named::BuiltIn(role), role.grant())).chain(custom)
    }
}

impl Subject {
    /// The actor that they are when they sign in.
    pub fn actor(&self) -> Actor {
        Actor::user(
            self.user,
            String::new(),
            Credential::Session(SessionId(Default::default())),
            self.site_roles.iter().map(String::as_str),
            self.memberships.iter().map(Held::membership).collect(),
            Origin::default(),
        )
    }

    /// Whether belonging to an organization, without any role there, would let them do something to what is their `own` or
    /// else to everything in it.
    pub fn would_by_joining(
        &self,
        permission: Permission,
        organization: Option<OrganizationId>,
        own: bool,
    ) -> bool {
        let Some(organization) = organization else { return false };
        let grant = BuiltinRole::OrganizationMember.grant();
        let gives = grant.organization.contains(permission) || own && grant.own.contains(permission);
        gives && self.memberships.iter().all(|held| held.organization != organization)
    }

    /// Whether and why they may do something to an object. `listings` are the entries of the object's access list that
    /// name them or one of their groups.
    pub fn explain(
        &self,
        permission: Permission,
        object: Object,
        listings: &[(AclRole, Option<GroupId>)],
    ) -> Explanation {
        let listed = match listings.iter().any(|(role, _)| *role == AclRole::Admin) {
            true => Some(AclRole::Admin),
            false => listings.first().map(|(role, _)| *role),
        };
        let allowed = !self.suspended && self.actor().may(permission, Object { listed, ..object });
        let owns = object.owner == Some(self.user);
        let mut grounds = Vec::new();
        let mut denied_by = Vec::new();

        let given = self.site_roles.iter().filter_map(|name| BuiltinRole::assignable(name, Scope::Site));
        for role in std::iter::once(BuiltinRole::SiteMember).chain(given) {
            let grant = role.grant();
            let mut ground = |through| {
                grounds.push(Ground::Role { role: Named::BuiltIn(role), organization: None, through });
            };
            if grant.site.contains(permission) {
                ground(Through::Site);
            }
            if owns && object.organization.is_none() && grant.own.contains(permission) {
                ground(Through::Own);
            }
        }
        let here = self.memberships.iter().find(|held| Some(held.organization) == object.organization);
        for (role, grant) in here.into_iter().flat_map(Held::roles) {
            if let (Named::BuiltIn(role), true) = (&role, grant.denied.contains(permission)) {
                denied_by.push(*role);
            }
            let mut ground = |through| {
                let organization = object.organization;
                grounds.push(Ground::Role { role: role.clone(), organization, through });
            };
            if grant.organization.contains(permission) {
                ground(Through::Organization);
            }
            if owns && grant.own.contains(permission) {
                ground(Through::Own);
            }
        }
        let names = |(role, _): &&(AclRole, Option<GroupId>)| policy::listed(*role).contains(permission);
        let entries = listings.iter().filter(|_| here.is_some()).filter(names);
        grounds.extend(entries.map(|&(role, group)| Ground::Listed { role, group }));
        Explanation { allowed, grounds, denied_by, suspended: self.suspended }
    }
}
