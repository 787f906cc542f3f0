//! How roles look.

mod mutation;
mod permission;

pub(crate) use mutation::RoleMutation;
pub(crate) use permission::PermissionQuery;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, Object};
use guildhall_entity::id::{OrganizationId, RoleId};

use super::{RoleRow, builtin, builtin_id, is_assignable, organization_roles, site_roles};
use crate::authz::policy::{BuiltinRole, Scope};
use crate::authz::{self, Permission, PermissionSet};
use crate::error::{Error, Result};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;

/// A role, where it can be held.
#[derive(Clone)]
pub(crate) enum Role {
    /// One that comes with Guildhall, on the site or in an organization.
    BuiltIn(BuiltinRole, Option<OrganizationId>),
    /// One that an organization has made.
    Custom(RoleRow),
}

impl From<RoleRow> for Role {
    fn from(row: RoleRow) -> Self {
        Self::Custom(row)
    }
}

/// The custom roles of an organization; loaded for all organizations of an answer at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CustomOf(OrganizationId);

#[async_trait::async_trait]
impl Loader<CustomOf> for Loaders {
    type Value = Arc<Vec<RoleRow>>;
    type Error = Error;

    async fn load(&self, keys: &[CustomOf]) -> Result<HashMap<CustomOf, Arc<Vec<RoleRow>>>> {
        let organizations: Vec<OrganizationId> = keys.iter().map(|key| key.0).collect();
        let mut by_organization: HashMap<CustomOf, Vec<RoleRow>> = HashMap::new();
        for row in super::of_organizations(&self.db, &self.actor, &organizations).await? {
            by_organization.entry(CustomOf(row.organization_id)).or_default().push(row);
        }
        Ok(by_organization.into_iter().map(|(key, rows)| (key, Arc::new(rows))).collect())
    }
}

impl Role {
    /// Roles held on the site, by name.
    pub(crate) fn on_site(names: &[String]) -> Vec<Self> {
        let known = |name: &String| BuiltinRole::assignable(name, Scope::Site);
        names.iter().filter_map(known).map(|role| Self::BuiltIn(role, None)).collect()
    }

    /// Roles held in an organization, by name. Only custom ones have to be read.
    pub(crate) async fn in_organization(
        request: &Request,
        organization: OrganizationId,
        names: &[String],
    ) -> Result<Vec<Self>> {
        let builtin = |name: &str| BuiltinRole::assignable(name, Scope::Organization);
        let custom = match names.iter().all(|name| builtin(name).is_some()) {
            true => None,
            false => request.load(CustomOf(organization)).await?,
        };
        let find = |name: &String| match builtin(name) {
            Some(role) => Some(Self::BuiltIn(role, Some(organization))),
            None => custom.as_ref()?.iter().find(|row| row.name == *name).cloned().map(Self::Custom),
        };
        Ok(names.iter().filter_map(find).collect())
    }

    /// The roles that can be given in an organization: those that come with Guildhall, then its own by name.
    pub(crate) async fn all_of(request: &Request, organization: OrganizationId) -> Result<Vec<Self>> {
        let custom = request.load(CustomOf(organization)).await?;
        let custom = custom.map(Arc::unwrap_or_clone).unwrap_or_default().into_iter().map(Self::Custom);
        Ok(organization_roles().map(|role| Self::BuiltIn(role, Some(organization))).chain(custom).collect())
    }

    /// The roles that can be given on the site.
    pub(crate) fn all_of_site() -> Vec<Self> {
        site_roles().map(|role| Self::BuiltIn(role, None)).collect()
    }

    /// The role of an id, if the viewer can see it.
    pub(crate) async fn find(request: &Request, id: RoleId) -> Result<Option<Self>> {
        Ok(match builtin(id) {
            None => request.find(id).await?.map(Self::Custom),
            Some((role, None)) => Some(Self::BuiltIn(role, None)),
            Some((role, Some(organization))) => {
                let object = authz::Object::in_organization(organization);
                let seen = request.actor.may(Permission::RoleRead, object)
                    && request.find(organization).await?.is_some();
                seen.then_some(Self::BuiltIn(role, Some(organization)))
            }
        })
    }

    fn organization_id(&self) -> Option<OrganizationId> {
        match self {
            Self::BuiltIn(_, organization) => *organization,
            Self::Custom(row) => Some(row.organization_id),
        }
    }

    /// What it lets its holder do.
    pub(crate) fn gives(&self) -> PermissionSet {
        match self {
            Self::BuiltIn(role, _) => role.gives(),
            Self::Custom(row) => row.grants(),
        }
    }

    /// What whoever gives it must hold.
    fn weighs(&self) -> PermissionSet {
        match self {
            Self::BuiltIn(role, _) => role.weighs(),
            Self::Custom(row) => row.grants(),
        }
    }
}

/// A role: permissions under a name, held on the site or in one organization. Visible to everyone in the organization.
#[Object]
impl Role {
    /// `role_…`
    pub(crate) async fn id(&self) -> ID {
        let id = match self {
            Self::BuiltIn(role, organization) => builtin_id(*role, *organization),
            Self::Custom(row) => row.id,
        };
        id.to_string().into()
    }

    /// When it was made; null for one that comes with Guildhall.
    async fn created_at(&self) -> Option<DateTime> {
        match self {
            Self::BuiltIn(..) => None,
            Self::Custom(row) => Some(row.created_at.into()),
        }
    }

    /// When it was last changed; null for one that comes with Guildhall.
    async fn updated_at(&self) -> Option<DateTime> {
        match self {
            Self::BuiltIn(..) => None,
            Self::Custom(row) => Some(row.updated_at.into()),
        }
    }

    /// Its name, as it is typed; unique where it is held, and never changed.
    async fn name(&self) -> &str {
        match self {
            Self::BuiltIn(role, _) => role.name(),
            Self::Custom(row) => &row.name,
        }
    }

    /// Its name, as it is read.
    async fn display_name(&self) -> &str {
        match self {
            Self::BuiltIn(role, _) => role.display_name(),
            Self::Custom(row) => &row.display_name,
        }
    }

    /// What it is for; may be empty.
    async fn description(&self) -> &str {
        match self {
            Self::BuiltIn(role, _) => role.description(),
            Self::Custom(row) => &row.description,
        }
    }

    /// Whether it comes with Guildhall. Those can't be changed.
    async fn built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(..))
    }

    /// What it grants, in the order of the permission matrix.
    async fn permissions(&self) -> Vec<Permission> {
        self.gives().iter().collect()
    }

    /// Whether the viewer may give it: whoever may give roles gives those whose permissions they hold.
    async fn assignable(&self, ctx: &Context<'_>) -> bool {
        let object = self.organization_id().map_or(authz::Object::SITE, authz::Object::in_organization);
        let implied = matches!(self, Self::BuiltIn(role, _) if role.is_implied());
        !implied && is_assignable(&ctx.request().actor, object, self.weighs())
    }

    /// Grows by one with every change; pass it as `expectedVersion`. Null for one that comes with Guildhall.
    async fn version(&self) -> Option<i32> {
        match self {
            Self::BuiltIn(..) => None,
            Self::Custom(row) => Some(row.version),
        }
    }

    /// The organization it is held in; null for one of the site.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        nullable(async {
            let Some(organization) = self.organization_id() else { return Ok(None) };
            Ok(ctx.request().find(organization).await?.map(Organization::from))
        })
        .await
    }
}

/// Queries about roles.
#[derive(Default)]
pub(crate) struct RoleQuery;

#[Object]
impl RoleQuery {
    /// The roles that can be held on the site. Those of an organization are in `Organization.roles`.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        ctx.request().signed_in()?;
        Ok(Role::all_of_site())
    }
}
