//! How permissions look: what an editor of roles offers.

use async_graphql::{Context, Enum, Object, SimpleObject};

use crate::authz::{Permission, PermissionSet, Resource, policy};
use crate::error::Result;
use crate::graphql::context::Ask;

/// Who can hold a permission.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum PermissionReach {
    /// Also roles of an organization, custom ones among them; then it reaches as far as that organization.
    Organization,
    /// Roles of the site alone.
    Site,
    /// Daemons alone, by their key. No role holds it.
    Daemon,
}

impl PermissionReach {
    fn of(permission: Permission) -> Self {
        let is_in = |set: PermissionSet| set.contains(permission);
        match (is_in(policy::CUSTOM), is_in(policy::DAEMON)) {
            (true, _) => Self::Organization,
            (false, true) => Self::Daemon,
            (false, false) => Self::Site,
        }
    }
}

/// A permission, described.
#[derive(SimpleObject)]
struct PermissionInfo {
    /// The permission.
    permission: Permission,
    /// What it is about.
    resource: Resource,
    /// What it lets one do to that, in upper case, e.g. `CREATE`.
    action: &'static str,
    /// What it allows, for people.
    description: &'static str,
    /// Who can hold it.
    reach: PermissionReach,
}

/// Queries about permissions.
#[derive(Default)]
pub(crate) struct PermissionQuery;

#[Object]
impl PermissionQuery {
    /// Every permission there is, in the order of the permission matrix.
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Vec<PermissionInfo>> {
        ctx.request().signed_in()?;
        let described = |&permission: &Permission| PermissionInfo {
            permission,
            resource: permission.resource(),
            action: permission.action(),
            description: permission.description(),
            reach: PermissionReach::of(permission),
        };
        Ok(Permission::ALL.iter().map(described).collect())
    }
}
