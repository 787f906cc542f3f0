//! Templates: what workspaces are made from.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::organization::OrganizationRef;
use crate::tag::TagInput;
use crate::template_version::{TemplateVersion, VersionRef};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A template.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// `tpl_…`.
    pub id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// At most 500 characters.
    pub description: String,
    /// Why not to use it any more; empty while it is fine.
    pub deprecation_message: String,
    /// Where it belongs.
    pub organization: OrganizationRef,
    /// What new workspaces start from; `None` until a version was imported.
    pub active_version: Option<VersionRef>,
    /// When it was created.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
}

/// A template as other objects name it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Template")]
#[serde(rename_all = "camelCase")]
pub struct TemplateRef {
    /// `tpl_…`.
    pub id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// For people.
    pub display_name: String,
}

/// A new template with its first version.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateTemplateInput {
    /// Where.
    pub organization_id: Id,
    /// Slug, unique in the organization.
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
    /// The first version; promoted when its import succeeds.
    pub version: FirstTemplateVersionInput,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// The first version of a new template.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct FirstTemplateVersionInput {
    /// The uploaded archive.
    pub file_id: Id,
    /// Slug; default: `v1`.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is new.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Tags for its jobs.
    pub tags: Vec<TagInput>,
}

/// What [`Client::create_template`] made.
#[derive(Debug)]
pub struct NewTemplate {
    /// The template.
    pub template: Template,
    /// Its first version, whose import has been queued.
    pub version: TemplateVersion,
}

/// Which templates; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct TemplateFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Text in name or display name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

impl TemplateFilter {
    /// The one called so.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }
}

/// An order of templates.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateOrder {
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
pub(crate) struct TemplatesVariables {
    organization: Id,
    filter: TemplateFilter,
    order: TemplateOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplatesVariables")]
pub(crate) struct Templates {
    #[arguments(by: { id: $organization })]
    organization: Option<TemplatesOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "TemplatesVariables")]
struct TemplatesOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    templates: TemplateConnection,
}

connection!(TemplateConnection, Template);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateTemplateVariables {
    input: CreateTemplateInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateTemplateVariables")]
pub(crate) struct CreateTemplate {
    #[arguments(input: $input)]
    create_template: Option<CreateTemplatePayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateTemplatePayload {
    template: Option<Template>,
    template_version: Option<TemplateVersion>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The templates of an organization that the token may see.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn templates(
        &self,
        organization: &Id,
        filter: &TemplateFilter,
        order: TemplateOrder,
        after: Option<String>,
    ) -> Result<Page<Template>, ClientError> {
        let variables =
            TemplatesVariables { organization: organization.clone(), filter: filter.clone(), order, after };
        let data = self.run_idempotent(Templates::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.templates.into())
    }

    /// Creates a template from an uploaded archive and queues the import of its first version.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_template(&self, input: CreateTemplateInput) -> Result<NewTemplate, ClientError> {
        let data = self.run(CreateTemplate::build(CreateTemplateVariables { input })).await?;
        let made = accepted(
            data.create_template
                .map(|payload| (payload.template.zip(payload.template_version), payload.user_errors)),
        );
        made.map(|(template, version)| NewTemplate { template, version })
    }
}
