//! What somebody holds by roles, and who has power over them.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::AclRole;

use super::{Actor, Membership};
use crate::authz::Object;
use crate::authz::permission::{Permission, PermissionSet};
use crate::authz::policy::{self, BuiltinRole, Scope};

/// What somebody holds by roles that they were given: on the site, and as a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(super) site: PermissionSet,
    pub(super) memberships: Vec<Membership>,
}

impl Standing {
    /// The standing of a user with these site roles and memberships. Unknown names grant nothing.
    pub fn new<'a>(site_roles: impl IntoIterator<Item = &'a str>, memberships: Vec<Membership>) -> Self {
        let site = site_roles
            .into_iter()
            .filter_map(|name| BuiltinRole::assignable(name, Scope::Site))
            .fold(PermissionSet::NONE, |all, role| all.with(role.grant().site));
        Self { site, memberships }
    }

    /// All that they may do to anything at all, in this organization if one is named: by a role, to what is their own, or as
    /// members by what a template's access list may give them.
    pub fn reachable(&self, organization: Option<OrganizationId>) -> PermissionSet {
        let own = BuiltinRole::SiteMember.grant().own;
        let here =
            self.memberships.iter().filter(|held| organization.is_none_or(|id| id == held.organization));
        here.fold(self.site.with(own), |all, held| {
            let listed = policy::listed(AclRole::Admin);
            all.with(held.everywhere).with(held.own).with(listed)
        })
    }
}

impl Actor {
    /// What somebody may do by roles they were given and this actor may not, sorted: whoever changes somebody's sign-in or
    /// standing must have all that they have.
    pub fn lacks_of(&self, standing: &Standing) -> Vec<Permission> {
        let on_site = standing.site.iter().filter(|&held| !self.may(held, Object::SITE));
        let inside = standing.memberships.iter().flat_map(|membership| {
            let here = Object::in_organization(membership.organization);
            membership.from_roles.iter().filter(move |&held| !self.may(held, here))
        });
        let mut lacking: Vec<_> = on_site.chain(inside).collect();
        lacking.sort_by_key(|&permission| permission as u8);
        lacking.dedup();
        lacking
    }
}
