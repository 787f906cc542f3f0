//! The scheduler: a reconciler that does what time asks for. It starts workspaces whose schedule has come due, stops those
//! whose deadline has passed, lets those fall dormant that nobody uses, and deletes those that were dormant for long. It
//! looks every fifteen seconds and takes no input: what is due stands in the tables. Of several servers on one database the
//! one that holds the lease looks.

use std::time::Duration;

use chrono::TimeDelta;
use guildhall_entity::id::WorkspaceId;
use guildhall_entity::workspace::Column;
use sea_orm::prelude::{DateTimeUtc, Uuid};
use tokio_util::sync::CancellationToken;

use super::store::due::{self, DueRow, SleepRow};
use super::upkeep::Upkeep;
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::seal::Sealer;

const EVERY: Duration = Duration::from_secs(15);
const LEASE: &str = "scheduler";
/// Three looks and a bit: a server that is gone is missed within a minute.
const LASTS: TimeDelta = TimeDelta::seconds(50);

/// Looks every fifteen seconds until told to stop.
pub(crate) async fn run(db: Db, sealer: Sealer, stop: CancellationToken) {
    let holder: Uuid = db.clock().id();
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        match sweep(&db, &sealer, holder).await {
            Ok(0) => {}
            Ok(done) => tracing::info!(done, "the scheduler looked after workspaces"),
            Err(error) => tracing::warn!(%error, "the scheduler could not look; it tries again"),
        }
    }
}

/// Looks once, if `holder` has or gets the lease; answers for how many workspaces it did something.
///
/// # Errors
/// When the database fails, or another server has taken the lease over; what was done before that stays done.
pub(crate) async fn sweep(db: &Db, sealer: &Sealer, holder: Uuid) -> Result<usize> {
    let scheduler = Actor::system(System::Scheduler, Origin::default());
    let mut chores = vec![Chore::Delete];
    chores.extend(due::sleepy(db).await?.into_iter().map(Chore::Sleep));
    chores.extend([Chore::Autostop, Chore::Autostart]);
    let mut done = 0;
    for chore in chores {
        // Renewed for each: one that takes long must not cost the others the lease.
        let permit = scheduler.authorize(Permission::WorkspaceUpdate, Object::SITE)?;
        let Some(lease) = db.lease(permit, LEASE, holder, LASTS).await? else { return Ok(done) };
        done += chore.run(&Upkeep { db, sealer, lease }).await?;
    }
    Ok(done)
}

/// What there is to do.
enum Chore {
    Delete,
    Sleep(SleepRow),
    Autostop,
    Autostart,
}

impl Chore {
    /// Does it for each workspace that is due, batch by batch. One that fails does not keep the others waiting.
    async fn run(&self, upkeep: &Upkeep<'_>) -> Result<usize> {
        let now = upkeep.db.clock().now();
        let mut done = 0;
        let mut after = None;
        loop {
            let batch = self.find(upkeep.db, now, after).await?;
            let Some(last) = batch.last() else { return Ok(done) };
            after = Some(last.id);
            for workspace in &batch {
                match self.act(upkeep, workspace).await {
                    Ok(acted) => done += usize::from(acted),
                    // The lease is gone, or the database: what is left is somebody else's, or for later.
                    Err(error @ (Error::Conflict(_) | Error::Unavailable(_))) => return Err(error),
                    Err(error) => {
                        tracing::error!(%error, workspace = %workspace.id, "the scheduler could not look after it");
                    }
                }
            }
        }
    }

    async fn find(&self, db: &Db, now: DateTimeUtc, after: Option<WorkspaceId>) -> Result<Vec<DueRow>> {
        match self {
            Self::Delete => due::since(db, Column::DeletingAt, now, after).await,
            Self::Autostop => due::since(db, Column::Deadline, now, after).await,
            Self::Autostart => due::since(db, Column::AutostartAt, now, after).await,
            Self::Sleep(template) => {
                let long = TimeDelta::milliseconds(template.dormant_after_ms);
                due::idle(db, template.id, now - long, after).await
            }
        }
    }

    async fn act(&self, upkeep: &Upkeep<'_>, workspace: &DueRow) -> Result<bool> {
        match self {
            Self::Delete => upkeep.delete(workspace).await,
            Self::Autostop => upkeep.autostop(workspace).await,
            Self::Autostart => upkeep.autostart(workspace).await,
            Self::Sleep(template) => {
                let delete_after = template.dormant_delete_after_ms.map(TimeDelta::milliseconds);
                upkeep
                    .sleep(workspace, TimeDelta::milliseconds(template.dormant_after_ms), delete_after)
                    .await
            }
        }
    }
}
