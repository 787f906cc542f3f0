//! Workspaces.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::organization::OrganizationRef;
use crate::template::TemplateRef;
use crate::user::UserRef;
use crate::workspace_build::{BuildSummary, WorkspaceBuild};
use crate::workspace_change::{AutomaticUpdates, AutostartSchedule, WorkspaceTimes};
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
    /// Whether the viewer has marked it.
    pub is_favorite: bool,
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
    /// Whether its latest build is of another version than its template's active one.
    pub is_outdated: bool,
    /// Whether the viewer has marked it.
    pub is_favorite: bool,
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
    /// Grows with every change of it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
}

impl Workspace {
    /// What it does by itself.
    #[must_use]
    pub fn times(&self) -> WorkspaceTimes {
        WorkspaceTimes {
            id: self.id.clone(),
            name: self.name.clone(),
            autostart_schedule: self.autostart_schedule.clone(),
            next_autostart_at: self.next_autostart_at,
            ttl_seconds: self.ttl_seconds,
            deadline: self.deadline,
            automatic_updates: self.automatic_updates.clone(),
            dormant_at: self.dormant_at,
            deleting_at: self.deleting_at,
            last_used_at: self.last_used_at,
        }
    }
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

/// Which workspaces; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct WorkspaceFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Text in the name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Those of this user.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// Those of this organization.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Id>,
    /// Made from this template.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<Id>,
    /// At this.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkspaceStatus>,
    /// Dormant, or not.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub dormant: Option<bool>,
    /// Whether their latest build is of another version than their template's active one.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<bool>,
    /// Whether the viewer has marked them.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub favorite: Option<bool>,
}

/// An order of workspaces.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
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
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct WorkspacesVariables {
    filter: WorkspaceFilter,
    order: WorkspaceOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspacesVariables")]
pub(crate) struct Workspaces {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    workspaces: WorkspaceConnection,
}

connection!(WorkspaceConnection, WorkspaceSummary);

#[derive(cynic::QueryVariables)]
pub(crate) struct WorkspaceByIdVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WorkspaceByIdVariables")]
pub(crate) struct WorkspaceById {
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
pub(crate) struct CreateWorkspaceVariables {
    input: CreateWorkspaceInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateWorkspaceVariables")]
pub(crate) struct CreateWorkspace {
    #[arguments(input: $input)]
    create_workspace: Option<CreateWorkspacePayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateWorkspacePayload {
    workspace: Option<Workspace>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The workspaces that the token may see.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn workspaces(
        &self,
        filter: &WorkspaceFilter,
        order: WorkspaceOrder,
        after: Option<String>,
    ) -> Result<Page<WorkspaceSummary>, ClientError> {
        let variables = WorkspacesVariables { filter: filter.clone(), order, after };
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
