//! Cleaning up after a daemon that died: end what it left running, save the state, say that the job failed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use guildhall_client::provisioner::JobFailure;
use rustix::process::{Pid, Signal, getpgid, getpgrp, kill_process_group};
use tokio::time::{Instant, sleep};

use super::Daemon;
use super::server::Unsaid;
use super::work_dir::JobDir;
use crate::engine::terraform::{self, ERRORED_STATE, RescueError};

/// The job of a dead daemon can wait for its server.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// After SIGKILL, which nothing survives for long.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// Ends the job that the folder `dir` is left of.
pub(super) async fn run(daemon: Arc<Daemon>, dir: JobDir) {
    tracing::warn!(path = %dir.path.display(), "cleaning up after a provisioner that died during a job");
    end_processes(&dir.path, daemon.settings.options.grace).await;
    let Some(record) = &dir.record else {
        // It died while it made the folder: nothing ran yet.
        dir.remove();
        return;
    };
    match rescue(&daemon, &dir, PATIENCE).await {
        Ok(Some(note)) => tracing::warn!(job = record.hold.job.inner(), "{note}"),
        Ok(None) => {}
        Err(problem) => {
            tracing::error!(job = record.hold.job.inner(), "{problem}");
            return;
        }
    }
    let client = &daemon.server.client;
    // Where nothing was applied yet, as the server knows, another daemon may do it.
    let failure = JobFailure {
        code: "DAEMON_LOST".to_owned(),
        message: "the provisioner died during this job; what was made so far is kept".to_owned(),
        canceled: false,
        handed_back: true,
    };
    let said = daemon.server.insist(|| client.fail_provisioner_job(&record.hold, &failure));
    match said.await {
        // Refused: the server gave the job up before.
        Ok(()) | Err(Unsaid::Refused(_)) => dir.remove(),
        Err(Unsaid::GaveUp(error)) => {
            tracing::error!(job = record.hold.job.inner(), %error, "the end of the job could not be reported");
        }
    }
}

/// Saves the state that Terraform left in `dir`, trying for `patience`. Answers what to tell people, if anything.
///
/// # Errors
/// What to tell people when the folder still holds the only copy and must stay.
pub(super) async fn rescue(
    daemon: &Daemon,
    dir: &JobDir,
    patience: Duration,
) -> Result<Option<String>, String> {
    let Some(endpoint) = dir.record.as_ref().and_then(super::work_dir::Record::endpoint) else {
        return Ok(None);
    };
    match terraform::rescue(&dir.module(), &endpoint, patience).await {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some("The state that Terraform could not save is saved now.".to_owned())),
        Err(error @ RescueError::Refused { .. }) => {
            let kept = daemon.work_dir.keep_state(dir, &dir.module().join(ERRORED_STATE));
            let kept = kept.map_err(|io| format!("{error}; it stays in {}: {io}", dir.path.display()))?;
            tracing::error!(%error, path = %kept.display(), "a state is kept on this machine and nowhere else");
            Ok(Some(format!("{error}. It is kept on the provisioner's machine as {}.", kept.display())))
        }
        Err(error) => Err(format!(
            "{error}; the provisioner tries again when it starts anew, from {}",
            dir.path.display()
        )),
    }
}

/// Ends every process that works in `folder`: SIGINT, so that Terraform saves its state, and SIGKILL after `grace`.
async fn end_processes(folder: &Path, grace: Duration) {
    for (signal, wait) in [(Signal::INT, grace), (Signal::KILL, AFTER_KILL)] {
        let deadline = Instant::now() + wait;
        let mut groups = groups_in(folder);
        for group in &groups {
            tracing::warn!(
                ?group,
                ?signal,
                "a program of the dead provisioner still runs; it is told to end"
            );
            // It may end on its own in this very moment.
            let _ = kill_process_group(*group, signal);
        }
        while !groups.is_empty() && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
            groups = groups_in(folder);
        }
        if groups.is_empty() {
            return;
        }
    }
    tracing::error!(path = %folder.display(), "programs of a dead provisioner can't be ended");
}

/// The process groups that are at home in `folder`, by what the system says of their members: nothing that was
/// written down can be trusted to be still the same process. Empty on systems without `/proc`.
fn groups_in(folder: &Path) -> Vec<Pid> {
    let home = [b"HOME=", folder.as_os_str().as_bytes()].concat();
    let own = getpgrp();
    let mut groups = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(id) = id else { continue };
        let works_there = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        let lives_there = || {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home)
        };
        if (works_there || lives_there())
            && let Ok(group) = getpgid(Some(id))
            && group != own
            && !groups.contains(&group)
        {
            groups.push(group);
        }
    }
    groups
}
