//! Versions of templates, and the variables that become parameters.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::provisioner_job::JobOutcome;
use crate::tag::TagInput;
use crate::template::Template;
use crate::user::UserRef;
use crate::{
    Client, ClientError, DateTime, Id, Json, MutationBuilder, Page, QueryBuilder, UserError, schema,
};

/// A version of a template.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersion {
    /// `tver_…`.
    pub id: Id,
    /// Slug, unique in the template.
    pub name: String,
    /// What is new; may be empty.
    pub message: String,
    /// Whether it is kept for reference only.
    pub archived: bool,
    /// Grows with every change.
    pub version: i32,
    /// Whether new workspaces start from it.
    pub is_active: bool,
    /// Who pushed it.
    pub created_by: Option<UserRef>,
    /// When it was created.
    pub created_at: DateTime,
    /// Its import; `None` when the viewer may not see it.
    pub job: Option<JobOutcome>,
    /// Its parameters; empty until the import has succeeded.
    pub variables: Vec<TemplateVariable>,
}

/// A version as other objects name it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "TemplateVersion")]
#[serde(rename_all = "camelCase")]
pub struct VersionRef {
    /// `tver_…`.
    pub id: Id,
    /// Slug, unique in the template.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime,
}

/// A variable of the module: a parameter of the template.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct TemplateVariable {
    /// Name in the module.
    pub name: String,
    /// Terraform type expression, e.g. `list(string)`.
    #[cynic(rename = "type")]
    pub r#type: String,
    /// For people; may be empty.
    pub description: String,
    /// Value if none is given.
    pub default: Option<Json>,
    /// Whether a value must be given.
    pub required: bool,
    /// Whether values are never shown.
    pub sensitive: bool,
    /// What values must fulfil.
    pub validations: Vec<VariableValidation>,
}

/// A rule for the values of a variable.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct VariableValidation {
    /// Terraform expression.
    pub condition: String,
    /// Said when the condition is false.
    pub error_message: String,
}

/// A new version.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateTemplateVersionInput {
    /// Of which template.
    pub template_id: Id,
    /// The uploaded archive.
    pub file_id: Id,
    /// Slug; default: the next number, as `v2`.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is new.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Tags for its jobs.
    pub tags: Vec<TagInput>,
    /// Make it the active version when its import succeeds.
    pub promote: bool,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject)]
struct PromoteTemplateVersionInput {
    template_version_id: Id,
    expected_version: Option<i32>,
}

/// Which template versions; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct TemplateVersionFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Exactly one of these names, at most 100.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Text in name or message.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Whether they are archived.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

impl TemplateVersionFilter {
    /// The one called so.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Those called so; at most 100.
    #[must_use]
    pub fn any_of(names: Vec<String>) -> Self {
        Self { names: Some(names), ..Self::default() }
    }
}

/// An order of template versions.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateVersionOrder {
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct TemplateVersionsVariables {
    template: Id,
    filter: TemplateVersionFilter,
    order: TemplateVersionOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplateVersionsVariables")]
pub(crate) struct TemplateVersions {
    #[arguments(id: $template)]
    node: Option<TemplateVersionsNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "TemplateVersionsVariables")]
enum TemplateVersionsNode {
    Template(VersionsOfTemplate),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Template", variables = "TemplateVersionsVariables")]
struct VersionsOfTemplate {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    versions: TemplateVersionConnection,
}

connection!(TemplateVersionConnection, TemplateVersion);

#[derive(cynic::QueryVariables)]
pub(crate) struct TemplateVersionByIdVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplateVersionByIdVariables")]
pub(crate) struct TemplateVersionById {
    #[arguments(id: $id)]
    node: Option<TemplateVersionNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum TemplateVersionNode {
    Version(Box<TemplateVersion>),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateTemplateVersionVariables {
    input: CreateTemplateVersionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateTemplateVersionVariables")]
pub(crate) struct CreateTemplateVersion {
    #[arguments(input: $input)]
    create_template_version: Option<CreateTemplateVersionPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateTemplateVersionPayload {
    template_version: Option<TemplateVersion>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct PromoteTemplateVersionVariables {
    input: PromoteTemplateVersionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "PromoteTemplateVersionVariables")]
pub(crate) struct PromoteTemplateVersion {
    #[arguments(input: $input)]
    promote_template_version: Option<PromoteTemplateVersionPayload>,
}

#[derive(cynic::QueryFragment)]
struct PromoteTemplateVersionPayload {
    template: Option<Template>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The versions of a template.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the template, else as [`Client::run`].
    pub async fn template_versions(
        &self,
        template: &Id,
        filter: &TemplateVersionFilter,
        order: TemplateVersionOrder,
        after: Option<String>,
    ) -> Result<Page<TemplateVersion>, ClientError> {
        let variables =
            TemplateVersionsVariables { template: template.clone(), filter: filter.clone(), order, after };
        let versions = match self.run_idempotent(TemplateVersions::build(variables)).await?.node {
            Some(TemplateVersionsNode::Template(found)) => Some(found.versions.into()),
            Some(TemplateVersionsNode::Other) | None => None,
        };
        found(versions, "template", template.inner())
    }

    /// The version with the id `id`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn template_version(&self, id: &Id) -> Result<TemplateVersion, ClientError> {
        let variables = TemplateVersionByIdVariables { id: id.clone() };
        let version = match self.run_idempotent(TemplateVersionById::build(variables)).await?.node {
            Some(TemplateVersionNode::Version(found)) => Some(*found),
            Some(TemplateVersionNode::Other) | None => None,
        };
        found(version, "template version", id.inner())
    }

    /// Makes a version from an uploaded archive and queues its import.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_template_version(
        &self,
        input: CreateTemplateVersionInput,
    ) -> Result<TemplateVersion, ClientError> {
        let data = self.run(CreateTemplateVersion::build(CreateTemplateVersionVariables { input })).await?;
        accepted(data.create_template_version.map(|payload| (payload.template_version, payload.user_errors)))
    }

    /// Makes a version the one that new workspaces start from; answers its template.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn promote_template_version(
        &self,
        version: &Id,
        expected_version: i32,
    ) -> Result<Template, ClientError> {
        let input = PromoteTemplateVersionInput {
            template_version_id: version.clone(),
            expected_version: Some(expected_version),
        };
        let data = self.run(PromoteTemplateVersion::build(PromoteTemplateVersionVariables { input })).await?;
        accepted(data.promote_template_version.map(|payload| (payload.template, payload.user_errors)))
    }
}
