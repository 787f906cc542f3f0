//! What a build would cost, before it is made.

use serde::Serialize;

use crate::answer::found;
use crate::quota::Quota;
use crate::workspace_build::WorkspaceTransition;
use crate::{Client, ClientError, Id, QueryBuilder, schema};

/// Where a cost is known from.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum BuildCostBasis {
    /// It can't be otherwise.
    Certain,
    /// The last such build of another workspace from the same version.
    TemplateVersion,
    /// The last such build of the same workspace from the same version.
    Workspace,
    /// One that this client does not know.
    #[cynic(fallback)]
    Other(String),
}

/// What a build would cost a day, and whether the quota would let it pass.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct BuildCostPreview {
    /// Credits a day; `None` when nothing like it has been built.
    pub cost: Option<i32>,
    /// Where that is known from.
    pub basis: Option<BuildCostBasis>,
    /// What the workspace costs now.
    pub current_cost: i32,
    /// Whether the quota would let it pass; `None` when the cost is not known.
    pub accepted: Option<bool>,
    /// The owner's quota without this workspace.
    pub owner_quota: Quota,
    /// The organization's quota without this workspace; `None` where the token may not see it.
    pub organization_quota: Option<Quota>,
}

/// The build that is asked about: of a workspace, or of a new one from a version.
#[derive(cynic::QueryVariables, Debug, Clone)]
pub struct PlannedBuild {
    /// The workspace; `None` for a new one.
    pub workspace: Option<Id>,
    /// The version; `None` for the workspace's own.
    pub template_version: Option<Id>,
    /// Whose a new workspace is to be; `None` for whoever asks.
    pub owner: Option<Id>,
    /// What is to be done.
    pub transition: WorkspaceTransition,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "PlannedBuild")]
pub(crate) struct BuildCost {
    #[arguments(workspaceId: $workspace, templateVersionId: $template_version, ownerId: $owner, transition: $transition)]
    build_cost_preview: Option<BuildCostPreview>,
}

impl Client {
    /// What a build would cost a day.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when what is named is missing or not visible, else as [`Client::run`].
    pub async fn build_cost(&self, build: PlannedBuild) -> Result<BuildCostPreview, ClientError> {
        let name = [&build.workspace, &build.template_version].into_iter().flatten().next().cloned();
        let data = self.run_idempotent(BuildCost::build(build)).await?;
        found(data.build_cost_preview, "workspace or version", name.as_ref().map_or("", Id::inner))
    }
}
