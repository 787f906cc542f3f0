//! A real daemon whose key is taken from it.

use std::time::{Duration, Instant};

use rstest::rstest;

use crate::support::Backend;
use crate::support::process::Server;

/// As often as a daemon says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_key_ends_its_daemons_within_a_heartbeat(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = Server::start(backend, 0).await else { return };
    let olga = server.owner().await;
    olga.ok(&["organizations", "create", "data-platform"]).await;
    let secret =
        olga.ok(&["provisioner", "keys", "create", "data-platform/cluster"]).await.out.trim().to_owned();
    let mut daemon = server.daemon(&secret, "data-platform", "d1");
    daemon.says("the provisioner is ready").await;
    let rotated =
        olga.ok(&["provisioner", "keys", "rotate", "data-platform/cluster"]).await.out.trim().to_owned();
    let mut second = server.daemon(&rotated, "data-platform", "d2");
    second.says("the provisioner is ready").await;

    olga.ok(&["provisioner", "keys", "disable", "data-platform/cluster"]).await;
    let disabled = Instant::now();
    for daemon in [&mut daemon, &mut second] {
        assert!(!daemon.ended().await.success());
        assert!(daemon.said().contains("the server refused the provisioner key"), "{}", daemon.said());
    }
    assert!(disabled.elapsed() < HEARTBEAT, "{:?}", disabled.elapsed());
}
