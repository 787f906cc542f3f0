//! Builds: each start, stop and deletion of a workspace.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::provisioner_job::{JobOutcome, ProvisionerJobState};
use crate::template_version::VersionRef;
use crate::user::UserRef;
use crate::workspace::ParameterInput;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// One start, stop or deletion of a workspace, with what it made.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceBuild {
    /// `build_…`.
    pub id: Id,
    /// Counts up from 1 in each workspace.
    pub number: i32,
    /// What it does.
    pub transition: WorkspaceTransition,
    /// How far it is.
    pub status: ProvisionerJobState,
    /// The version it builds.
    pub template_version: VersionRef,
    /// Who asked for it.
    pub initiator: Option<UserRef>,
    /// When it was created.
    pub created_at: DateTime,
    /// The job that does it.
    pub job: JobOutcome,
    /// The values it was given.
    pub parameters: Vec<BuildParameter>,
    /// What exists because of it.
    pub resources: Vec<WorkspaceResource>,
    /// Where to go.
    pub apps: Vec<WorkspaceApp>,
    /// What the template tells about it.
    pub metadata: Vec<WorkspaceMetadata>,
    /// Credits a day.
    pub daily_cost: i32,
}

/// A build as lists show it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "WorkspaceBuild")]
#[serde(rename_all = "camelCase")]
pub struct BuildSummary {
    /// `build_…`.
    pub id: Id,
    /// Counts up from 1 in each workspace.
    pub number: i32,
    /// What it does.
    pub transition: WorkspaceTransition,
    /// How far it is.
    pub status: ProvisionerJobState,
    /// When it was created.
    pub created_at: DateTime,
    /// The job that does it.
    pub job: JobOutcome,
    /// Credits a day.
    pub daily_cost: i32,
}

/// What a build does.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum WorkspaceTransition {
    /// Makes the workspace run.
    Start,
    /// Takes away what need not stay.
    Stop,
    /// Takes away everything.
    Delete,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// What a build is made for.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum BuildReason {
    /// Somebody asked for it.
    Initiator,
    /// The autostart schedule.
    Autostart,
    /// The deadline.
    Autostop,
    /// Long disuse.
    Dormancy,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// A value of a variable.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct BuildParameter {
    /// The variable.
    pub name: String,
    /// Its value; `None` if it is sensitive.
    pub value: Option<String>,
    /// Whether the value is hidden.
    pub sensitive: bool,
}

/// A resource that Terraform keeps.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct WorkspaceResource {
    /// E.g. `docker_container.main`.
    pub address: String,
    /// E.g. `docker_container`.
    #[cynic(rename = "type")]
    pub r#type: String,
    /// E.g. `main`.
    pub name: String,
}

/// A place to go.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct WorkspaceApp {
    /// For people.
    pub name: String,
    /// Where.
    pub url: String,
    /// Emoji or URL; may be empty.
    pub icon: String,
}

/// Something the template tells.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct WorkspaceMetadata {
    /// What.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Which builds; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct WorkspaceBuildFilter {
    /// At this.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<ProvisionerJobState>,
    /// That do this.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub transition: Option<WorkspaceTransition>,
    /// Made for this.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub reason: Option<BuildReason>,
}

/// An order of builds.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceBuildOrder {
    /// Oldest first.
    NumberAsc,
    /// Newest first.
    NumberDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct WorkspaceBuildsVariables {
    workspace: Id,
    filter: WorkspaceBuildFilter,
    order: WorkspaceBuildOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspaceBuildsVariables")]
pub(crate) struct WorkspaceBuilds {
    #[arguments(id: $workspace)]
    node: Option<WorkspaceBuildsNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "WorkspaceBuildsVariables")]
enum WorkspaceBuildsNode {
    Workspace(BuildsOfWorkspace),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Workspace", variables = "WorkspaceBuildsVariables")]
struct BuildsOfWorkspace {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    builds: WorkspaceBuildConnection,
}

connection!(WorkspaceBuildConnection, BuildSummary);

/// A start of a workspace.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct StartWorkspaceInput {
    /// Which.
    pub workspace_id: Id,
    /// Merged over the values of the latest build.
    pub parameters: Vec<ParameterInput>,
    /// Default: the version of the latest build.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub template_version_id: Option<Id>,
}

#[derive(cynic::InputObject)]
struct StopWorkspaceInput {
    workspace_id: Id,
}

#[derive(cynic::InputObject)]
struct DeleteWorkspaceInput {
    workspace_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct StartWorkspaceVariables {
    input: StartWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "StartWorkspaceVariables")]
pub(crate) struct StartWorkspace {
    #[arguments(input: $input)]
    start_workspace: Option<StartWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct StartWorkspacePayload {
    workspace_build: Option<BuildSummary>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct StopWorkspaceVariables {
    input: StopWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "StopWorkspaceVariables")]
pub(crate) struct StopWorkspace {
    #[arguments(input: $input)]
    stop_workspace: Option<StopWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct StopWorkspacePayload {
    workspace_build: Option<BuildSummary>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteWorkspaceVariables {
    input: DeleteWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteWorkspaceVariables")]
pub(crate) struct DeleteWorkspace {
    #[arguments(input: $input)]
    delete_workspace: Option<DeleteWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteWorkspacePayload {
    workspace_build: Option<BuildSummary>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The builds of a workspace.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the workspace, else as [`Client::run`].
    pub async fn workspace_builds(
        &self,
        workspace: &Id,
        filter: &WorkspaceBuildFilter,
        order: WorkspaceBuildOrder,
        after: Option<String>,
    ) -> Result<Page<BuildSummary>, ClientError> {
        let variables =
            WorkspaceBuildsVariables { workspace: workspace.clone(), filter: filter.clone(), order, after };
        let builds = match self.run_idempotent(WorkspaceBuilds::build(variables)).await?.node {
            Some(WorkspaceBuildsNode::Workspace(found)) => Some(found.builds.into()),
            Some(WorkspaceBuildsNode::Other) | None => None,
        };
        found(builds, "workspace", workspace.inner())
    }

    /// Queues a start.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn start_workspace(&self, input: StartWorkspaceInput) -> Result<BuildSummary, ClientError> {
        let data = self.run(StartWorkspace::build(StartWorkspaceVariables { input })).await?;
        accepted(data.start_workspace.map(|payload| (payload.workspace_build, payload.user_errors)))
    }

    /// Queues a stop.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn stop_workspace(&self, workspace: &Id) -> Result<BuildSummary, ClientError> {
        let input = StopWorkspaceInput { workspace_id: workspace.clone() };
        let data = self.run(StopWorkspace::build(StopWorkspaceVariables { input })).await?;
        accepted(data.stop_workspace.map(|payload| (payload.workspace_build, payload.user_errors)))
    }

    /// Queues the deletion; the workspace is gone when that build succeeds.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn delete_workspace(&self, workspace: &Id) -> Result<BuildSummary, ClientError> {
        let input = DeleteWorkspaceInput { workspace_id: workspace.clone() };
        let data = self.run(DeleteWorkspace::build(DeleteWorkspaceVariables { input })).await?;
        accepted(data.delete_workspace.map(|payload| (payload.workspace_build, payload.user_errors)))
    }
}
