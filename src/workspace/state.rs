//! Terraform states: one a build, sealed, written only by the Terraform that holds the workspace's lock. The lock is the
//! fence: a new build takes it over from one that has ended, and what an orphaned Terraform sends after that is refused.

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Denied, Object, Origin, Permission, Resource};
use crate::db::{Db, Tx, Unaudited};
use crate::error::{Error, Refusal, Result};
use crate::provisioner::{JobRow, job};
use crate::seal::Sealer;
use guildhall_entity::id::WorkspaceBuildId;
use serde_json::json;

use super::build::{Target, of_job};
use super::store::state as store;
pub(crate) use super::store::state::StateRow;

/// Why a state request is not answered as asked.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The job builds no workspace.
    Stateless,
    /// A newer build has begun, or the workspace is gone.
    Superseded,
    /// Another Terraform holds the lock; its info, as it sent it.
    Locked(String),
}

/// What a state request comes to.
pub(crate) type Outcome<T> = Result<std::result::Result<T, Refused>>;

/// What the state of a build is sealed for.
pub(super) fn purpose(build: WorkspaceBuildId) -> String {
    format!("state of {build}")
}

/// The state that a build starts from or has written so far. `None` for the first build.
pub(crate) async fn get(db: &Db, sealer: &Sealer, job: &JobRow) -> Outcome<Option<Vec<u8>>> {
    let Some(target) = of_job(db, job.id).await? else { return Ok(Err(Refused::Stateless)) };
    // The token of a job opens nothing that came after it.
    if !store::is_latest_build(db, &target).await? {
        return Ok(Err(Refused::Superseded));
    }
    match store::newest(db, target.workspace).await? {
        Some((build, sealed)) => Ok(Ok(Some(sealer.open(&purpose(build), &sealed)?))),
        None => Ok(Ok(None)),
    }
}

/// Keeps a state, if its sender holds the lock.
pub(crate) async fn put(db: &Db, sealer: &Sealer, job: &JobRow, lock_id: &str, state: &[u8]) -> Outcome<()> {
    let (tx, target) = match begin(db, job).await? {
        Ok(begun) => begun,
        Err(refused) => return Ok(Err(refused)),
    };
    match store::lock_in(&tx, target.workspace).await? {
        Some(lock) if lock.workspace_build_id == target.build && lock.lock_id == lock_id => {}
        Some(lock) => return Ok(Err(Refused::Locked(lock.info))),
        None => return Ok(Err(Refused::Locked(String::new()))),
    }
    store::put_in(&tx, &target, sealed(sealer, target.build, state)?).await?;
    tx.commit_unaudited(Unaudited::State).await?;
    Ok(Ok(()))
}

/// A state as it is kept, with what is told of it without opening it.
fn sealed(sealer: &Sealer, build: WorkspaceBuildId, state: &[u8]) -> Result<store::NewState> {
    let size = i32::try_from(state.len()).unwrap_or(i32::MAX);
    Ok(store::NewState { sealed: sealer.seal(&purpose(build), state)?, size, serial: Head::of(state).serial })
}

/// What a state says of itself.
#[derive(Default, serde::Deserialize)]
struct Head {
    version: Option<u32>,
    serial: Option<i64>,
}

impl Head {
    /// Terraform's states are JSON; what is none says nothing, and is kept all the same when Terraform sends it.
    fn of(state: &[u8]) -> Self {
        serde_json::from_slice(state).unwrap_or_default()
    }
}

/// Takes the lock for a build: when nobody has it, or who has it belongs to an earlier build.
pub(crate) async fn lock(db: &Db, job: &JobRow, lock_id: &str, info: &str) -> Outcome<()> {
    let (tx, target) = match begin(db, job).await? {
        Ok(begun) => begun,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(held) = store::lock_in(&tx, target.workspace).await?
        && held.workspace_build_id == target.build
        && held.lock_id != lock_id
    {
        return Ok(Err(Refused::Locked(held.info)));
    }
    store::take_lock_in(&tx, &target, lock_id, info).await?;
    tx.commit_unaudited(Unaudited::State).await?;
    Ok(Ok(()))
}

/// Gives the lock back.
pub(crate) async fn unlock(db: &Db, job: &JobRow, lock_id: &str) -> Outcome<()> {
    let (tx, target) = match begin(db, job).await? {
        Ok(begun) => begun,
        Err(refused) => return Ok(Err(refused)),
    };
    match store::lock_in(&tx, target.workspace).await? {
        Some(lock) if lock.workspace_build_id == target.build && lock.lock_id == lock_id => {
            store::unlock_in(&tx, target.workspace).await?;
        }
        Some(lock) => return Ok(Err(Refused::Locked(lock.info))),
        None => {}
    }
    tx.commit_unaudited(Unaudited::State).await?;
    Ok(Ok(()))
}

/// Takes the lock from a build whose Terraform has no token any more, inside the transaction that takes that.
pub(crate) async fn forget_lock_in(tx: &Tx, target: &Target) -> Result<()> {
    let lock = store::lock_in(tx, target.workspace).await?;
    if lock.is_some_and(|lock| lock.workspace_build_id == target.build) {
        store::unlock_in(tx, target.workspace).await?;
    }
    Ok(())
}

/// Begins a write of the state that a job's build may write, while no newer build has begun.
async fn begin(db: &Db, job: &JobRow) -> Result<std::result::Result<(Tx, Target), Refused>> {
    let Some(target) = of_job(db, job.id).await? else { return Ok(Err(Refused::Stateless)) };
    // Whoever shows the job's token acts as its daemon, for this one build.
    let daemon =
        Actor::daemon(None, job.id.to_string(), job.organization_id, job.tags.clone(), Origin::default());
    let object = Object::in_organization(job.organization_id);
    let tx = db.begin(daemon.authorize(Permission::ProvisionerDaemonServe, object)?).await?;
    if !store::is_latest_build_in(&tx, &target).await? {
        return Ok(Err(Refused::Superseded));
    }
    Ok(Ok((tx, target)))
}

/// What there is to tell of the states that builds have written, to those who may see them.
pub(crate) async fn of_builds(db: &Db, actor: &Actor, builds: &[WorkspaceBuildId]) -> Result<Vec<StateRow>> {
    store::of_builds(db, &actor.reach(Permission::WorkspaceManageState), builds).await
}

/// The state that a workspace had after a build, in clear: for who must repair what is broken. The workspace may be gone.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_MANAGE_STATE`; not found for a build that the actor can't see or that left no state.
pub(crate) async fn download(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    build: WorkspaceBuildId,
) -> Result<Vec<u8>> {
    let (row, name) = managed(db, actor, build).await?;
    let permit =
        actor.authorize(Permission::WorkspaceManageState, Object::in_organization(row.organization))?;
    let state = store::after(db, row.workspace, row.number).await?;
    let (of, state) = state.ok_or(Error::NotFound("state"))?;
    let plain = sealer.open(&purpose(of), &state)?;
    let tx = db.begin(permit).await?;
    let after = facts(json!({ "state": of.to_string() }));
    tx.commit(managing(Action::Download, &row, &name, &after)).await?;
    Ok(plain)
}

/// Replaces the state of a workspace's newest build, which has ended: by one that was repaired by hand.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_MANAGE_STATE`; not found for a build that the actor can't see; refusals for what is no
/// state, for a build that is not the newest or is on its way, and for a workspace that is gone.
pub(crate) async fn upload(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    build: WorkspaceBuildId,
    state: &[u8],
) -> Result<()> {
    let (row, name) = managed(db, actor, build).await?;
    let permit =
        actor.authorize(Permission::WorkspaceManageState, Object::in_organization(row.organization))?;
    let Head { version, serial } = Head::of(state);
    if version.is_none() || serial.is_none() {
        let message = "that is no Terraform state: expected its JSON, with `version` and `serial`";
        return Err(Refusal::invalid(&["state"], message).into());
    }
    let tx = db.begin(permit).await?;
    super::lock_in(&tx, row.workspace).await?;
    let newest = super::store::due::latest_in(&tx, row.workspace).await?;
    let Some(newest) = newest.filter(|newest| newest.id == build && newest.state.is_final()) else {
        let message = "a state is replaced after the newest build, when that has ended";
        return Err(Refusal::conflict(&["state"], message).into());
    };
    let kept = sealed(sealer, build, state)?;
    let after = facts(json!({ "state": build.to_string(), "serial": kept.serial, "size": kept.size }));
    store::put_in(&tx, &row, kept).await?;
    // Whoever still writes for an ended build must not write over what was repaired, nor read it.
    store::unlock_in(&tx, row.workspace).await?;
    job::forget_token_in(&tx, newest.job).await?;
    tx.commit(managing(Action::Update, &row, &name, &after)).await
}

/// The build whose state somebody asks for.
async fn managed(db: &Db, actor: &Actor, build: WorkspaceBuildId) -> Result<(Target, String)> {
    if let Some(found) = store::build_of(db, &actor.reach(Permission::WorkspaceManageState), build).await? {
        return Ok(found);
    }
    match db.find(actor, build).await? {
        Some((build, _)) => {
            let workspace = db.find(actor, build.workspace_id).await?.ok_or(Error::NotFound("build"))?;
            let organization = workspace.workspace.organization_id;
            Err(Denied::LackingIn(Permission::WorkspaceManageState, organization).into())
        }
        None => Err(Error::NotFound("build")),
    }
}

fn managing(action: Action, row: &Target, name: &str, after: &Facts) -> Change {
    let organization = Some(row.organization);
    Change::new(action, Resource::Workspace, organization, row.workspace, name, &Facts::new(), after)
}
