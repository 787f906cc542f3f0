//! The queue: priorities, fair shares, places, reasons, and what a claim costs.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::daemon::plain_import;
use crate::support::statements::RequestLog;
use crate::support::{Backend, Person};

impl Scene {
    /// People who may push templates.
    async fn pushers(&self, names: &[&str]) -> Vec<Person> {
        let mut people = Vec::new();
        for name in names {
            let roles = ["organization-template-admin"];
            people.push(self.app.member_of(&self.owner, &self.org, name, &roles).await);
        }
        people
    }

    /// Whose the job is that is taken next, and done.
    async fn serve(&self) -> Option<String> {
        let job = self.app.acquire(&self.daemon).await?;
        self.app.complete(&self.daemon, &job, plain_import()).await;
        let seen = self.node(&job.id, "ProvisionerJob", "initiator { username }").await;
        Some(seen["initiator"]["username"].as_str().unwrap().to_owned())
    }
}

#[rstest]
#[tokio::test]
async fn whoever_queues_many_lets_others_pass(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let people = scene.pushers(&["ann", "ben", "cat"]).await;
    for number in 0..4 {
        scene.import(&people[0], &format!("a{number}"), &[]).await;
        scene.app.clock.advance(TimeDelta::seconds(1));
    }
    for (person, name) in [(&people[1], "b0"), (&people[1], "b1"), (&people[2], "c0")] {
        scene.import(person, name, &[]).await;
        scene.app.clock.advance(TimeDelta::seconds(1));
    }
    let mut served = Vec::new();
    while let Some(who) = scene.serve().await {
        served.push(who);
        // What comes in meanwhile begins with the round that is on, not before it.
        if served.len() == 4 {
            scene.import(&people[2], "c1", &[]).await;
        }
    }
    assert_eq!(served, ["ann", "ben", "cat", "ann", "ben", "cat", "ann", "ann"]);
}

#[rstest]
#[tokio::test]
async fn a_place_is_the_place_that_comes_true(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let people = scene.pushers(&["ann", "ben"]).await;
    let mut jobs = Vec::new();
    for (who, name) in [(0, "a0"), (0, "a1"), (0, "a2"), (1, "b0"), (1, "b1")] {
        jobs.push(scene.import(&people[who], name, &[]).await);
        scene.app.clock.advance(TimeDelta::seconds(1));
    }
    // In another queue, with places of its own.
    let tagged = scene.import(&people[0], "tagged", &[("gpu", "a100")]).await;
    assert_eq!(scene.job(&tagged).await["position"], 1);
    let mut promised = BTreeMap::new();
    for job in &jobs {
        promised.insert(scene.job(job).await["position"].as_i64().unwrap(), job.clone());
    }
    let promised: Vec<String> = promised.into_values().collect();
    assert_eq!(promised, [&jobs[0], &jobs[3], &jobs[1], &jobs[4], &jobs[2]].map(Clone::clone));
    let mut served = Vec::new();
    while let Some(job) = scene.app.acquire(&scene.daemon).await {
        served.push(job.id);
    }
    assert_eq!(served, promised);
}

/// Random arrivals and random service: of two people who both wait all the while, neither gets two more than the other.
#[rstest]
#[tokio::test]
async fn shares_are_fair_in_any_order(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let people = scene.pushers(&["ann", "ben", "cat"]).await;
    let seed = 0x9e37_79b9_7f4a_7c15_u64;
    println!("seed {seed:#x}");
    let mut state = seed;
    let mut random = |below: u64| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut waiting = [0_i32; 3];
    // Served since both of a pair have been waiting, as (a, b, served a, served b).
    let mut pairs = [(0, 1, 0_i32, 0_i32), (0, 2, 0, 0), (1, 2, 0, 0)];
    let mut contested = 0;
    for step in 0..90 {
        scene.app.clock.advance(TimeDelta::milliseconds(10));
        if random(100) < 55 {
            let who = usize::try_from(random(3)).unwrap();
            scene.import(&people[who], &format!("t{step}"), &[]).await;
            waiting[who] += 1;
        } else if let Some(name) = scene.serve().await {
            let who = people.iter().position(|person| person.username == name).unwrap();
            for (a, b, served_a, served_b) in &mut pairs {
                if waiting[*a] > 0 && waiting[*b] > 0 {
                    *served_a += i32::from(who == *a);
                    *served_b += i32::from(who == *b);
                    contested += 1;
                    assert!((*served_a - *served_b).abs() <= 2, "step {step}: {pairs:?}");
                }
            }
            waiting[who] -= 1;
        }
        for (a, b, served_a, served_b) in &mut pairs {
            if waiting[*a] == 0 || waiting[*b] == 0 {
                (*served_a, *served_b) = (0, 0);
            }
        }
    }
    assert!(contested > 20, "nobody competed: {contested}");
}

#[rstest]
#[tokio::test]
async fn the_reason_says_what_is_missing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let code = async |job: &str| {
        let reason = scene.job(job).await["pendingReason"].clone();
        let text = |field: &str| reason[field].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    };
    let empty = app.organization(owner, "empty").await;
    let input = json!({ "name": "t", "version": { "tags": [] } });
    let version = app.described_template(owner, &empty, input).await.version;
    let job = scene.node(&version, "TemplateVersion", "job { id }").await["job"]["id"].clone();
    let (reason, message) = code(job.as_str().unwrap()).await;
    assert_eq!(reason, "NO_DAEMON");
    assert!(message.contains("guildhall provisioner keys create"), "{message}");

    let tagged = scene.import(owner, "tagged", &[("gpu", "a100")]).await;
    let (reason, message) = code(&tagged).await;
    assert_eq!((reason.as_str(), message.contains("gpu=a100")), ("TAGS_UNMATCHED", true), "{message}");

    let first = scene.import(owner, "first", &[]).await;
    assert_eq!(code(&first).await.0, "QUEUED");
    let second = scene.import(owner, "second", &[]).await;
    app.acquire(&scene.daemon).await.unwrap();
    let third = scene.import(owner, "third", &[]).await;
    for (job, place) in [(&second, "number 1 of 2"), (&third, "number 2 of 2")] {
        let (reason, message) = code(job).await;
        assert_eq!((reason.as_str(), message.contains(place)), ("ALL_BUSY", true), "{message}");
    }

    app.clock.advance(TimeDelta::seconds(91));
    let (reason, message) = code(&second).await;
    assert_eq!((reason.as_str(), message.contains("daemon")), ("ALL_OFFLINE", true), "{message}");
    assert_eq!(scene.job(&first).await["pendingReason"], Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_place_is_computed_only_when_asked_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for number in 0..3 {
        scene.import(&scene.owner, &format!("t{number}"), &[]).await;
    }
    let log = RequestLog::listen();
    let count = async |selection: &str| {
        let query = format!(
            "query($name: String!) {{ organization(by: {{ name: $name }}) {{
                provisionerJobs(first: 10) {{ nodes {{ id {selection} }} }}
            }} }}"
        );
        scene.app.ok(&scene.owner, &query, json!({ "name": scene.org.name })).await;
        log.statements()
    };
    let plain = count("state").await;
    assert_eq!(count("position").await, plain + 1);
    // The reason needs the place and the daemons.
    assert_eq!(count("position pendingReason { code }").await, plain + 2);
}

#[rstest]
#[tokio::test]
async fn a_claim_takes_as_many_statements_whatever_waits(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut counts = Vec::new();
    for waiting in [1, 12] {
        for number in 0..waiting {
            scene.import(&scene.owner, &format!("t{waiting}-{number}"), &[]).await;
        }
        let ask = json!({ "provisionerDaemonId": scene.daemon.id });
        let log = RequestLog::listen();
        scene.app.done(&scene.daemon.secret, "acquireProvisionerJob", "acquiredJob { id }", ask).await;
        counts.push(log.statements());
    }
    assert_eq!(counts[0], counts[1]);
}

/// Nobody waits for what a schedule made.
#[rstest]
#[tokio::test]
async fn people_go_before_schedules(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let template = app.template(owner, &scene.org, "dev").await;
    app.work(&scene.daemon).await;
    let workspace = app.workspace(owner, &template, "dev", "").await.workspace;
    app.work(&scene.daemon).await;
    let schedule = json!({ "cron": "0 9 * * *", "timeZone": "UTC" });
    let daily = json!({ "workspaceId": workspace, "autostartSchedule": schedule });
    app.done(&owner.token, "updateWorkspace", "", daily).await;
    app.done(&owner.token, "stopWorkspace", "", json!({ "workspaceId": workspace })).await;
    app.work(&scene.daemon).await;
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(app.app.look_after_workspaces(uuid::Uuid::from_u128(1)).await.unwrap(), 1);
    let query = "{ workspaces { nodes { latestBuild { reason job { id } } } } }";
    let build = app.ok(owner, query, json!({})).await["workspaces"]["nodes"][0]["latestBuild"].clone();
    assert_eq!(build["reason"], "AUTOSTART");
    let scheduled = build["job"]["id"].as_str().unwrap();
    assert_eq!(scene.job(scheduled).await["position"], 1);

    // Somebody comes, later and with more than one.
    app.clock.advance(TimeDelta::seconds(1));
    let mut jobs = Vec::new();
    for name in ["first", "second"] {
        jobs.push(scene.import(owner, name, &[]).await);
    }
    jobs.push(scheduled.to_owned());
    for (place, job) in (1..).zip(&jobs) {
        assert_eq!(scene.job(job).await["position"], place);
    }
    for job in jobs {
        assert_eq!(app.acquire(&scene.daemon).await.unwrap().id, job);
    }
}

/// A daemon that carries two tags serves three queues. Who has one of them for themselves gets no more for it.
#[rstest]
#[tokio::test]
async fn shares_are_fair_across_the_queues_of_a_daemon(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let people = scene.pushers(&["ann", "ben"]).await;
    let (gpu, arch) = (("gpu", "a100"), ("arch", "arm"));
    let key = scene.app.provisioner_key(&scene.owner, &scene.org, "both", &[gpu, arch]).await;
    let daemon = scene.app.daemon(&key, &scene.org, "both").await;
    for number in 0..5 {
        scene.import(&people[0], &format!("a{number}"), &[gpu]).await;
        scene.app.clock.advance(TimeDelta::seconds(1));
    }
    let (mut served, mut bens) = (Vec::new(), 0);
    while let Some(job) = scene.app.acquire(&daemon).await {
        scene.app.complete(&daemon, &job, plain_import()).await;
        let who = scene.node(&job.id, "ProvisionerJob", "initiator { username }").await;
        served.push(who["initiator"]["username"].as_str().unwrap().to_owned());
        // Ben comes back as soon as his last one is done.
        if bens < 3 && served.iter().filter(|who| *who == "ben").count() == bens {
            scene.import(&people[1], &format!("b{bens}"), &[gpu, arch]).await;
            bens += 1;
        }
        scene.app.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(served, ["ann", "ann", "ben", "ann", "ben", "ann", "ben", "ann"]);
}
