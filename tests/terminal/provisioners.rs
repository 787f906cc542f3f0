//! `guildhall provisioner …`: keys, daemons, jobs and their health.

use rstest::rstest;
use serde_json::json;

use super::{ORG, Scene, each, eventually};
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn keys_daemons_jobs_and_health(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(mut scene) = Scene::new(backend).await else { return };
    scene.template().await;
    let olga = scene.olga.clone();
    let keys = async || olga.json(&["provisioner", "keys", "list", "--org", ORG]).await;
    let cluster = "data-platform/cluster";
    assert_eq!(keys().await[0]["state"], "ACTIVE");
    assert!(keys().await[0]["lastUsedAt"].is_string(), "its daemon is there");

    // There, and what it has done.
    let daemons = olga.json(&["provisioner", "list", "--org", ORG]).await;
    assert_eq!(
        (&daemons[0]["name"], &daemons[0]["versionMatches"]),
        (&json!("cluster"), &json!(true)),
        "{daemons:#}"
    );
    let health = olga.json(&["provisioner", "health", "--org", ORG]).await;
    assert_eq!(
        (&health["waitingJobs"], &health["jobs"][0]["succeeded"]),
        (&json!(0), &json!(1)),
        "{health:#}"
    );

    // A rotated secret works beside the old one; a disabled key ends whoever has either.
    let rotated = olga.ok(&["provisioner", "keys", "rotate", cluster, "--overlap-minutes", "5"]).await;
    assert!(rotated.err.contains("is accepted until"), "{}", rotated.err);
    let secret = rotated.out.trim().to_owned();
    assert_ne!(secret, scene.key);
    let mut second = scene.server.daemon(&secret, ORG, "second");
    second.says("the provisioner is ready").await;
    olga.ok(&["provisioner", "keys", "disable", cluster]).await;
    assert_eq!(keys().await[0]["state"], "DISABLED");
    for daemon in [&mut scene.daemon, &mut second] {
        assert!(!daemon.ended().await.success(), "{}", daemon.said());
    }
    let mut refused = scene.server.daemon(&secret, ORG, "third");
    assert!(!refused.ended().await.success());
    assert!(!refused.said().contains(&secret), "{}", refused.said());

    // What waits says why, and is canceled.
    olga.ok(&["provisioner", "keys", "enable", cluster]).await;
    let tagged = scene.folder("tagged", &[("main.tf", "locals {}\n")]);
    let push = ["templates", "push", "tagged", "--org", ORG, "-d", &tagged, "--tag", "gpu=a100"];
    let mut push = olga.begin(&push);
    push.says("waiting: no provisioner carries gpu=a100").await;
    let waiting = olga.json(&["provisioner", "jobs", "list", "--org", ORG, "--state", "pending"]).await;
    assert_eq!(waiting[0]["pendingReason"]["code"], "TAGS_UNMATCHED", "{waiting:#}");
    let health = olga.ok(&["provisioner", "health", "--org", ORG]).await.out;
    assert!(health.contains("gpu=a100"), "{health}");
    olga.ok(&["provisioner", "jobs", "cancel", waiting[0]["id"].as_str().unwrap()]).await;
    assert_eq!(push.ended().await.code(), Some(8), "{}", push.said());

    // With the tag there is somebody to do it.
    olga.ok(&["provisioner", "keys", "update", cluster, "--tag", "gpu=a100", "--rename", "gpus"]).await;
    let mut tagged_daemon = scene.server.daemon(&secret, ORG, "fourth");
    tagged_daemon.says("the provisioner is ready").await;
    olga.ok(&["templates", "push", "data-platform/tagged", "-d", &tagged, "--tag", "gpu=a100"]).await;
    let states = olga.json(&["provisioner", "jobs", "list", "--org", ORG]).await;
    assert_eq!(each(&states, "state"), ["SUCCEEDED", "CANCELED", "SUCCEEDED"]);
    let log = olga.ok(&["provisioner", "jobs", "logs", states[0]["id"].as_str().unwrap()]).await.out;
    assert!(log.contains("Fetching the template."), "{log}");

    // The end of the key is its daemon's.
    olga.ok(&["provisioner", "keys", "delete", "data-platform/gpus", "--yes"]).await;
    assert!(!tagged_daemon.ended().await.success(), "{}", tagged_daemon.said());
    assert_eq!(keys().await, json!([]));
    let audit = olga.json(&["audit", "list", "--org", ORG, "--resource", "PROVISIONER_KEY"]).await;
    assert_eq!(
        each(&audit, "action"),
        ["DELETE", "UPDATE", "UPDATE", "UPDATE", "UPDATE", "CREATE"],
        "{audit:#}"
    );
    eventually("the daemons to be offline or gone", async || {
        let daemons = olga.json(&["provisioner", "daemons", "--org", ORG]).await;
        daemons.as_array().unwrap().iter().all(|daemon| daemon["status"] != "BUSY").then_some(())
    })
    .await;
}
