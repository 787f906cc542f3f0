//! Restarts, moves to another version, and workspaces that are forgotten.

use crate::answer::accepted;
use crate::workspace::ParameterInput;
use crate::workspace_build::BuildSummary;
use crate::{Client, ClientError, Id, MutationBuilder, UserError, schema};

/// A restart of a workspace.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct RestartWorkspaceInput {
    /// Which.
    pub workspace_id: Id,
    /// Merged over the values of the latest build.
    pub parameters: Vec<ParameterInput>,
    /// Default: the version of the latest build.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub template_version_id: Option<Id>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RestartWorkspaceVariables {
    input: RestartWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RestartWorkspaceVariables")]
pub(crate) struct RestartWorkspace {
    #[arguments(input: $input)]
    restart_workspace: Option<RestartWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct RestartWorkspacePayload {
    workspace_build: Option<BuildSummary>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct UpdateWorkspaceVersionInput {
    workspace_id: Id,
    parameters: Vec<ParameterInput>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateWorkspaceVersionVariables {
    input: UpdateWorkspaceVersionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateWorkspaceVersionVariables")]
pub(crate) struct UpdateWorkspaceVersion {
    #[arguments(input: $input)]
    update_workspace_version: Option<UpdateWorkspaceVersionPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateWorkspaceVersionPayload {
    workspace_build: Option<BuildSummary>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ForgetWorkspaceVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ForgetWorkspaceVariables")]
pub(crate) struct ForgetWorkspace {
    #[arguments(input: { workspaceId: $id, orphan: true })]
    delete_workspace: Option<ForgetWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "DeleteWorkspacePayload")]
struct ForgetWorkspacePayload {
    deleted_workspace_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// Queues a stop, after which the workspace starts again; answers the stop, or the start where it is stopped already.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn restart_workspace(&self, input: RestartWorkspaceInput) -> Result<BuildSummary, ClientError> {
        let data = self.run(RestartWorkspace::build(RestartWorkspaceVariables { input })).await?;
        accepted(data.restart_workspace.map(|payload| (payload.workspace_build, payload.user_errors)))
    }

    /// Queues a start on the template's active version.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_workspace_version(
        &self,
        workspace: &Id,
        parameters: Vec<ParameterInput>,
    ) -> Result<BuildSummary, ClientError> {
        let input = UpdateWorkspaceVersionInput { workspace_id: workspace.clone(), parameters };
        let data = self.run(UpdateWorkspaceVersion::build(UpdateWorkspaceVersionVariables { input })).await?;
        accepted(data.update_workspace_version.map(|payload| (payload.workspace_build, payload.user_errors)))
    }

    /// Forgets a workspace without destroying what it is made of.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn forget_workspace(&self, workspace: &Id) -> Result<Id, ClientError> {
        let variables = ForgetWorkspaceVariables { id: workspace.clone() };
        let data = self.run(ForgetWorkspace::build(variables)).await?;
        accepted(data.delete_workspace.map(|payload| (payload.deleted_workspace_id, payload.user_errors)))
    }
}
