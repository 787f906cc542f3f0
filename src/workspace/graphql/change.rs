//! Changes to workspaces that need no Terraform.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::UserId;

use super::mutation::resolve;
use super::{AutomaticUpdates, Workspace};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::quota::transfer;
use crate::workspace::change::{self, Patch};
use crate::workspace::store::workspace::Whole;

/// When a workspace is to start by itself.
#[derive(InputObject)]
struct AutostartScheduleInput {
    /// Five fields: minute, hour, day of the month, month, day of the week. `30 8 * * 1-5` is half past eight from Monday to
    /// Friday. At most 100 characters.
    cron: String,
    /// The time zone that it is read in, by its name in the IANA database, e.g. `Europe/Berlin`.
    time_zone: String,
}

/// What to change about a workspace. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
    /// A new name: 1–32 characters of a–z, 0–9 and single hyphens between them; unique among the owner's in the
    /// organization.
    name: MaybeUndefined<String>,
    /// When it starts by itself; null for never.
    autostart_schedule: MaybeUndefined<AutostartScheduleInput>,
    /// For how many seconds a start lasts, 60 to 2,592,000 (thirty days), from the next start on; null leaves it to the
    /// template.
    ttl_seconds: MaybeUndefined<i32>,
    /// Whether it moves to its template's active version when it starts; null is `NEVER`.
    automatic_updates: MaybeUndefined<AutomaticUpdates>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateWorkspace` answers.
#[derive(SimpleObject)]
struct UpdateWorkspacePayload {
    /// The workspace as it is now, also when `expectedVersion` is stale; null for other user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace that is not to be stopped yet.
#[derive(InputObject)]
struct ExtendWorkspaceDeadlineInput {
    /// The workspace; it runs and has a deadline.
    workspace_id: ID,
    /// When it is stopped instead: in the future, at most thirty days away.
    deadline: DateTime,
}

/// What `extendWorkspaceDeadline` answers.
#[derive(SimpleObject)]
struct ExtendWorkspaceDeadlinePayload {
    /// The workspace as it is now; null when there are user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A dormant workspace to wake up.
#[derive(InputObject)]
struct ActivateWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
}

/// What `activateWorkspace` answers.
#[derive(SimpleObject)]
struct ActivateWorkspacePayload {
    /// The workspace as it is now; null when there are user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to give to somebody else.
#[derive(InputObject)]
struct TransferWorkspaceInput {
    /// The workspace; no build of it is on its way.
    workspace_id: ID,
    /// Who gets it: a member of its organization.
    owner_id: ID,
}

/// What `transferWorkspace` answers.
#[derive(SimpleObject)]
struct TransferWorkspacePayload {
    /// The workspace as it is now; null when there are user errors, and where the viewer can't see it any more.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to mark.
#[derive(InputObject)]
struct SetWorkspaceFavoriteInput {
    /// The workspace.
    workspace_id: ID,
    /// Whether it is a favorite of the viewer's. Nobody else sees it.
    favorite: bool,
}

/// What `setWorkspaceFavorite` answers.
#[derive(SimpleObject)]
struct SetWorkspaceFavoritePayload {
    /// The workspace as it is now; null when there are user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace that somebody works in.
#[derive(InputObject)]
struct TouchWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
}

/// What `touchWorkspace` answers.
#[derive(SimpleObject)]
struct TouchWorkspacePayload {
    /// The workspace as it is now; null when there are user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to workspaces that need no Terraform.
#[derive(Default)]
pub(crate) struct WorkspaceChangeMutation;

#[Object]
impl WorkspaceChangeMutation {
    /// Changes a workspace's name and what it does by itself. Needs `WORKSPACE_UPDATE`.
    async fn update_workspace(
        &self,
        ctx: &Context<'_>,
        input: UpdateWorkspaceInput,
    ) -> Nullable<UpdateWorkspacePayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.workspace_id.clone();
            let (mut workspace, user_errors) = outcome(Box::pin(update(request, input)).await)?;
            if is_stale(&user_errors) {
                workspace = now(request, &id).await?;
            }
            Ok(Some(UpdateWorkspacePayload { workspace, user_errors }))
        })
        .await
    }

    /// Moves the moment at which a running workspace is stopped. Needs `WORKSPACE_UPDATE`.
    async fn extend_workspace_deadline(
        &self,
        ctx: &Context<'_>,
        input: ExtendWorkspaceDeadlineInput,
    ) -> Nullable<ExtendWorkspaceDeadlinePayload> {
        nullable(async {
            let request = ctx.request();
            let extend = async |whole: Arc<Whole>| {
                change::extend(&request.db, &request.actor, &whole.workspace, input.deadline.0).await
            };
            let (workspace, user_errors) = changed(request, &input.workspace_id, extend).await?;
            Ok(Some(ExtendWorkspaceDeadlinePayload { workspace, user_errors }))
        })
        .await
    }

    /// Wakes up a dormant workspace: it may be started again, and is deleted no more. Needs `WORKSPACE_UPDATE`.
    async fn activate_workspace(
        &self,
        ctx: &Context<'_>,
        input: ActivateWorkspaceInput,
    ) -> Nullable<ActivateWorkspacePayload> {
        nullable(async {
            let request = ctx.request();
            let activate = async |whole: Arc<Whole>| {
                change::activate(&request.db, &request.actor, &whole.workspace).await
            };
            let (workspace, user_errors) = changed(request, &input.workspace_id, activate).await?;
            Ok(Some(ActivateWorkspacePayload { workspace, user_errors }))
        })
        .await
    }

    /// Gives a workspace to another member of its organization, with its builds and their logs; their quota must bear
    /// it. Needs `WORKSPACE_UPDATE`, and `WORKSPACE_CREATE` for the new owner.
    async fn transfer_workspace(
        &self,
        ctx: &Context<'_>,
        input: TransferWorkspaceInput,
    ) -> Nullable<TransferWorkspacePayload> {
        nullable(async {
            let request = ctx.request();
            let give = async |whole: Arc<Whole>| {
                let not_found = || Refusal::not_found(&["ownerId"], "member of the organization");
                let owner: UserId = input.owner_id.parse().map_err(|_| not_found())?;
                transfer::transfer(&request.db, &request.actor, &whole.workspace, owner).await
            };
            let (workspace, user_errors) = changed(request, &input.workspace_id, give).await?;
            Ok(Some(TransferWorkspacePayload { workspace, user_errors }))
        })
        .await
    }

    /// Marks a workspace as a favorite of the viewer's, or no longer. Leaves no entry in the audit log.
    /// Needs `WORKSPACE_READ`, and of an API token that its scopes hold `WORKSPACE_UPDATE`.
    async fn set_workspace_favorite(
        &self,
        ctx: &Context<'_>,
        input: SetWorkspaceFavoriteInput,
    ) -> Nullable<SetWorkspaceFavoritePayload> {
        nullable(async {
            let request = ctx.request();
            let mark = async |whole: Arc<Whole>| {
                change::set_favorite(&request.db, &request.actor, &whole.workspace, input.favorite).await
            };
            let (workspace, user_errors) = changed(request, &input.workspace_id, mark).await?;
            Ok(Some(SetWorkspaceFavoritePayload { workspace, user_errors }))
        })
        .await
    }

    /// Notes that somebody works in a workspace, which keeps it from falling dormant. Leaves no entry in the audit log.
    /// Needs `WORKSPACE_UPDATE`.
    async fn touch_workspace(
        &self,
        ctx: &Context<'_>,
        input: TouchWorkspaceInput,
    ) -> Nullable<TouchWorkspacePayload> {
        nullable(async {
            let request = ctx.request();
            let touch =
                async |whole: Arc<Whole>| change::touch(&request.db, &request.actor, &whole.workspace).await;
            let (workspace, user_errors) = changed(request, &input.workspace_id, touch).await?;
            Ok(Some(TouchWorkspacePayload { workspace, user_errors }))
        })
        .await
    }
}

/// Changes the workspace that an input names, and reads it as it is then.
async fn changed(
    request: &Request,
    id: &ID,
    work: impl AsyncFnOnce(Arc<Whole>) -> Result<()>,
) -> Result<(Option<Workspace>, Vec<UserError>)> {
    let whole = match resolve(request, id).await {
        Ok(whole) => whole,
        Err(error) => return outcome(Err(error)),
    };
    let (done, user_errors) = outcome(Box::pin(work(whole)).await)?;
    let workspace = match done {
        Some(()) => now(request, id).await?,
        None => None,
    };
    Ok((workspace, user_errors))
}

/// What a workspace is now, past what this request has read before.
async fn now(request: &Request, id: &ID) -> Result<Option<Workspace>> {
    let afresh = request.afresh();
    let (whole, _) = outcome(resolve(&afresh, id).await)?;
    Ok(whole.map(Workspace::from))
}

async fn update(request: &Request, input: UpdateWorkspaceInput) -> Result<Workspace> {
    let whole = resolve(request, &input.workspace_id).await?;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let autostart = match input.autostart_schedule {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(schedule) => Some(Some((schedule.cron, schedule.time_zone))),
    };
    let ttl_seconds = match input.ttl_seconds {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(seconds) => Some(Some(seconds)),
    };
    let automatic_updates = match input.automatic_updates {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(AutomaticUpdates::Never.into()),
        MaybeUndefined::Value(updates) => Some(updates.into()),
    };
    let expected_version = input.expected_version;
    let patch = Patch { name, autostart, ttl_seconds, automatic_updates, expected_version };
    change::update(&request.db, &request.actor, &whole.workspace, patch).await?;
    let updated = now(request, &input.workspace_id).await?;
    updated.ok_or_else(|| Refusal::not_found(&["workspaceId"], "workspace").into())
}
