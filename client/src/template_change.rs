//! Settings of templates, and their end.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::template::Template;
use crate::{Client, ClientError, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// A day of the week.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOfWeek {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

/// What holds for workspaces of a template; times in seconds, `None` = never.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSettings {
    /// Until a workspace stops.
    pub default_ttl_seconds: Option<i32>,
    /// Whether owners may set that themselves.
    pub allow_user_ttl: bool,
    /// Days on which schedules start workspaces.
    pub autostart_days: Vec<DayOfWeek>,
    /// Days at whose end all workspaces stop.
    pub autostop_days: Vec<DayOfWeek>,
    /// In every how manieth week.
    pub autostop_weeks: i32,
    /// Until a workspace whose start failed is stopped.
    pub failure_ttl_seconds: Option<i32>,
    /// Until a workspace nobody uses becomes dormant.
    pub dormant_after_seconds: Option<i32>,
    /// Until a dormant workspace is deleted.
    pub dormant_delete_after_seconds: Option<i32>,
    /// Whether workspaces start from the active version alone.
    pub require_active_version: bool,
    /// Whether owners may cancel builds that run.
    pub allow_user_cancel: bool,
    /// How many workspaces a person may own; `None` = any number.
    pub max_workspaces_per_user: Option<i32>,
}

/// The settings of a template, and at which version it is.
#[derive(cynic::QueryFragment, Debug, Clone)]
#[cynic(graphql_type = "Template")]
pub struct TemplateWithSettings {
    /// Grows by one with every change.
    pub version: i32,
    /// The settings.
    pub settings: TemplateSettings,
}

/// A number, or null: an absent field stays as it is, one that is null is emptied.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(transparent)]
pub struct OrNull(pub Option<i32>);

impl cynic::schema::IsScalar<i32> for OrNull {
    type SchemaType = i32;
}
cynic::impl_coercions!(OrNull, i32);

/// A change of a template; what is absent stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateTemplateInput {
    /// Which.
    pub template_id: Id,
    /// Slug, unique in the organization.
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
    /// Why not to use it any more; empty takes that back.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub deprecation_message: Option<String>,
    /// Seconds.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub default_ttl_seconds: Option<OrNull>,
    /// Whether owners may set it themselves.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub allow_user_ttl: Option<bool>,
    /// Days on which schedules start workspaces.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub autostart_days: Option<Vec<DayOfWeek>>,
    /// Days at whose end all workspaces stop.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub autostop_days: Option<Vec<DayOfWeek>>,
    /// 1–16.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub autostop_weeks: Option<i32>,
    /// Seconds.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub failure_ttl_seconds: Option<OrNull>,
    /// Seconds.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub dormant_after_seconds: Option<OrNull>,
    /// Seconds.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub dormant_delete_after_seconds: Option<OrNull>,
    /// Whether workspaces start from the active version alone.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub require_active_version: Option<bool>,
    /// Whether owners may cancel builds that run.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub allow_user_cancel: Option<bool>,
    /// 1–1000.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub max_workspaces_per_user: Option<OrNull>,
    /// Refuse when the template has another version by now.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct TemplateSettingsVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplateSettingsVariables")]
pub(crate) struct SettingsOfTemplate {
    #[arguments(id: $id)]
    node: Option<SettingsNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum SettingsNode {
    Template(TemplateWithSettings),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateTemplateVariables {
    input: UpdateTemplateInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateTemplateVariables")]
pub(crate) struct UpdateTemplate {
    #[arguments(input: $input)]
    update_template: Option<UpdateTemplatePayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateTemplatePayload {
    template: Option<Template>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct DeleteTemplateInput {
    template_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteTemplateVariables {
    input: DeleteTemplateInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteTemplateVariables")]
pub(crate) struct DeleteTemplate {
    #[arguments(input: $input)]
    delete_template: Option<DeleteTemplatePayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteTemplatePayload {
    deleted_template_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The settings of a template.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn template_settings(&self, template: &Id) -> Result<TemplateWithSettings, ClientError> {
        let variables = TemplateSettingsVariables { id: template.clone() };
        let settings = match self.run_idempotent(SettingsOfTemplate::build(variables)).await?.node {
            Some(SettingsNode::Template(found)) => Some(found),
            Some(SettingsNode::Other) | None => None,
        };
        found(settings, "template", template.inner())
    }

    /// Changes a template.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_template(&self, input: UpdateTemplateInput) -> Result<Template, ClientError> {
        let data = self.run(UpdateTemplate::build(UpdateTemplateVariables { input })).await?;
        accepted(data.update_template.map(|payload| (payload.template, payload.user_errors)))
    }

    /// Deletes a template that no workspace is made of; answers its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] while workspaces are made of it, else as [`Client::run`].
    pub async fn delete_template(&self, template: &Id) -> Result<Id, ClientError> {
        let input = DeleteTemplateInput { template_id: template.clone() };
        let data = self.run(DeleteTemplate::build(DeleteTemplateVariables { input })).await?;
        accepted(data.delete_template.map(|payload| (payload.deleted_template_id, payload.user_errors)))
    }
}
