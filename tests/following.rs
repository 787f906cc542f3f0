//! A command that follows a job, while the server under it dies and comes back.

use std::time::Duration;

use rstest::rstest;

use crate::support::Backend;
use crate::support::process::{Server, eventually};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/templates/docker-dev");

#[rstest]
#[tokio::test]
async fn a_log_is_followed_over_a_restart_of_the_server(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = Server::start(backend, 0).await else { return };
    let olga = server.owner().await;
    olga.ok(&["organizations", "create", "data-platform"]).await;
    let key = olga.ok(&["provisioner", "keys", "create", "key", "--org", "data-platform"]).await.out;
    let push = ["templates", "push", "docker-dev", "--org", "data-platform", "--directory", TEMPLATE];
    let follower = olga.run(&push);
    let meanwhile = async {
        let jobs = ["provisioner", "jobs", "--org", "data-platform", "--state", "pending"];
        eventually("the import to wait", async || {
            olga.json(&jobs).await.as_array().filter(|jobs| !jobs.is_empty()).map(|_| ())
        })
        .await;
        // Whoever follows has come that far by now, or is on the way: both must survive.
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.program.kill().await;
        server.start_again().await;
        server.daemon(key.trim(), "data-platform", "daemon")
    };
    let (said, mut daemon) = tokio::join!(follower, meanwhile);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("waiting: "), "it says why it waits\n{}", said.err);
    // Each line once, and all of them.
    let jobs = olga.json(&["provisioner", "jobs", "--org", "data-platform"]).await;
    let log = olga.ok(&["provisioner", "jobs", "logs", jobs[0]["id"].as_str().unwrap()]).await.out;
    let told: Vec<_> = said.err.lines().filter(|line| log.lines().any(|one| one == *line)).collect();
    assert_eq!(told, log.lines().collect::<Vec<_>>(), "{}", said.err);
    daemon.terminate();
    daemon.ended().await;
}
