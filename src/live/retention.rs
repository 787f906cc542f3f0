//! How long events are kept: for ever, or so many days; then they are forgotten from the beginning on, in small batches.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{pump, store};
use crate::db::{Db, Unaudited};
use crate::error::Result;

const EVERY: Duration = Duration::from_secs(60 * 60);
const BATCH: u64 = 1000;

/// Forgets what is older than `days`, every hour until told to stop.
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
            Ok(forgotten) => tracing::info!(forgotten, days, "old events are forgotten"),
            Err(error) => tracing::warn!(%error, "old events could not be forgotten; tried again in an hour"),
        }
    }
}

/// Looks once; answers how many events it forgot.
///
/// # Errors
/// When the database fails; batches before that stay forgotten.
pub(crate) async fn sweep(db: &Db, days: u32, stop: &CancellationToken) -> Result<u64> {
    let before = db.clock().now() - TimeDelta::days(i64::from(days));
    let mut forgotten = 0;
    loop {
        let tx = db.begin(pump::permit()?).await?;
        store::hold_in(&tx).await?;
        let batch = store::forget_in(&tx, before, BATCH).await?;
        tx.commit_unaudited(Unaudited::Outbox).await?;
        forgotten += batch;
        if batch < BATCH || stop.is_cancelled() {
            return Ok(forgotten);
        }
    }
}
