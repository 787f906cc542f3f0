//! Changes to workspaces.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{TemplateId, TemplateVersionId, WorkspaceId};
use guildhall_entity::kind::{AutomaticUpdates, JobState, Transition};

use super::{Workspace, WorkspaceBuild};
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::name::Slug;
use crate::template::{TemplateRow, VersionContent, VersionRow, version};
use crate::workspace::store::workspace::Whole;
use crate::workspace::{self, Given, NewWorkspace, build, change};

/// A value for a variable of the template.
#[derive(Clone, InputObject)]
pub(super) struct ParameterInput {
    /// The variable.
    name: String,
    /// Its value as text: numbers and booleans as such, lists and objects as JSON.
    value: String,
}

/// What an input gives.
pub(super) fn given(parameters: Option<Vec<ParameterInput>>) -> Vec<Given> {
    let given = |input: ParameterInput| Given::now(input.name, input.value);
    parameters.unwrap_or_default().into_iter().map(given).collect()
}

/// A workspace to be made.
#[derive(InputObject)]
struct CreateWorkspaceInput {
    /// What to make it from; decides the organization.
    template_id: ID,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique among the owner's in the organization.
    name: String,
    /// Whose it shall be; the viewer's if absent.
    owner_id: Option<ID>,
    /// A version of the template; the active one if absent.
    template_version_id: Option<ID>,
    /// Values for the template's variables; defaults where absent.
    parameters: Option<Vec<ParameterInput>>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createWorkspace` answers.
#[derive(SimpleObject)]
struct CreateWorkspacePayload {
    /// The new workspace, its first build queued; null when there are user errors.
    workspace: Option<Workspace>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to start.
#[derive(InputObject)]
struct StartWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
    /// Values to change; those of the build before stay where absent.
    parameters: Option<Vec<ParameterInput>>,
    /// A version of its template; if absent that of the build before, or with automatic updates the active one.
    template_version_id: Option<ID>,
}

/// What `startWorkspace` answers.
#[derive(SimpleObject)]
struct StartWorkspacePayload {
    /// The new build, queued; null when there are user errors.
    workspace_build: Option<WorkspaceBuild>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to stop.
#[derive(InputObject)]
struct StopWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
}

/// What `stopWorkspace` answers.
#[derive(SimpleObject)]
struct StopWorkspacePayload {
    /// The new build, queued; null when there are user errors.
    workspace_build: Option<WorkspaceBuild>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A workspace to delete.
#[derive(InputObject)]
struct DeleteWorkspaceInput {
    /// The workspace.
    workspace_id: ID,
    /// Forget it without destroying what it is made of; false if absent. For those who delete workspaces or templates by a
    /// role, when it can't be destroyed any more.
    orphan: Option<bool>,
}

/// What `deleteWorkspace` answers.
#[derive(SimpleObject)]
struct DeleteWorkspacePayload {
    /// The new build, queued; the workspace is gone when it succeeded. Null for an orphan and when there are user errors.
    workspace_build: Option<WorkspaceBuild>,
    /// Which was forgotten at once; null unless it was made an orphan.
    deleted_workspace_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to workspaces.
#[derive(Default)]
pub(crate) struct WorkspaceMutation;

#[Object]
impl WorkspaceMutation {
    /// Creates a workspace and queues its first build. Needs `WORKSPACE_CREATE` and the use of the template.
    async fn create_workspace(
        &self,
        ctx: &Context<'_>,
        input: CreateWorkspaceInput,
    ) -> Nullable<CreateWorkspacePayload> {
        nullable(async {
            let (workspace, user_errors) = outcome(Box::pin(create(ctx.request(), input)).await)?;
            Ok(Some(CreateWorkspacePayload { workspace, user_errors }))
        })
        .await
    }

    /// Queues a build that brings a workspace up, or changes what is up. Needs `WORKSPACE_START`.
    async fn start_workspace(
        &self,
        ctx: &Context<'_>,
        input: StartWorkspaceInput,
    ) -> Nullable<StartWorkspacePayload> {
        nullable(async {
            let version = input.template_version_id.as_ref();
            let built = build(
                ctx.request(),
                &input.workspace_id,
                version,
                Transition::Start,
                given(input.parameters),
            );
            let built = Box::pin(built).await;
            let (workspace_build, user_errors) = outcome(built)?;
            Ok(Some(StartWorkspacePayload { workspace_build, user_errors }))
        })
        .await
    }

    /// Queues a build that takes a workspace down. Needs `WORKSPACE_STOP`.
    async fn stop_workspace(
        &self,
        ctx: &Context<'_>,
        input: StopWorkspaceInput,
    ) -> Nullable<StopWorkspacePayload> {
        nullable(async {
            let built =
                Box::pin(build(ctx.request(), &input.workspace_id, None, Transition::Stop, Vec::new())).await;
            let (workspace_build, user_errors) = outcome(built)?;
            Ok(Some(StopWorkspacePayload { workspace_build, user_errors }))
        })
        .await
    }

    /// Queues a build that destroys a workspace; it is gone when that succeeded. Needs `WORKSPACE_DELETE`; an orphan needs
    /// it by a role, or `TEMPLATE_DELETE` on its template.
    async fn delete_workspace(
        &self,
        ctx: &Context<'_>,
        input: DeleteWorkspaceInput,
    ) -> Nullable<DeleteWorkspacePayload> {
        nullable(async {
            let request = ctx.request();
            let (workspace_build, deleted_workspace_id, user_errors);
            if input.orphan == Some(true) {
                workspace_build = None;
                (deleted_workspace_id, user_errors) =
                    outcome(Box::pin(forget(request, input.workspace_id)).await)?;
            } else {
                deleted_workspace_id = None;
                let built =
                    Box::pin(build(request, &input.workspace_id, None, Transition::Delete, Vec::new())).await;
                (workspace_build, user_errors) = outcome(built)?;
            }
            Ok(Some(DeleteWorkspacePayload { workspace_build, deleted_workspace_id, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateWorkspaceInput) -> Result<Workspace> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateId"], "template");
    let template: TemplateId = input.template_id.parse().map_err(|_| not_found())?;
    let template: TemplateRow = request.find(template).await?.ok_or_else(not_found)?;
    let version = match &input.template_version_id {
        Some(id) => version_of(request, &template, id).await?,
        None => active_version(request, &template, "templateId").await?,
    };
    let owner = match &input.owner_id {
        Some(id) => {
            Some(id.parse().map_err(|_| Refusal::not_found(&["ownerId"], "member of the organization"))?)
        }
        None => None,
    };
    let name = Slug::parse(&["name"], &input.name)?;
    let parameters = given(input.parameters.clone());
    let new = NewWorkspace { name, owner, template, version, parameters };
    let theirs = new.owner.or(request.actor.user_id());
    let inside = authz::Object::in_organization(new.template.organization_id);
    let needed = (Permission::WorkspaceCreate, authz::Object { owner: theirs, ..inside });
    let made = request
        .once(input.idempotency_key.as_deref(), "createWorkspace", &input, needed, async |db| {
            let (id, _) = workspace::create(&db, &request.app.sealer, &request.actor, new).await?;
            Ok(id)
        })
        .await?;
    Ok(request.made::<WorkspaceId>(made).await?.into())
}

pub(super) async fn active_version(
    request: &Request,
    template: &TemplateRow,
    field: &str,
) -> Result<(VersionRow, Arc<VersionContent>)> {
    let Some(id) = template.active_version_id else {
        let message =
            "the template has no active version yet: its import has not succeeded; see its versions' jobs";
        return Err(Refusal::conflict(&[field], message).into());
    };
    referred(request, id).await
}

pub(super) async fn referred(
    request: &Request,
    id: TemplateVersionId,
) -> Result<(VersionRow, Arc<VersionContent>)> {
    let found = version::referred(&request.db, id).await?;
    let (row, content) =
        found.ok_or_else(|| Refusal::not_found(&["templateVersionId"], "template version"))?;
    Ok((row, Arc::new(content)))
}

pub(super) async fn version_of(
    request: &Request,
    template: &TemplateRow,
    id: &ID,
) -> Result<(VersionRow, Arc<VersionContent>)> {
    let field = &["templateVersionId"];
    let not_found = || Refusal::not_found(field, "version of this template");
    let id: TemplateVersionId = id.parse().map_err(|_| not_found())?;
    let row = request.find(id).await?.filter(|row| row.template_id == template.id).ok_or_else(not_found)?;
    let state = version::import_state(&request.db, row.id).await?;
    if row.archived || state != Some(JobState::Succeeded) {
        let message = "workspaces are made from versions whose import succeeded and that are not archived";
        return Err(Refusal::conflict(field, message).into());
    }
    referred(request, row.id).await
}

async fn build(
    request: &Request,
    workspace: &ID,
    version: Option<&ID>,
    transition: Transition,
    given: Vec<Given>,
) -> Result<WorkspaceBuild> {
    let whole = resolve(request, workspace).await?;
    let (version, content) = match version {
        Some(id) => version_of(request, &whole.template, id).await?,
        None if transition == Transition::Start => version_to_start(request, &whole).await?,
        None => referred(request, whole.build.template_version_id).await?,
    };
    queue(request, &whole, (&version, &content), transition, given).await
}

/// What a workspace starts on where nobody names a version: the active one if it follows that, else that of the build
/// before.
pub(super) async fn version_to_start(
    request: &Request,
    whole: &Whole,
) -> Result<(VersionRow, Arc<VersionContent>)> {
    let follows = whole.workspace.automatic_updates == AutomaticUpdates::Always;
    let active = whole.template.active_version_id.filter(|_| follows);
    referred(request, active.unwrap_or(whole.build.template_version_id)).await
}

/// The workspace that an input names.
pub(super) async fn resolve(request: &Request, workspace: &ID) -> Result<Arc<Whole>> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["workspaceId"], "workspace");
    let id: WorkspaceId = workspace.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?)
}

pub(super) async fn queue(
    request: &Request,
    whole: &Whole,
    version: (&VersionRow, &VersionContent),
    transition: Transition,
    given: Vec<Given>,
) -> Result<WorkspaceBuild> {
    let build = build::create(
        &request.db,
        &request.app.sealer,
        &request.actor,
        (&whole.workspace, &whole.build),
        version,
        transition,
        given,
    )
    .await?;
    Ok(request.get(build).await?.into())
}

async fn forget(request: &Request, id: ID) -> Result<ID> {
    let whole = resolve(request, &id).await?;
    change::forget(&request.db, &request.actor, &whole).await?;
    Ok(id)
}
