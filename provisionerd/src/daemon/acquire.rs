//! Takes jobs for as long as there is room for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::server::Verdict;
use super::{Daemon, DaemonError, job};
use crate::backoff::Backoff;

/// How long the server may keep the question open; its own limit.
const WAIT_SECONDS: i32 = 8;
/// Between two questions, should the server answer at once that there is nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Returns once the daemon is told to take no more.
pub(super) async fn run(daemon: &Arc<Daemon>, jobs: &mut JoinSet<()>) {
    let (server, drain) = (&daemon.server, &daemon.shutdown.drain);
    let mut backoff = Backoff::endless();
    loop {
        while let Some(ended) = jobs.try_join_next() {
            note(ended);
        }
        while daemon.running.ids().len() >= daemon.settings.concurrency.get() {
            tokio::select! {
                ended = jobs.join_next() => ended.into_iter().for_each(note),
                () = drain.cancelled() => return,
            }
        }
        if drain.is_cancelled() {
            return;
        }
        let (asked, id) = (Instant::now(), server.daemon());
        // Not given up by `drain`: a job that is just being handed over would be nobody's.
        let answer = tokio::select! {
            answer = server.client.acquire_provisioner_job(&id, WAIT_SECONDS) => answer,
            () = daemon.shutdown.abort.cancelled() => return,
        };
        let pause = match answer {
            Ok(Some(job)) => {
                (backoff, _) = (Backoff::endless(), server.reached());
                let place = daemon.running.enter(&job.hold);
                jobs.spawn(job::run(Arc::clone(daemon), job, place));
                continue;
            }
            Ok(None) => {
                (backoff, _) = (Backoff::endless(), server.reached());
                PAUSE.saturating_sub(asked.elapsed())
            }
            Err(error) => match server.judge(&error) {
                Verdict::Later => backoff.next().unwrap_or(PAUSE),
                Verdict::Refused => {
                    server.return_to().await;
                    PAUSE
                }
                Verdict::Key => {
                    server.end_with(DaemonError::Key(error));
                    return;
                }
            },
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = drain.cancelled() => return,
        }
    }
}

/// A job's task reports by itself; all that can be left is a bug.
pub(super) fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job ended by a fault of the provisioner");
    }
}
