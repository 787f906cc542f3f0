//! Builds: one step of a workspace's life, made of a template version, a transition and values.

use guildhall_entity::id::{
    OrganizationId, ProvisionerJobId, TemplateVersionId, UserId, WorkspaceBuildId, WorkspaceId,
};
use guildhall_entity::json::QuotaRefusal;
use guildhall_entity::kind::{BuildReason, JobState, JobType, Transition};
use serde_json::json;

use super::change::change;
use super::store::build as store;
pub(crate) use super::store::build::{Made, Target};
use super::{BuildRow, Given, WorkspaceRow, restart};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Object, Permission};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::events::{Event, EventKind};
use crate::provisioner::job::{self, NewJob, Priority};
use crate::seal::Sealer;
use crate::template::parameter::{self, Kept, Value};
use crate::template::settings::{self, Making};
use crate::template::{VersionContent, VersionRow};

/// A build to be made.
pub(super) struct NewBuild {
    pub(super) id: WorkspaceBuildId,
    pub(super) workspace: WorkspaceId,
    pub(super) organization: OrganizationId,
    pub(super) owner: UserId,
    pub(super) version: TemplateVersionId,
    pub(super) transition: Transition,
    pub(super) reason: BuildReason,
    pub(super) initiator: Option<UserId>,
    pub(super) values: Kept,
}

/// Makes a build and queues its job, inside the caller's transaction; answers its version as the log calls it.
///
/// # Errors
/// A refusal while another build of the workspace is active.
pub(super) async fn insert_in(tx: &mut Tx, new: NewBuild) -> Result<String> {
    let (name, tags) =
        store::version_in(tx, new.version).await?.ok_or_else(|| Refusal::gone_meanwhile(&[]))?;
    let version = named(&name, new.version);
    let priority = match new.reason {
        BuildReason::Initiator => Priority::Person,
        BuildReason::Autostart | BuildReason::Autostop | BuildReason::Dormancy => Priority::Schedule,
    };
    let job = NewJob {
        organization: new.organization,
        kind: JobType::WorkspaceBuild,
        tags,
        initiator: new.initiator,
        owner: new.owner,
        priority,
    };
    let job = job::insert_in(tx, job).await?;
    let row = store::NewRow {
        id: new.id,
        organization: new.organization,
        workspace: new.workspace,
        version: new.version,
        transition: new.transition,
        reason: new.reason,
        initiator: new.initiator,
        job,
        values: store::ValuesRow {
            parameters: new.values.open,
            sealed_parameters: new.values.sealed,
            ephemeral_parameters: new.values.ephemeral,
        },
    };
    store::insert_in(tx, row)
        .await
        .on_violation("uq_workspace_build_active", is_active)
        .on_violation("uq_workspace_build_number", is_active)?;
    tx.emit(changed(new.organization, new.workspace)).await?;
    Ok(version)
}

/// The refusal of what can't be done while a build is on its way.
pub(super) fn is_active() -> Refusal {
    let message = "another build of this workspace is active; wait for it or cancel its job";
    Refusal::conflict(&["workspaceId"], message)
}

/// Something of a workspace is not what it was.
pub(super) fn changed(organization: OrganizationId, workspace: WorkspaceId) -> Event {
    Event {
        kind: EventKind::WorkspaceChanged,
        organization: Some(organization),
        subject: workspace.0,
        parent: None,
    }
}

/// What the sensitive values of a build are sealed for.
pub(super) fn purpose(build: WorkspaceBuildId) -> String {
    format!("parameters of {build}")
}

/// Values to keep for one build: sealed for it, they open for no other.
pub(super) fn keep(sealer: &Sealer, build: WorkspaceBuildId, values: Vec<Value>) -> Result<Kept> {
    parameter::split(sealer, &purpose(build), values)
}

/// All values of a build, the sensitive ones opened: for its daemon, and for the next build. Those for it alone are there
/// until it ends.
pub(crate) async fn values(db: &Db, sealer: &Sealer, build: WorkspaceBuildId) -> Result<Vec<Given>> {
    let row = store::values(db, build).await?;
    let kept =
        Kept { open: row.parameters, sealed: row.sealed_parameters, ephemeral: row.ephemeral_parameters };
    parameter::join(sealer, &purpose(build), kept)
}

/// Queues a build of a workspace: start, stop or delete it.
///
/// # Errors
/// FORBIDDEN without the permission for the transition; refusals while another build is active, for a start while the
/// workspace is dormant, for values that the version does not take and for what the template's settings forbid.
pub(crate) async fn create(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    (workspace, latest): (&WorkspaceRow, &BuildRow),
    (version, content): (&VersionRow, &VersionContent),
    transition: Transition,
    given: Vec<Given>,
) -> Result<WorkspaceBuildId> {
    let (permission, action) = match transition {
        Transition::Start => (Permission::WorkspaceStart, Action::Start),
        Transition::Stop => (Permission::WorkspaceStop, Action::Stop),
        Transition::Delete => (Permission::WorkspaceDelete, Action::Delete),
    };
    let organization = workspace.organization_id;
    let object = Object::in_organization(organization).owned_by(workspace.owner_id);
    let permit = actor.authorize(permission, object)?;
    let before = values(db, sealer, latest.id).await?;
    let parameters = parameter::check(&content.variables, given, Some(before))?;
    let mut tx = db.begin(permit).await?;
    let workspace = super::lock_in(&tx, workspace.id).await?;
    if transition == Transition::Start {
        settings::admit_in(&tx, version.template_id, version.id, Making::Start).await?;
        awake(&workspace)?;
        super::store::change::touch_in(&tx, workspace.id).await?;
    }
    let id: WorkspaceBuildId = tx.clock().id();
    let new = NewBuild {
        id,
        workspace: workspace.id,
        organization,
        owner: workspace.owner_id,
        version: version.id,
        transition,
        reason: BuildReason::Initiator,
        initiator: actor.user_id(),
        values: keep(sealer, id, parameters)?,
    };
    let version = insert_in(&mut tx, new).await?;
    tx.commit(queued(action, &workspace, id, &version)).await?;
    Ok(id)
}

/// The change that a queued build is, of a version as the log calls it.
pub(super) fn queued(
    action: Action,
    workspace: &WorkspaceRow,
    build: WorkspaceBuildId,
    version: &str,
) -> Change {
    let after = facts(json!({ "build": build.to_string(), "templateVersion": version }));
    change(action, workspace, &Facts::new(), &after)
}

/// Refuses what would bring up a dormant workspace.
pub(super) fn awake(workspace: &WorkspaceRow) -> Result<(), Refusal> {
    match workspace.dormant_at {
        None => Ok(()),
        Some(_) => Err(Refusal::conflict(
            &["workspaceId"],
            "the workspace is dormant, because nobody has used it for long: activate it, then start it",
        )),
    }
}

/// The build that a job makes, with its workspace: for the daemon that holds the job, and for who ends it.
pub(crate) async fn of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<Target>> {
    store::of_job(db, job).await
}

/// The owner of a build's workspace, and what the build counts with so far, as the transaction sees it.
pub(crate) async fn charge_in(tx: &Tx, build: WorkspaceBuildId) -> Result<Option<(UserId, i32, bool)>> {
    store::charge_in(tx, build).await
}

/// Notes what a build is going to cost, so that no other build takes it for free.
pub(crate) async fn reserve_in(tx: &Tx, build: WorkspaceBuildId, cost: i32) -> Result<()> {
    store::set_daily_cost_in(tx, build, cost).await
}

/// Notes why a quota stopped a build, or that it did not, after all.
pub(crate) async fn judged_by_quota_in(
    tx: &Tx,
    build: WorkspaceBuildId,
    refusal: Option<QuotaRefusal>,
) -> Result<()> {
    store::set_quota_refusal_in(tx, build, refusal).await
}

/// Names that the module of a build is told.
pub(crate) async fn context(db: &Db, target: &Target) -> Result<Option<store::Context>> {
    store::context(db, target).await
}

/// Ends a build inside the transaction that ends its job, with what that means for its workspace: what was started has
/// a deadline, what was stopped starts again where that was promised, and what was deleted is gone. Values for it alone are
/// erased. The lock on its state stays: a Terraform that outlived its daemon may still bring home what it made, until the
/// next build locks.
pub(crate) async fn ended_in(
    tx: &mut Tx,
    target: &Target,
    state: JobState,
    made: Option<Made>,
) -> Result<()> {
    // Before the build's own row, as who makes the next build does: else each could wait for the other.
    super::store::change::lock_in(tx, target.workspace).await?;
    store::end_in(tx, target.build, made).await?;
    let restart = super::store::restart::take_in(tx, target.build).await?;
    match (state, target.transition) {
        (JobState::Succeeded, Transition::Start) => {
            let deadline = super::times::deadline_in(tx, target.workspace).await?;
            super::store::change::set_deadline_in(tx, target.workspace, deadline).await?;
        }
        (JobState::Failed, Transition::Start) => {
            if let Some(deadline) = super::times::end_of_failure_in(tx, target.workspace).await? {
                super::store::change::set_deadline_in(tx, target.workspace, Some(deadline)).await?;
            }
        }
        (JobState::Succeeded, Transition::Stop) => {
            super::store::change::set_deadline_in(tx, target.workspace, None).await?;
            if let Some(next) = restart {
                restart::go_on_in(tx, target, next).await?;
            }
        }
        (JobState::Succeeded, Transition::Delete) => {
            super::store::change::delete_in(tx, target.workspace).await?;
        }
        _ => {}
    }
    tx.emit(changed(target.organization, target.workspace)).await
}
