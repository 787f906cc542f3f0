//! Terraform states: one a build, sealed, written only by the Terraform that holds the workspace's lock. The lock is the
//! fence: a new build takes it over from one that has ended, and what an orphaned Terraform sends after that is refused.

use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::{Db, Tx, Unaudited};
use crate::error::Result;
use crate::provisioner::JobRow;
use crate::seal::Sealer;
use guildhall_entity::id::WorkspaceBuildId;

use super::build::{Target, of_job};
use super::store::state as store;

/// Why a state request is not answered as asked.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The job builds no workspace, or a newer build has begun.
    Superseded,
    /// Another Terraform holds the lock; its info, as it sent it.
    Locked(String),
}

/// What a state request comes to.
pub(crate) type Outcome<T> = Result<std::result::Result<T, Refused>>;

fn purpose(build: WorkspaceBuildId) -> String {
    format!("state of {build}")
}

/// The state that a build starts from or has written so far. `None` for the first build.
pub(crate) async fn get(db: &Db, sealer: &Sealer, job: &JobRow) -> Outcome<Option<Vec<u8>>> {
    let Some(target) = of_job(db, job.id).await? else { return Ok(Err(Refused::Superseded)) };
    // The token of a job opens nothing that came after it.
    if !store::is_newest_build(db, &target).await? {
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
    let sealed = sealer.seal(&purpose(target.build), state)?;
    store::put_in(&tx, &target, sealed).await?;
    tx.commit_unaudited(Unaudited::State).await?;
    Ok(Ok(()))
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
    let Some(target) = of_job(db, job.id).await? else { return Ok(Err(Refused::Superseded)) };
    // Whoever shows the job's token acts as its daemon, for this one build.
    let daemon =
        Actor::daemon(None, job.id.to_string(), job.organization_id, job.tags.clone(), Origin::default());
    let object = Object::in_organization(job.organization_id);
    let tx = db.begin(daemon.authorize(Permission::ProvisionerDaemonServe, object)?).await?;
    if !store::is_newest_build_in(&tx, &target).await? {
        return Ok(Err(Refused::Superseded));
    }
    Ok(Ok((tx, target)))
}
