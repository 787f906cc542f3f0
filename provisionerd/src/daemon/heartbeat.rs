//! Tells the server that the daemon and its jobs are alive, and hears which of them shall end.

use std::sync::Arc;
use std::time::Duration;

use super::server::Verdict;
use super::{Daemon, DaemonError};

/// After a heartbeat that the server did not hear.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn run(daemon: Arc<Daemon>) {
    let server = &daemon.server;
    let mut wait = server.heartbeat_interval();
    loop {
        tokio::time::sleep(wait).await;
        wait = server.heartbeat_interval();
        match server.client.heartbeat_provisioner_daemon(&server.daemon(), daemon.running.ids()).await {
            Ok(heartbeat) => {
                server.reached();
                for control in heartbeat.cancel_job_ids.iter().filter_map(|job| daemon.running.get(job)) {
                    control.ask();
                }
                for control in heartbeat.lost_job_ids.iter().filter_map(|job| daemon.running.get(job)) {
                    control.lose();
                }
            }
            Err(error) => match server.judge(&error) {
                Verdict::Later => wait = wait.min(AGAIN),
                Verdict::Refused => server.return_to().await,
                Verdict::Key => server.end_with(DaemonError::shut_out(error)),
            },
        }
    }
}
