//! Takes jobs for as long as there is room for them.

use std::sync::Arc;
use std::time::Duration;

use guildhall_client::ClientError;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::question::Question;
use super::server::Verdict;
use super::{Daemon, DaemonError, job};
use crate::backoff::Backoff;

/// How long the server may keep the question open; its own limit.
const WAIT_SECONDS: i32 = 8;
/// Between two questions, should the server answer at once that there is nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// So often the server may fail at a question before another one is asked: it may have given a job away of which it can't
/// tell what to do, and there may be others.
const FAULTS_MAX: u32 = 3;

/// Returns once the daemon is told to take no more.
pub(super) async fn run(daemon: &Arc<Daemon>, jobs: &mut JoinSet<()>, mut question: Question) {
    let (server, drain) = (&daemon.server, &daemon.shutdown.drain);
    let mut backoff = Backoff::endless();
    let mut faults = 0;
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
        // Not given up by `drain`: a job that is just being handed over would be nobody's until the server missed it.
        let answer = tokio::select! {
            answer = server.client.acquire_provisioner_job(&id, WAIT_SECONDS, question.key()) => answer,
            () = daemon.shutdown.abort.cancelled() => return,
        };
        let pause = match answer {
            Ok(Some(job)) => {
                (backoff, faults, _) = (Backoff::endless(), 0, server.reached());
                let place = daemon.running.enter(&job.hold);
                if drain.is_cancelled() {
                    // Unless the server hears of it, the next life asks the same question and is given it again.
                    if job::hand_back(daemon, &job.hold, &place).await {
                        question.renew();
                    }
                    return;
                }
                // Its folder says that it has begun, and only then is the question answered: whatever happens in
                // between, the next life either finds the folder or is given the job again.
                let dir = job::folder(daemon, &job, question.key());
                question.renew();
                jobs.spawn(job::run(Arc::clone(daemon), job, dir, place));
                continue;
            }
            Ok(None) => {
                (backoff, faults, _) = (Backoff::endless(), 0, server.reached());
                PAUSE.saturating_sub(asked.elapsed())
            }
            // The job that it was answered with has ended meanwhile.
            Err(error) if refuses_key(&error) => {
                question.renew();
                PAUSE
            }
            Err(error) => match server.judge(&error) {
                Verdict::Later if error.code() == Some("INTERNAL_SERVER_ERROR") => {
                    faults += 1;
                    if faults == FAULTS_MAX {
                        (faults, _) = (0, question.renew());
                    }
                    backoff.next().unwrap_or(PAUSE)
                }
                Verdict::Later => backoff.next().unwrap_or(PAUSE),
                Verdict::Refused => {
                    server.return_to().await;
                    PAUSE
                }
                Verdict::Key => {
                    server.end_with(DaemonError::shut_out(error));
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

fn refuses_key(error: &ClientError) -> bool {
    let ClientError::Refused(errors) = error else { return false };
    errors.iter().any(|error| error.field().as_deref() == Some("idempotencyKey"))
}

/// A job's task reports by itself; all that can be left is a bug.
pub(super) fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job ended by a fault of the provisioner");
    }
}
