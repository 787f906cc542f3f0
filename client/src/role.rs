//! Roles, and the permissions that they are made of.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::{Client, ClientError, Id, MutationBuilder, Permission, QueryBuilder, UserError, schema};

/// A named set of permissions.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// E.g. `organization-admin`.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Whether it comes with Guildhall.
    pub built_in: bool,
}

/// A role with what it grants.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "Role")]
pub struct RoleDetail {
    /// `role_…`.
    pub id: Id,
    /// Slug, unique where it is held.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Whether it comes with Guildhall.
    pub built_in: bool,
    /// Whether whoever asks may give it.
    pub assignable: bool,
    /// What it grants.
    pub permissions: Vec<Permission>,
    /// Grows with every change; `None` for one that comes with Guildhall.
    pub version: Option<i32>,
}

/// Who can hold a permission.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum PermissionReach {
    /// Also roles of an organization.
    Organization,
    /// Roles of the site alone.
    Site,
    /// Daemons alone.
    Daemon,
    /// One that this client does not know.
    #[cynic(fallback)]
    Other(String),
}

/// A permission, described.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct PermissionInfo {
    /// E.g. `WORKSPACE_CREATE`.
    pub permission: Permission,
    /// What it allows, for people.
    pub description: String,
    /// Who can hold it.
    pub reach: PermissionReach,
}

/// A role to be made.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateRoleInput {
    /// Where.
    pub organization_id: Id,
    /// Slug.
    pub name: String,
    /// For people.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is for.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it grants.
    pub permissions: Vec<Permission>,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What to change about a role; what is `None` stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateRoleInput {
    /// Which.
    pub role_id: Id,
    /// For people.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is for.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it grants from now on.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Permission>>,
    /// The version that the change was made from.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

/// A role to delete.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct DeleteRoleInput {
    /// Which.
    pub role_id: Id,
}

/// What came of deleting a role.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "DeleteRolePayload")]
pub struct DeletedRole {
    /// Which it was.
    pub deleted_role_id: Option<Id>,
    /// From how many members it was taken.
    pub taken_from: Option<i32>,
    /// Why it was not deleted.
    #[serde(skip)]
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct OrganizationRolesVariables {
    organization: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OrganizationRolesVariables")]
pub(crate) struct OrganizationRoles {
    #[arguments(by: { id: $organization })]
    organization: Option<RolesOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization")]
struct RolesOfOrganization {
    roles: Vec<RoleDetail>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct SiteRoles {
    roles: Vec<RoleDetail>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct Permissions {
    permissions: Vec<PermissionInfo>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateRoleVariables {
    input: CreateRoleInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateRoleVariables")]
pub(crate) struct CreateRole {
    #[arguments(input: $input)]
    create_role: Option<CreateRolePayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateRolePayload {
    role: Option<RoleDetail>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateRoleVariables {
    input: UpdateRoleInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateRoleVariables")]
pub(crate) struct UpdateRole {
    #[arguments(input: $input)]
    update_role: Option<UpdateRolePayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateRolePayload {
    role: Option<RoleDetail>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteRoleVariables {
    input: DeleteRoleInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteRoleVariables")]
pub(crate) struct DeleteRole {
    #[arguments(input: $input)]
    delete_role: Option<DeletedRole>,
}

impl Client {
    /// The roles that can be held in an organization: those that come with Guildhall, then its own by name.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn organization_roles(&self, organization: &Id) -> Result<Vec<RoleDetail>, ClientError> {
        let variables = OrganizationRolesVariables { organization: organization.clone() };
        let data = self.run_idempotent(OrganizationRoles::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.roles)
    }

    /// The roles that can be held on the site.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn site_roles(&self) -> Result<Vec<RoleDetail>, ClientError> {
        Ok(self.run_idempotent(SiteRoles::build(())).await?.roles)
    }

    /// Every permission there is.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn permissions(&self) -> Result<Vec<PermissionInfo>, ClientError> {
        Ok(self.run_idempotent(Permissions::build(())).await?.permissions)
    }

    /// Creates a role.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_role(&self, input: CreateRoleInput) -> Result<RoleDetail, ClientError> {
        let data = self.run(CreateRole::build(CreateRoleVariables { input })).await?;
        accepted(data.create_role.map(|payload| (payload.role, payload.user_errors)))
    }

    /// Changes a role.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_role(&self, input: UpdateRoleInput) -> Result<RoleDetail, ClientError> {
        let data = self.run(UpdateRole::build(UpdateRoleVariables { input })).await?;
        accepted(data.update_role.map(|payload| (payload.role, payload.user_errors)))
    }

    /// Deletes a role and takes it from whoever holds it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn delete_role(&self, input: DeleteRoleInput) -> Result<DeletedRole, ClientError> {
        let data = self.run(DeleteRole::build(DeleteRoleVariables { input })).await?;
        accepted(data.delete_role.map(|payload| {
            let errors = payload.user_errors.clone();
            (Some(payload), errors)
        }))
    }
}
