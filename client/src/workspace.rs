//! Workspaces.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::organization::OrganizationRef;
use crate::template::TemplateRef;
use crate::user::UserRef;
use crate::workspace_build::{BuildSummary, WorkspaceBuild};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A workspace as lists show it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Workspace")]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceSummary {
    /// `ws_…`.
    pub id: Id,
    /// Slug, unique for its owner in the organization.
    pub name: String,
    /// How it is.
    pub status: WorkspaceStatus,
    /// Where it belongs.
    pub organization: OrganizationRef,
    /// Whose it is.
    pub owner: UserRef,
    /// What it is made from.
    pub template: TemplateRef,
    /// Its last change.
    pub latest_build: BuildSummary,
    /// When it was created.
    pub created_at: DateTime,
}

/// A workspace with its latest build.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// `ws_…`.
    pub id: Id,
    /// Slug, unique for its owner in the organization.
    pub name: String,
    /// How it is.
    pub status: WorkspaceStatus,
    /// Where it belongs.
    pub organization: OrganizationRef,
    /// Whose it is.
    pub owner: UserRef,
    /// What it is made from.
    pub template: TemplateRef,
    /// Its last change.
    pub latest_build: WorkspaceBuild,
    /// When somebody last used it.
    pub last_used_at: Option<DateTime>,
    /// When it was created.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
}

/// How a workspace is.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum WorkspaceStatus {
    /// Its latest build waits for a daemon.
    Pending,
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being stopped.
    Stopping,
    /// It rests.
    Stopped,
    /// It is being deleted.
    Deleting,
    /// It is gone.
    Deleted,
    /// Its latest build was asked to end.
    Canceling,
    /// Its latest build ended because it was asked to.
    Canceled,
    /// Its latest build went wrong.
    Failed,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// Which workspaces; an absent field does not restrict.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceFilter {
    /// Those called so.
    pub name: Option<String>,
    /// Those of this user.
    pub owner: Option<Id>,
    /// Those of this organization.
    pub organization: Option<Id>,
}

/// A value for a variable of the template.
#[derive(cynic::InputObject, Debug, Clone, PartialEq, Eq)]
pub struct ParameterInput {
    /// The variable.
    pub name: String,
    /// Text; numbers, booleans, lists and objects as JSON.
    pub value: String,
}

/// A new workspace.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateWorkspaceInput {
    /// What it is made from.
    pub template_id: Id,
    /// Slug, unique for its owner in the organization.
    pub name: String,
    /// Default: the active version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub template_version_id: Option<Id>,
    /// Values for the variables.
    pub parameters: Vec<ParameterInput>,
}

#[derive(cynic::QueryVariables)]
struct WorkspacesVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    owner: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    organization: Option<Id>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspacesVariables")]
struct Workspaces {
    #[arguments(
        first: 100,
        after: $after,
        filter: { name: $name, ownerId: $owner, organizationId: $organization },
        orderBy: NAME_ASC
    )]
    workspaces: WorkspaceConnection,
}

connection!(WorkspaceConnection, WorkspaceSummary);

#[derive(cynic::QueryVariables)]
struct WorkspaceByIdVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspaceByIdVariables")]
struct WorkspaceById {
    #[arguments(id: $id)]
    node: Option<WorkspaceNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum WorkspaceNode {
    Workspace(Box<Workspace>),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
struct CreateWorkspaceVariables {
    input: CreateWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateWorkspaceVariables")]
struct CreateWorkspace {
    #[arguments(input: $input)]
    create_workspace: Option<CreateWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateWorkspacePayload {
    workspace: Option<Workspace>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The workspaces that the token may see, by name.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn workspaces(
        &self,
        filter: WorkspaceFilter,
        after: Option<String>,
    ) -> Result<Page<WorkspaceSummary>, ClientError> {
        let WorkspaceFilter { name, owner, organization } = filter;
        let variables = WorkspacesVariables { name, owner, organization, after };
        Ok(self.run_idempotent(Workspaces::build(variables)).await?.workspaces.into())
    }

    /// The workspace with the id `id`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn workspace(&self, id: &Id) -> Result<Workspace, ClientError> {
        let variables = WorkspaceByIdVariables { id: id.clone() };
        let workspace = match self.run_idempotent(WorkspaceById::build(variables)).await?.node {
            Some(WorkspaceNode::Workspace(found)) => Some(*found),
            Some(WorkspaceNode::Other) | None => None,
        };
        found(workspace, "workspace", id.inner())
    }

    /// Creates a workspace and queues its first start.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_workspace(&self, input: CreateWorkspaceInput) -> Result<Workspace, ClientError> {
        let data = self.run(CreateWorkspace::build(CreateWorkspaceVariables { input })).await?;
        accepted(data.create_workspace.map(|payload| (payload.workspace, payload.user_errors)))
    }
}
