//! Restarts, and moves to another version.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::kind::{JobState, Transition};

use super::WorkspaceBuild;
use super::mutation::{
    ParameterInput, active_version, given, queue, referred, resolve, version_of, version_to_start,
};
use crate::error::Result;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::workspace::restart;

/// A workspace to restart.
#[derive(InputObject)]
struct RestartWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
    /// Values to change; those of the build before stay where absent.
    parameters: Option<Vec<ParameterInput>>,
    /// A version of its template to start; if absent that of the build before, or with automatic updates the active one.
    template_version_id: Option<ID>,
}

/// What `restartWorkspace` answers.
#[derive(SimpleObject)]
struct RestartWorkspacePayload {
    /// The stop, queued; the start follows when it has succeeded. The start itself where the workspace is stopped already.
    /// Null when there are user errors.
    workspace_build: Option<WorkspaceBuild>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to move to its template's active version.
#[derive(InputObject)]
struct UpdateWorkspaceVersionInput {
    /// The workspace.
    workspace_id: ID,
    /// Values to change, and those for what the version asks anew; those of the build before stay where absent.
    parameters: Option<Vec<ParameterInput>>,
}

/// What `updateWorkspaceVersion` answers.
#[derive(SimpleObject)]
struct UpdateWorkspaceVersionPayload {
    /// The start on the active version, queued; null when there are user errors.
    workspace_build: Option<WorkspaceBuild>,
    /// What a person can fix: of values that the version does not take, one each.
    user_errors: Vec<UserError>,
}

/// Restarts, and moves to another version.
#[derive(Default)]
pub(crate) struct WorkspaceRestartMutation;

#[Object]
impl WorkspaceRestartMutation {
    /// Queues a stop, after which a workspace starts again: one promise, whatever happens to servers and daemons
    /// meanwhile. Nothing starts when the stop fails. Needs `WORKSPACE_STOP` and `WORKSPACE_START`.
    async fn restart_workspace(
        &self,
        ctx: &Context<'_>,
        input: RestartWorkspaceInput,
    ) -> Nullable<RestartWorkspacePayload> {
        nullable(async {
            let (workspace_build, user_errors) = outcome(Box::pin(restart(ctx.request(), input)).await)?;
            Ok(Some(RestartWorkspacePayload { workspace_build, user_errors }))
        })
        .await
    }

    /// Queues a start on the template's active version. Needs `WORKSPACE_START`.
    async fn update_workspace_version(
        &self,
        ctx: &Context<'_>,
        input: UpdateWorkspaceVersionInput,
    ) -> Nullable<UpdateWorkspaceVersionPayload> {
        nullable(async {
            let (workspace_build, user_errors) =
                outcome(Box::pin(update_version(ctx.request(), input)).await)?;
            Ok(Some(UpdateWorkspaceVersionPayload { workspace_build, user_errors }))
        })
        .await
    }
}

async fn restart(request: &Request, input: RestartWorkspaceInput) -> Result<WorkspaceBuild> {
    let whole = resolve(request, &input.workspace_id).await?;
    let (old, old_content) = referred(request, whole.build.template_version_id).await?;
    let (new, new_content) = match &input.template_version_id {
        Some(id) => version_of(request, &whole.template, id).await?,
        None => version_to_start(request, &whole).await?,
    };
    let given = given(input.parameters);
    if whole.build.transition == Transition::Stop && whole.job.state == JobState::Succeeded {
        return queue(request, &whole, (&new, &new_content), Transition::Start, given).await;
    }
    let stop = restart::create(
        &request.db,
        &request.app.sealer,
        &request.actor,
        (&whole.workspace, &whole.build),
        (&old, &old_content),
        (&new, &new_content),
        given,
    )
    .await?;
    Ok(request.get(stop).await?.into())
}

async fn update_version(request: &Request, input: UpdateWorkspaceVersionInput) -> Result<WorkspaceBuild> {
    let whole = resolve(request, &input.workspace_id).await?;
    let (version, content) = active_version(request, &whole.template, "workspaceId").await?;
    queue(request, &whole, (&version, &content), Transition::Start, given(input.parameters)).await
}
