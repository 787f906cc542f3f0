//! Organizations.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A team's own part of the deployment.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// `org_…`.
    pub id: Id,
    /// Slug, unique in the deployment.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// At most 500 characters.
    pub description: String,
    /// An emoji, an `https:` URL, a site path, or empty.
    pub icon: String,
    /// Whether it is the one that the server created at first.
    pub is_default: bool,
    /// Grows by one with every update.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
}

/// An organization as other objects name it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Organization")]
#[serde(rename_all = "camelCase")]
pub struct OrganizationRef {
    /// `org_…`.
    pub id: Id,
    /// Slug, unique in the deployment.
    pub name: String,
    /// For people.
    pub display_name: String,
}

/// A new organization; what is absent gets its default.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateOrganizationInput {
    /// Slug, unique in the deployment.
    pub name: String,
    /// For people; default: the name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// At most 500 characters.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An emoji, an `https:` URL or a site path.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// A change of an organization; what is absent stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateOrganizationInput {
    /// Which.
    pub organization_id: Id,
    /// Slug, unique in the deployment.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// At most 500 characters.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An emoji, an `https:` URL or a site path.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Refuse when the organization has another version by now.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

/// What keeps an organization from being deleted.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDeletionImpact {
    /// Live workspaces.
    pub workspaces: i32,
    /// Templates.
    pub templates: i32,
    /// Provisioner keys.
    pub provisioner_keys: i32,
    /// Groups besides that of all members.
    pub groups: i32,
    /// Members besides whoever asks.
    pub members: i32,
    /// Whether it would be deleted now.
    pub is_deletable: bool,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct OrganizationByNameVariables {
    name: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OrganizationByNameVariables")]
pub(crate) struct DeletionImpact {
    #[arguments(by: { name: $name })]
    organization: Option<OrganizationWithImpact>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization")]
struct OrganizationWithImpact {
    deletion_impact: Option<OrganizationDeletionImpact>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OrganizationByNameVariables")]
pub(crate) struct OrganizationByName {
    #[arguments(by: { name: $name })]
    organization: Option<Organization>,
}

/// Which organizations; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct OrganizationFilter {
    /// Text in name or display name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// An order of organizations.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct OrganizationsVariables {
    filter: OrganizationFilter,
    order: OrganizationOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OrganizationsVariables")]
pub(crate) struct Organizations {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    organizations: OrganizationConnection,
}

connection!(OrganizationConnection, Organization);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateOrganizationVariables {
    input: CreateOrganizationInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateOrganizationVariables")]
pub(crate) struct CreateOrganization {
    #[arguments(input: $input)]
    create_organization: Option<CreateOrganizationPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateOrganizationPayload {
    organization: Option<Organization>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateOrganizationVariables {
    input: UpdateOrganizationInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateOrganizationVariables")]
pub(crate) struct UpdateOrganization {
    #[arguments(input: $input)]
    update_organization: Option<UpdateOrganizationPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateOrganizationPayload {
    organization: Option<Organization>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct DeleteOrganizationInput {
    organization_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteOrganizationVariables {
    input: DeleteOrganizationInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteOrganizationVariables")]
pub(crate) struct DeleteOrganization {
    #[arguments(input: $input)]
    delete_organization: Option<DeleteOrganizationPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteOrganizationPayload {
    deleted_organization_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// Deletes an empty organization; answers its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what is left in it, else as [`Client::run`].
    pub async fn delete_organization(&self, organization: &Id) -> Result<Id, ClientError> {
        let input = DeleteOrganizationInput { organization_id: organization.clone() };
        let data = self.run(DeleteOrganization::build(DeleteOrganizationVariables { input })).await?;
        accepted(
            data.delete_organization.map(|payload| (payload.deleted_organization_id, payload.user_errors)),
        )
    }

    /// What keeps the organization called `name` from being deleted.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`]; code `FORBIDDEN` for those
    /// who may not delete it.
    pub async fn organization_impact(&self, name: &str) -> Result<OrganizationDeletionImpact, ClientError> {
        let variables = OrganizationByNameVariables { name: name.to_owned() };
        let data = self.run_idempotent(DeletionImpact::build(variables)).await?;
        let organization = found(data.organization, "organization", name)?;
        organization.deletion_impact.ok_or(ClientError::Incomplete)
    }

    /// The organization called `name`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn organization(&self, name: &str) -> Result<Organization, ClientError> {
        let variables = OrganizationByNameVariables { name: name.to_owned() };
        let data = self.run_idempotent(OrganizationByName::build(variables)).await?;
        found(data.organization, "organization", name)
    }

    /// The organizations that the token may see, by name.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn organizations(
        &self,
        filter: &OrganizationFilter,
        order: OrganizationOrder,
        after: Option<String>,
    ) -> Result<Page<Organization>, ClientError> {
        let variables = OrganizationsVariables { filter: filter.clone(), order, after };
        let data = self.run_idempotent(Organizations::build(variables)).await?;
        Ok(data.organizations.into())
    }

    /// Creates an organization; its creator becomes its first administrator.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_organization(
        &self,
        input: CreateOrganizationInput,
    ) -> Result<Organization, ClientError> {
        let data = self.run(CreateOrganization::build(CreateOrganizationVariables { input })).await?;
        accepted(data.create_organization.map(|payload| (payload.organization, payload.user_errors)))
    }

    /// Changes an organization.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_organization(
        &self,
        input: UpdateOrganizationInput,
    ) -> Result<Organization, ClientError> {
        let data = self.run(UpdateOrganization::build(UpdateOrganizationVariables { input })).await?;
        accepted(data.update_organization.map(|payload| (payload.organization, payload.user_errors)))
    }
}
