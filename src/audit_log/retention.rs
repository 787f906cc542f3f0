//! How long entries are kept: for ever, or so many days; then they are deleted in small batches, so that nobody waits.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::store;
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::{Db, Unaudited};
use crate::error::Result;

const EVERY: Duration = Duration::from_secs(60 * 60);
const BATCH: u64 = 1000;

/// Deletes what is older than `days`, every hour until told to stop.
pub(crate) async fn run(db: Db, days: u32, stop: CancellationToken) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        match sweep(&db, days, &stop).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, days, "old entries of the audit log are deleted"),
            Err(error) => {
                tracing::warn!(%error, "old entries of the audit log could not be deleted; tried again in an hour")
            }
        }
    }
}

/// Looks once; answers how many entries it deleted.
///
/// # Errors
/// When the database fails; batches before that stay deleted.
pub(crate) async fn sweep(db: &Db, days: u32, stop: &CancellationToken) -> Result<u64> {
    let before = db.clock().now() - TimeDelta::days(i64::from(days));
    let mut deleted = 0;
    loop {
        let keeper = Actor::system(System::AuditLog, Origin::default());
        let tx = db.begin(keeper.authorize(Permission::AuditLogRead, Object::SITE)?).await?;
        let batch = store::delete_before_in(&tx, before, BATCH).await?;
        tx.commit_unaudited(Unaudited::AuditLog).await?;
        deleted += batch;
        if batch < BATCH || stop.is_cancelled() {
            return Ok(deleted);
        }
    }
}
