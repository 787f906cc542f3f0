//! Builds: one step of a workspace's life, made of a template version, a transition and values.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId, UserId, WorkspaceBuildId, WorkspaceId};
use guildhall_entity::json::{Parameter, Parameters, QuotaRefusal};
use guildhall_entity::kind::{JobState, JobType, Transition};
use serde_json::json;

use super::parameter::{self, Value};
use super::store::build as store;
pub(crate) use super::store::build::{Made, Target};
use super::{BuildRow, Given, WorkspaceRow};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::events::{Event, EventKind};
use crate::provisioner::job::{self, NewJob, Priority};
use crate::seal::Sealer;
use crate::template::settings::{self, Making};
use crate::template::{VersionContent, VersionRow};

/// A build to be made.
pub(super) struct NewBuild<'a> {
    pub(super) workspace: WorkspaceId,
    pub(super) organization: OrganizationId,
    pub(super) owner: UserId,
    pub(super) version: &'a VersionRow,
    pub(super) transition: Transition,
    pub(super) parameters: Vec<Value>,
}

/// Makes a build and queues its job, inside the caller's transaction.
///
/// # Errors
/// A refusal while another build of the workspace is active.
pub(super) async fn insert_in(tx: &mut Tx, sealer: &Sealer, new: NewBuild<'_>) -> Result<WorkspaceBuildId> {
    let initiator = tx.actor().user_id();
    let tags = store::tags_of_version_in(tx, new.version.provisioner_job_id).await?;
    let job = NewJob {
        organization: new.organization,
        kind: JobType::WorkspaceBuild,
        tags,
        initiator,
        owner: new.owner,
        priority: Priority::Person,
    };
    let job = job::insert_in(tx, job).await?;
    let id: WorkspaceBuildId = tx.clock().id();
    let (parameters, sealed_parameters) = split(sealer, id, new.parameters)?;
    let row = store::NewRow {
        id,
        organization: new.organization,
        workspace: new.workspace,
        version: new.version.id,
        transition: new.transition,
        initiator,
        job,
        parameters,
        sealed_parameters,
    };
    let active = || {
        Refusal::conflict(
            &["workspaceId"],
            "another build of this workspace is active; wait for it or cancel its job",
        )
    };
    store::insert_in(tx, row)
        .await
        .on_violation("uq_workspace_build_active", active)
        .on_violation("uq_workspace_build_number", active)?;
    tx.emit(changed(new.organization, new.workspace)).await?;
    Ok(id)
}

pub(super) fn changed(organization: OrganizationId, workspace: WorkspaceId) -> Event {
    Event {
        kind: EventKind::WorkspaceChanged,
        organization: Some(organization),
        subject: workspace.0,
        parent: None,
    }
}

fn purpose(build: WorkspaceBuildId) -> String {
    format!("parameters of {build}")
}

/// Values to keep in the open, and the sensitive ones sealed.
fn split(
    sealer: &Sealer,
    build: WorkspaceBuildId,
    values: Vec<Value>,
) -> Result<(Parameters, Option<Vec<u8>>)> {
    let mut open = Vec::with_capacity(values.len());
    let mut secret = Vec::new();
    for value in values {
        if value.sensitive {
            open.push(Parameter { name: value.name.clone(), value: None });
            secret.push((value.name, value.value));
        } else {
            open.push(Parameter { name: value.name, value: Some(value.value) });
        }
    }
    if secret.is_empty() {
        return Ok((Parameters(open), None));
    }
    let plain = serde_json::to_vec(&secret).map_err(crate::error::Error::internal)?;
    Ok((Parameters(open), Some(sealer.seal(&purpose(build), &plain)?)))
}

/// All values of a build, the sensitive ones opened: for its daemon, and for the next build.
pub(crate) async fn values(db: &Db, sealer: &Sealer, build: WorkspaceBuildId) -> Result<Vec<Given>> {
    let (parameters, sealed) = store::parameters(db, build).await?;
    let mut secret: Vec<(String, String)> = match sealed {
        Some(sealed) => serde_json::from_slice(&sealer.open(&purpose(build), &sealed)?)
            .map_err(crate::error::Error::internal)?,
        None => Vec::new(),
    };
    let open = |parameter: Parameter| {
        let value = parameter.value.or_else(|| {
            let at = secret.iter().position(|(name, _)| *name == parameter.name)?;
            Some(secret.swap_remove(at).1)
        })?;
        Some(Given { name: parameter.name, value })
    };
    Ok(parameters.0.into_iter().filter_map(open).collect())
}

/// Queues a build of a workspace: start, stop or delete it.
///
/// # Errors
/// FORBIDDEN without the permission for the transition; refusals while another build is active, for values that the
/// version does not take and for what the template's settings forbid.
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
    let parameters = parameter::check(&content.variables, given, before)?;
    let mut tx = db.begin(permit).await?;
    if transition == Transition::Start {
        settings::admit_in(&tx, version.template_id, version.id, Making::Start).await?;
    }
    let new = NewBuild {
        workspace: workspace.id,
        organization,
        owner: workspace.owner_id,
        version,
        transition,
        parameters,
    };
    let id = insert_in(&mut tx, sealer, new).await?;
    let after = facts(json!({ "build": id.to_string(), "templateVersion": version.id.to_string() }));
    let name = workspace.name.as_str();
    let change = Change::new(
        action,
        Resource::Workspace,
        Some(organization),
        workspace.id,
        name,
        &Facts::new(),
        &after,
    );
    tx.commit(change).await?;
    Ok(id)
}

/// The build that a job makes, with its workspace: for the daemon that holds the job, and for who ends it.
pub(crate) async fn of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<Target>> {
    store::of_job(db, job).await
}

/// The owner of a build's workspace, and what the build counts with so far, as the transaction sees it.
pub(crate) async fn charge_in(tx: &Tx, build: WorkspaceBuildId) -> Result<Option<(UserId, i32)>> {
    store::charge_in(tx, build).await
}

/// Notes what a build is going to cost, so that no other build takes it for free.
pub(crate) async fn reserve_in(tx: &Tx, build: WorkspaceBuildId, cost: i32) -> Result<()> {
    store::set_daily_cost_in(tx, build, cost).await
}

/// Notes why a quota stopped a build.
pub(crate) async fn stopped_by_quota_in(
    tx: &Tx,
    build: WorkspaceBuildId,
    refusal: QuotaRefusal,
) -> Result<()> {
    store::set_quota_refusal_in(tx, build, refusal).await
}

/// Names that the module of a build is told.
pub(crate) async fn context(db: &Db, target: &Target) -> Result<Option<store::Context>> {
    store::context(db, target).await
}

/// Ends a build inside the transaction that ends its job; a workspace whose DELETE succeeded is gone. The lock on its
/// state stays: a Terraform that outlived its daemon may still bring home what it made, until the next build locks.
pub(crate) async fn ended_in(
    tx: &mut Tx,
    target: &Target,
    state: JobState,
    made: Option<Made>,
) -> Result<()> {
    store::end_in(tx, target.build, made).await?;
    if state == JobState::Succeeded && target.transition == Transition::Delete {
        super::store::workspace::delete_in(tx, target.workspace).await?;
    }
    tx.emit(changed(target.organization, target.workspace)).await
}
