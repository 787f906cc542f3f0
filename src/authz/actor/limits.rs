//! What an API token leaves of its owner.

use std::sync::Arc;

use guildhall_entity::id::OrganizationId;

use super::{Actor, Inner, Membership};
use crate::authz::permission::{Permission, PermissionSet};
use crate::authz::{Reach, policy};

/// What an API token leaves of its owner. It only takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The only permissions that are left.
    pub scopes: PermissionSet,
    /// The only organization that is left; of what belongs to none, then, only who the owner is.
    pub organization: Option<OrganizationId>,
}

impl Limits {
    /// Whether these leave nothing that `other` does not leave.
    pub fn within(&self, other: &Self) -> bool {
        self.scopes.without(other.scopes).is_empty()
            && (other.organization.is_none() || other.organization == self.organization)
    }
}

impl Actor {
    /// The same actor with what a token leaves of them.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Self {
        let held = &self.held;
        let own = match limits.organization {
            Some(_) => held.own.common(policy::OWN_WHEN_BOUND),
            None => held.own,
        };
        let narrowed = |membership: &Membership| Membership {
            organization: membership.organization,
            everywhere: membership.everywhere.common(limits.scopes),
            own: membership.own.common(limits.scopes),
            denied: membership.denied,
            from_roles: membership.from_roles.common(limits.scopes),
        };
        let is_left =
            |membership: &&Membership| limits.organization.is_none_or(|only| membership.organization == only);
        Self {
            held: Arc::new(Inner {
                identity: held.identity.clone(),
                site: held.site.common(limits.scopes),
                own: own.common(limits.scopes),
                memberships: held.memberships.iter().filter(is_left).map(narrowed).collect(),
                limits: Some(limits),
            }),
            origin: self.origin.clone(),
        }
    }

    /// What the actor's token leaves; `None` for who needs no token.
    pub fn limits(&self) -> Option<Limits> {
        self.held.limits
    }

    /// Whether the actor's token leaves a permission at all. What comes from no permission (an access list, having made
    /// something) asks this; the policy's own questions have the answer in them.
    pub fn admits(&self, permission: Permission) -> bool {
        self.held.limits.is_none_or(|limits| limits.scopes.contains(permission))
    }

    /// Whether a role on the site allows it here: a token may hold those roles to one organization.
    pub(super) fn on_site(&self, permission: Permission, organization: Option<OrganizationId>) -> bool {
        let bound = self.held.limits.and_then(|limits| limits.organization);
        self.held.site.contains(permission) && bound.is_none_or(|only| organization == Some(only))
    }

    /// The rows that roles on the site cover: everything, or the organization that a token is bound to.
    pub(super) fn site_reach(&self, permission: Permission) -> Option<Reach> {
        let bound = self.held.limits.and_then(|limits| limits.organization);
        self.held.site.contains(permission).then(|| match bound {
            None => Reach::Everything,
            Some(only) => {
                Reach::Some { organizations: vec![only], own_in: Vec::new(), owner: self.user_id() }
            }
        })
    }
}
