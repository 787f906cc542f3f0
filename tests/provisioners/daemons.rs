//! Daemons: what is told of them, and how they are forgotten.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::plain_import;

#[rstest]
#[tokio::test]
async fn a_daemon_tells_what_it_does_and_did(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let selection = "status version versionMatches engines currentJobs { id state } lastJob { id state }";
    let daemon = async || scene.node(&scene.daemon.id, "ProvisionerDaemon", selection).await;
    let idle = daemon().await;
    assert_eq!((&idle["status"], &idle["currentJobs"]), (&json!("IDLE"), &json!([])));
    assert_eq!((&idle["lastJob"], &idle["versionMatches"]), (&Value::Null, &json!(true)));

    let first = scene.import(owner, "first", &[]).await;
    let held = app.acquire(&scene.daemon).await.unwrap();
    app.complete(&scene.daemon, &held, plain_import()).await;
    app.clock.advance(TimeDelta::seconds(1));
    let second = scene.import(owner, "second", &[]).await;
    app.acquire(&scene.daemon).await.unwrap();
    let busy = daemon().await;
    assert_eq!(busy["status"], "BUSY");
    assert_eq!(busy["currentJobs"], json!([{ "id": second, "state": "RUNNING" }]));
    assert_eq!(busy["lastJob"], json!({ "id": first, "state": "SUCCEEDED" }));

    // Who sees the daemon, but none of its jobs.
    let member = app.member_of(owner, &scene.org, "mia", &[]).await;
    let query =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on ProvisionerDaemon {{ {selection} }} }} }}");
    let seen = app.ok(&member, &query, json!({ "id": scene.daemon.id })).await["node"].clone();
    assert_eq!(seen["status"], "BUSY");
    assert_eq!((&seen["currentJobs"], &seen["lastJob"]), (&json!([]), &Value::Null));

    let old =
        json!({ "organization": scene.org.name, "name": "old", "version": "0.0.1", "engines": ["ECHO"] });
    let old = app.done(&scene.key.secret, "registerProvisionerDaemon", "provisionerDaemonId", old).await;
    let old = old["provisionerDaemonId"].as_str().unwrap();
    assert_eq!(scene.node(old, "ProvisionerDaemon", "versionMatches").await["versionMatches"], false);
}

#[rstest]
#[tokio::test]
async fn only_a_daemon_that_is_gone_is_forgotten(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let input = json!({ "provisionerDaemonId": scene.daemon.id });
    let refused = app.refused(&owner.token, "deleteProvisionerDaemon", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.provisionerDaemonId"), "{refused:?}");
    let done = scene.import(owner, "done", &[]).await;
    app.work(&scene.daemon).await;
    let held = scene.import(owner, "held", &[]).await;
    app.acquire(&scene.daemon).await.unwrap();
    app.clock.advance(TimeDelta::seconds(91));
    let refused = app.refused(&owner.token, "deleteProvisionerDaemon", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.provisionerDaemonId"), "it holds a job: {refused:?}");
    app.done(&owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": held })).await;
    app.clock.advance(TimeDelta::minutes(6));
    app.app.reap().await.unwrap();

    let auditor = app.member_of(owner, &scene.org, "auditor", &["organization-auditor"]).await;
    assert_eq!(app.denied(Some(&auditor.token), "deleteProvisionerDaemon", input.clone()).await, "FORBIDDEN");
    app.done(&owner.token, "deleteProvisionerDaemon", "deletedProvisionerDaemonId", input.clone()).await;
    let refused = app.refused(&owner.token, "deleteProvisionerDaemon", input).await;
    assert!(refused.is("NOT_FOUND", "input.provisionerDaemonId"), "{refused:?}");
    let job = scene.node(&done, "ProvisionerJob", "state daemon { id }").await;
    assert_eq!(job, json!({ "state": "SUCCEEDED", "daemon": null }));
    // It comes back as another one.
    assert_eq!(scene.beat(&scene.daemon.id, &scene.key.secret).await.as_deref(), Some("CONFLICT"));
    let again = app.daemon(&scene.key, &scene.org, "daemon").await;
    assert_ne!(again.id, scene.daemon.id);
}

/// Nobody is told to wait for a daemon whose program has ended.
#[rstest]
#[tokio::test]
async fn a_daemon_that_signs_off_is_offline_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let input = json!({ "provisionerDaemonId": scene.daemon.id });
    let status = async || {
        scene.node(&scene.daemon.id, "ProvisionerDaemon", "status").await["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let listed = async |status: &str| {
        let query = format!(
            "query($name: String!) {{ organization(by: {{ name: $name }}) {{
               provisionerDaemons(filter: {{ status: {status} }}) {{ totalCount }} }} }}"
        );
        let data = app.ok(owner, &query, json!({ "name": scene.org.name })).await;
        data["organization"]["provisionerDaemons"]["totalCount"].clone()
    };
    let waits = scene.import(owner, "waits", &[]).await;
    app.done(&scene.key.secret, "signOffProvisionerDaemon", "provisionerDaemonId", input.clone()).await;
    assert_eq!(status().await, "OFFLINE");
    assert_eq!((listed("OFFLINE").await, listed("IDLE").await), (json!(1), json!(0)));
    assert_eq!(scene.job(&waits).await["pendingReason"]["code"], "ALL_OFFLINE");

    // Another key's daemon is none of its business.
    let other = app.provisioner_key(owner, &scene.org, "other", &[]).await;
    let code = app.denied(Some(&other.secret), "signOffProvisionerDaemon", input.clone()).await;
    assert_eq!(code, "CONFLICT");
    // What is heard of it brings it back, and once it is gone again it can be forgotten.
    assert_eq!(scene.beat(&scene.daemon.id, &scene.key.secret).await, None);
    assert_eq!((status().await.as_str(), listed("IDLE").await), ("IDLE", json!(1)));
    let refused = app.refused(&owner.token, "deleteProvisionerDaemon", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.provisionerDaemonId"), "{refused:?}");
    app.done(&scene.key.secret, "signOffProvisionerDaemon", "", input.clone()).await;
    assert_eq!(app.daemon(&scene.key, &scene.org, "daemon").await.id, scene.daemon.id, "it comes back");
    assert_eq!(status().await, "IDLE");
    app.done(&scene.key.secret, "signOffProvisionerDaemon", "", input.clone()).await;
    app.done(&owner.token, "deleteProvisionerDaemon", "deletedProvisionerDaemonId", input).await;
}

/// Nobody is told to wait for a daemon whose next call will be refused.
#[rstest]
#[case::disabled(true, "daemon, whose key is disabled")]
#[case::expired(false, "daemon, whose key has expired")]
#[tokio::test]
async fn a_daemon_is_offline_with_its_key(
    #[case] disabled: bool,
    #[case] why: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let waits = scene.import(owner, "waits", &[]).await;
    assert_eq!(scene.job(&waits).await["pendingReason"]["code"], "QUEUED");
    if disabled {
        let input = json!({ "provisionerKeyId": scene.key.id });
        app.done(&owner.token, "disableProvisionerKey", "", input).await;
    } else {
        let input = json!({ "provisionerKeyId": scene.key.id, "expiresAt": "2026-11-24T08:00:05Z" });
        app.done(&owner.token, "updateProvisionerKey", "", input).await;
        app.clock.advance(TimeDelta::seconds(5));
    }
    assert_eq!(scene.node(&scene.daemon.id, "ProvisionerDaemon", "status").await["status"], "OFFLINE");
    let query = "query($name: String!) { organization(by: { name: $name }) {
        offline: provisionerDaemons(filter: { status: OFFLINE }) { totalCount }
        idle: provisionerDaemons(filter: { status: IDLE }) { totalCount }
        provisionerHealth { idleDaemons offlineDaemons } } }";
    let seen = app.ok(owner, query, json!({ "name": scene.org.name })).await["organization"].clone();
    assert_eq!((&seen["offline"]["totalCount"], &seen["idle"]["totalCount"]), (&json!(1), &json!(0)));
    assert_eq!(seen["provisionerHealth"], json!({ "idleDaemons": 0, "offlineDaemons": 1 }));
    let reason = scene.job(&waits).await["pendingReason"].clone();
    let message = format!("every provisioner that could take it is offline ({why})");
    assert_eq!(reason, json!({ "code": "ALL_OFFLINE", "message": message }));
    let input = json!({ "provisionerDaemonId": scene.daemon.id });
    app.done(&owner.token, "deleteProvisionerDaemon", "deletedProvisionerDaemonId", input).await;
}

/// More daemons wait for jobs than there are connections to the database; others write and read as if they were not there.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_waits_holds_no_connection(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const DAEMONS: usize = 40;
    let Some(scene) = Scene::new(backend).await else { return };
    let mut waiting = JoinSet::new();
    for number in 0..DAEMONS {
        let (app, daemon) =
            (scene.app.clone(), scene.app.daemon(&scene.key, &scene.org, &format!("d{number}")).await);
        waiting.spawn(async move {
            let input = json!({ "provisionerDaemonId": daemon.id, "waitSeconds": 8 });
            app.done(&daemon.secret, "acquireProvisionerJob", "acquiredJob { id }", input).await
        });
    }
    let begun = std::time::Instant::now();
    let mut queued = Vec::new();
    for number in 0..3 {
        queued.push(scene.import(&scene.owner, &format!("t{number}"), &[]).await);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(7), "they stood in the way");
    let mut taken = Vec::new();
    while taken.len() < queued.len() {
        let payload = waiting.join_next().await.unwrap().unwrap();
        taken.extend(payload["acquiredJob"]["id"].as_str().map(str::to_owned));
    }
    taken.sort();
    queued.sort();
    assert_eq!(taken, queued);
}
