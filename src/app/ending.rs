//! The end of a server, which comes even when its database has fallen silent.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::Db;
use crate::error::Result;

/// How long what works by itself may take to notice that the server ends.
const NOTICE: Duration = Duration::from_secs(15);
/// How long jobs that are interrupted may take to end: longer than Terraform is given to.
const INTERRUPTED: Duration = Duration::from_secs(90);
/// How long the database may take to part.
const CLOSING: Duration = Duration::from_secs(5);

/// Works until it ends by itself, or has not for a while after it was told to. What it was about to write is not written.
pub(super) fn until<W>(told: &CancellationToken, work: W) -> impl Future<Output = ()> + use<W>
where
    W: Future<Output = ()>,
{
    let told = told.clone();
    async move {
        let noticed = async {
            told.cancelled().await;
            tokio::time::sleep(NOTICE).await;
        };
        tokio::select! {
            () = work => {}
            () = noticed => tracing::warn!("the database is silent; what was begun in it is given up"),
        }
    }
}

/// Waits for jobs that were told to end at once.
pub(super) async fn interrupted(workers: &TaskTracker) {
    if tokio::time::timeout(INTERRUPTED, workers.wait()).await.is_err() {
        tracing::warn!("running jobs did not end; others will take them, or they end as lost");
    }
}

/// Closes the database, waiting for what is under way.
///
/// # Errors
/// When closing fails.
pub(super) async fn close(db: &Db) -> Result<()> {
    tokio::time::timeout(CLOSING, db.close()).await.unwrap_or_else(|_elapsed| {
        tracing::warn!("the database does not answer; its connections are dropped");
        Ok(())
    })
}
