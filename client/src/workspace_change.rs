//! Changes to workspaces that need no Terraform.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// What a workspace does by itself.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Workspace")]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceTimes {
    /// `wks_…`.
    pub id: Id,
    /// Slug, unique for its owner in the organization.
    pub name: String,
    /// When it starts by itself.
    pub autostart_schedule: Option<AutostartSchedule>,
    /// When that comes due next.
    pub next_autostart_at: Option<DateTime>,
    /// For how many seconds a start lasts; `None` leaves it to the template.
    pub ttl_seconds: Option<i32>,
    /// When it is stopped.
    pub deadline: Option<DateTime>,
    /// Whether it moves to the active version when it starts.
    pub automatic_updates: AutomaticUpdates,
    /// Since when it is dormant.
    pub dormant_at: Option<DateTime>,
    /// When it is deleted for that.
    pub deleting_at: Option<DateTime>,
    /// When somebody last used it.
    pub last_used_at: Option<DateTime>,
}

/// A cron expression in a time zone.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AutostartSchedule {
    /// Five fields.
    pub cron: String,
    /// By its name in the IANA database.
    pub time_zone: String,
}

/// The same, given.
#[derive(cynic::InputObject, Debug, Clone, PartialEq, Eq)]
pub struct AutostartScheduleInput {
    /// Five fields.
    pub cron: String,
    /// By its name in the IANA database.
    pub time_zone: String,
}

/// Whether a workspace moves to its template's active version when it starts.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum AutomaticUpdates {
    /// At every start.
    Always,
    /// Only when somebody asks.
    Never,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// What to change; what is absent stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateWorkspaceInput {
    /// Which.
    pub workspace_id: Id,
    /// A new name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it starts by itself.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub autostart_schedule: Option<AutostartScheduleInput>,
    /// For how many seconds a start lasts.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i32>,
    /// Whether it moves to the active version when it starts.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub automatic_updates: Option<AutomaticUpdates>,
    /// Change nothing unless it still has this version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

impl UpdateWorkspaceInput {
    /// A change of nothing yet.
    pub fn of(workspace: &Id) -> Self {
        let workspace_id = workspace.clone();
        Self {
            workspace_id,
            name: None,
            autostart_schedule: None,
            ttl_seconds: None,
            automatic_updates: None,
            expected_version: None,
        }
    }
}

#[derive(cynic::QueryVariables)]
pub(crate) struct WorkspaceTimesVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspaceTimesVariables")]
pub(crate) struct TimesOfWorkspace {
    #[arguments(id: $id)]
    node: Option<TimesNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum TimesNode {
    Workspace(Box<WorkspaceTimes>),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateWorkspaceVariables {
    input: UpdateWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateWorkspaceVariables")]
pub(crate) struct UpdateWorkspace {
    #[arguments(input: $input)]
    update_workspace: Option<UpdateWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateWorkspacePayload {
    workspace: Option<WorkspaceTimes>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WorkspaceTimesVariables")]
pub(crate) struct ClearAutostart {
    #[arguments(input: { workspaceId: $id, autostartSchedule: null })]
    update_workspace: Option<UpdateWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WorkspaceTimesVariables")]
pub(crate) struct ClearTtl {
    #[arguments(input: { workspaceId: $id, ttlSeconds: null })]
    update_workspace: Option<UpdateWorkspacePayload>,
}

#[derive(cynic::InputObject)]
struct ActivateWorkspaceInput {
    workspace_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ActivateWorkspaceVariables {
    input: ActivateWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ActivateWorkspaceVariables")]
pub(crate) struct ActivateWorkspace {
    #[arguments(input: $input)]
    activate_workspace: Option<ActivateWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct ActivateWorkspacePayload {
    workspace: Option<WorkspaceTimes>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct ExtendWorkspaceDeadlineInput {
    workspace_id: Id,
    deadline: DateTime,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ExtendWorkspaceDeadlineVariables {
    input: ExtendWorkspaceDeadlineInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ExtendWorkspaceDeadlineVariables")]
pub(crate) struct ExtendWorkspaceDeadline {
    #[arguments(input: $input)]
    extend_workspace_deadline: Option<ExtendWorkspaceDeadlinePayload>,
}

#[derive(cynic::QueryFragment)]
struct ExtendWorkspaceDeadlinePayload {
    workspace: Option<WorkspaceTimes>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct TransferWorkspaceInput {
    workspace_id: Id,
    owner_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct TransferWorkspaceVariables {
    input: TransferWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "TransferWorkspaceVariables")]
pub(crate) struct TransferWorkspace {
    #[arguments(input: $input)]
    transfer_workspace: Option<TransferWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct TransferWorkspacePayload {
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct SetWorkspaceFavoriteInput {
    workspace_id: Id,
    favorite: bool,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetWorkspaceFavoriteVariables {
    input: SetWorkspaceFavoriteInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetWorkspaceFavoriteVariables")]
pub(crate) struct SetWorkspaceFavorite {
    #[arguments(input: $input)]
    set_workspace_favorite: Option<SetWorkspaceFavoritePayload>,
}

#[derive(cynic::QueryFragment)]
struct SetWorkspaceFavoritePayload {
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct TouchWorkspaceInput {
    workspace_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct TouchWorkspaceVariables {
    input: TouchWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "TouchWorkspaceVariables")]
pub(crate) struct TouchWorkspace {
    #[arguments(input: $input)]
    touch_workspace: Option<TouchWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct TouchWorkspacePayload {
    workspace: Option<WorkspaceTimes>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// Notes that somebody works in a workspace.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn touch_workspace(&self, workspace: &Id) -> Result<WorkspaceTimes, ClientError> {
        let input = TouchWorkspaceInput { workspace_id: workspace.clone() };
        let data = self.run_idempotent(TouchWorkspace::build(TouchWorkspaceVariables { input })).await?;
        accepted(data.touch_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// What a workspace does by itself.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn workspace_times(&self, workspace: &Id) -> Result<WorkspaceTimes, ClientError> {
        let variables = WorkspaceTimesVariables { id: workspace.clone() };
        let times = match self.run_idempotent(TimesOfWorkspace::build(variables)).await?.node {
            Some(TimesNode::Workspace(found)) => Some(*found),
            Some(TimesNode::Other) | None => None,
        };
        found(times, "workspace", workspace.inner())
    }

    /// Changes a workspace.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_workspace(&self, input: UpdateWorkspaceInput) -> Result<WorkspaceTimes, ClientError> {
        let data = self.run(UpdateWorkspace::build(UpdateWorkspaceVariables { input })).await?;
        accepted(data.update_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// Takes its schedule from a workspace.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn clear_workspace_autostart(&self, workspace: &Id) -> Result<WorkspaceTimes, ClientError> {
        let variables = WorkspaceTimesVariables { id: workspace.clone() };
        let data = self.run(ClearAutostart::build(variables)).await?;
        accepted(data.update_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// Leaves to the template for how long a workspace runs.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn clear_workspace_ttl(&self, workspace: &Id) -> Result<WorkspaceTimes, ClientError> {
        let variables = WorkspaceTimesVariables { id: workspace.clone() };
        let data = self.run(ClearTtl::build(variables)).await?;
        accepted(data.update_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// Wakes up a dormant workspace.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn activate_workspace(&self, workspace: &Id) -> Result<WorkspaceTimes, ClientError> {
        let input = ActivateWorkspaceInput { workspace_id: workspace.clone() };
        let data = self.run(ActivateWorkspace::build(ActivateWorkspaceVariables { input })).await?;
        accepted(data.activate_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// Moves the moment at which a workspace is stopped.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn extend_workspace_deadline(
        &self,
        workspace: &Id,
        deadline: DateTime,
    ) -> Result<WorkspaceTimes, ClientError> {
        let input = ExtendWorkspaceDeadlineInput { workspace_id: workspace.clone(), deadline };
        let data =
            self.run(ExtendWorkspaceDeadline::build(ExtendWorkspaceDeadlineVariables { input })).await?;
        accepted(data.extend_workspace_deadline.map(|payload| (payload.workspace, payload.user_errors)))
    }

    /// Gives a workspace to another member of its organization.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn transfer_workspace(&self, workspace: &Id, owner: &Id) -> Result<(), ClientError> {
        let input = TransferWorkspaceInput { workspace_id: workspace.clone(), owner_id: owner.clone() };
        let data = self.run(TransferWorkspace::build(TransferWorkspaceVariables { input })).await?;
        accepted(data.transfer_workspace.map(|payload| (Some(()), payload.user_errors)))
    }

    /// Marks a workspace as a favorite, or no longer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_workspace_favorite(&self, workspace: &Id, favorite: bool) -> Result<(), ClientError> {
        let input = SetWorkspaceFavoriteInput { workspace_id: workspace.clone(), favorite };
        let data = self.run(SetWorkspaceFavorite::build(SetWorkspaceFavoriteVariables { input })).await?;
        accepted(data.set_workspace_favorite.map(|payload| (Some(()), payload.user_errors)))
    }
}
