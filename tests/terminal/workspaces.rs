//! `guildhall workspaces …`: everything that can become of one.

use rstest::rstest;
use serde_json::{Value, json};

use super::{ORG, Scene, each, engine, eventually};
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn a_build_is_followed_while_it_goes_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::held(backend).await else { return };
    let olga = &scene.olga;
    let mut create = olga.begin(&["workspaces", "create", "dev", "-t", "data-platform/machine"]);
    create.says("(local-exec): begun").await;
    // Others read along, from wherever they come, and it goes on.
    let job =
        olga.json(&["provisioner", "jobs", "list", "--org", ORG, "--state", "running"]).await[0].clone();
    assert_eq!(
        (&job["type"], &job["daemon"]["name"]),
        (&json!("WORKSPACE_BUILD"), &json!("cluster")),
        "{job:#}"
    );
    let mut logs = olga.begin(&["workspaces", "logs", "dev", "--follow"]);
    let mut of_job =
        olga.begin(&["provisioner", "jobs", "logs", job["id"].as_str().unwrap(), "--follow", "-o", "json"]);
    for follower in [&mut logs, &mut of_job] {
        assert!(!follower.says("(local-exec): begun").await.contains("(local-exec): finished"));
    }
    let said = olga.ok(&["workspaces", "logs", "dev"]).await;
    assert!(said.err.contains("--follow"), "{}", said.err);
    let daemons = olga.ok(&["provisioner", "list", "--org", ORG]).await.out;
    assert!(daemons.contains("busy") && daemons.contains(job["id"].as_str().unwrap()), "{daemons}");
    scene.let_go();
    for follower in [&mut create, &mut logs, &mut of_job] {
        assert!(follower.ended().await.success(), "{}", follower.said());
        assert_eq!(follower.said().matches("(local-exec): finished").count(), 1, "{}", follower.said());
    }
    let texts: Vec<Value> = of_job.said().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<_> = texts.iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
    assert_eq!(places, (1..=places.len() as u64).collect::<Vec<_>>());

    // One that is canceled says so to who waits for it, with another code.
    scene.hold();
    olga.ok(&["workspaces", "stop", "dev"]).await;
    let mut start = olga.begin(&["workspaces", "start", "dev"]);
    start.says("(local-exec): begun").await;
    let jobs = olga.json(&["provisioner", "jobs", "list", "--org", ORG, "--state", "running"]).await;
    olga.ok(&["provisioner", "jobs", "cancel", jobs[0]["id"].as_str().unwrap()]).await;
    assert_eq!(start.ended().await.code(), Some(8), "{}", start.said());
    assert!(start.said().contains("canceled"), "{}", start.said());
}

#[rstest]
#[tokio::test]
async fn everything_that_can_become_of_a_workspace(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.template().await;
    let olga = &scene.olga;
    olga.ok(&["users", "create", "ana", "--email", "ana@example.com"]).await;
    olga.ok(&["members", "add", "ana", "--org", ORG]).await;
    let ana = scene.server.terminal("ana");
    ana.ok(&["login", "--username", "ana"]).await;
    ana.ok(&["workspaces", "create", "dev", "-t", "machine"]).await;
    let shown = async |name: &str| ana.json(&["workspaces", "show", name]).await;

    ana.ok(&["workspaces", "rename", "dev", "main"]).await;
    ana.refused(4, &["workspaces", "show", "dev"]).await;
    ana.ok(&["workspaces", "favorite", "main"]).await;
    assert_eq!(each(&ana.json(&["workspaces", "list", "--favorite"]).await, "name"), ["main"]);
    ana.ok(&["workspaces", "touch", "main"]).await;
    assert_ne!(shown("main").await["lastUsedAt"], Value::Null);
    ana.refused(6, &["workspaces", "activate", "main"]).await;

    // Times: from the next start on it has a deadline, which can be moved.
    let schedule = ["--autostart", "30 8 * * 1-5", "--timezone", "Europe/Berlin", "--ttl", "9h"];
    ana.ok(&[&["workspaces", "schedule", "set", "main"], &schedule[..]].concat()).await;
    ana.refused(2, &["workspaces", "extend", "main", "1h"]).await;
    ana.ok(&["workspaces", "restart", "main", "-p", "region=us"]).await;
    let before = shown("main").await;
    ana.ok(&["workspaces", "extend", "main", "90m"]).await;
    let after = shown("main").await;
    assert!(
        after["deadline"].as_str() > before["deadline"].as_str(),
        "{} {}",
        before["deadline"],
        after["deadline"]
    );
    assert_eq!(
        (&after["ttlSeconds"], &after["autostartSchedule"]["timeZone"]),
        (&json!(32_400), &json!("Europe/Berlin"))
    );
    ana.ok(&["workspaces", "schedule", "clear", "main", "--autostart"]).await;
    assert_eq!(shown("main").await["autostartSchedule"], Value::Null);
    if engine() == "terraform" {
        let region = json!([{ "key": "region", "value": "us" }]);
        assert_eq!(after["latestBuild"]["metadata"], region, "a restart takes values");
    }

    // A newer version, which it is moved to.
    let text = scene.module().replace("[\"eu\", \"us\"]", "[\"eu\", \"us\", \"ap\"]");
    let newer = scene.folder("newer", &[("main.tf", &text)]);
    olga.ok(&["templates", "push", "data-platform/machine", "-d", &newer]).await;
    assert_eq!(each(&ana.json(&["workspaces", "list", "--outdated"]).await, "name"), ["main"]);
    ana.refused(6, &["workspaces", "start", "main", "-p", "region=ap"]).await;
    ana.ok(&["workspaces", "update", "main", "-p", "region=ap"]).await;
    assert_eq!(shown("main").await["latestBuild"]["templateVersion"]["name"], "v2");
    ana.ok(&["workspaces", "stop", "main"]).await;
    ana.ok(&["workspaces", "start", "main"]).await;
    let builds = ana.json(&["workspaces", "builds", "main"]).await;
    assert_eq!(
        each(&builds, "transition"),
        ["START", "STOP", "START", "START", "STOP", "START"],
        "{builds:#}"
    );
    let log = ana.ok(&["workspaces", "logs", "main", "--build", "1"]).await.out;
    assert!(log.contains("terraform_data.disk"), "{log}");

    // Its state is for administrators; so is what gives it away, or forgets it.
    ana.refused(5, &["workspaces", "state", "pull", "main"]).await;
    let of_ana = ["--owner", "ana"];
    if engine() == "terraform" {
        let state = olga.ok(&[&["workspaces", "state", "pull", "main"], &of_ana[..]].concat()).await.out;
        let state: Value = serde_json::from_str(&state).unwrap();
        assert_eq!(state["version"], 4, "{state:#}");
    }
    ana.refused(5, &["workspaces", "transfer", "main", "--to", "olga"]).await;
    ana.refused(5, &["workspaces", "delete", "main", "--orphan", "--yes"]).await;
    olga.ok(&[&["workspaces", "transfer", "main", "--to", "olga"], &of_ana[..]].concat()).await;
    assert_eq!(ana.json(&["workspaces", "list"]).await, json!([]));
    let said = olga.ok(&["workspaces", "delete", "main", "--orphan", "--yes"]).await.out;
    assert!(said.contains("its state is kept"), "{said}");
    assert_eq!(olga.json(&["workspaces", "list", "--all"]).await, json!([]));

    // And one that is destroyed.
    ana.ok(&["workspaces", "create", "dev", "-t", "machine"]).await;
    ana.ok(&["workspaces", "delete", "dev", "--yes"]).await;
    assert_eq!(ana.json(&["workspaces", "list"]).await, json!([]));
    eventually("the daemon to be done", async || {
        let daemons = olga.json(&["provisioner", "daemons", "--org", ORG]).await;
        (daemons[0]["status"] == "IDLE").then_some(())
    })
    .await;
}
