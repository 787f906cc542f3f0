//! The health of an organization's provisioners.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::calls::code;
use crate::support::daemon::plain_import;
use crate::support::{Backend, Person};

const HEALTH: &str = "query($name: String!) { organization(by: { name: $name }) { provisionerHealth {
    idleDaemons busyDaemons offlineDaemons mismatchedDaemons
    daemonGroups { keyName version versionMatches tags { name value } idle busy offline }
    waitingJobs oldestWaitingSince
    queues { tags { name value } jobs oldestWaitingSince reason { code message } }
    jobs { type succeeded failed canceled successRate durationP50Seconds durationP95Seconds }
} } }";

impl Scene {
    async fn health(&self, person: &Person) -> Value {
        let name = json!({ "name": self.org.name });
        self.app.ok(person, HEALTH, name).await["organization"]["provisionerHealth"].clone()
    }
}

#[rstest]
#[tokio::test]
async fn health_tells_who_is_there_what_waits_and_how_it_went(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    // Twenty imports of 1 to 20 seconds; then one that fails, and one that is canceled before anybody takes it.
    for seconds in 1..=20 {
        scene.import(owner, &format!("t{seconds}"), &[]).await;
        let held = app.acquire(&scene.daemon).await.unwrap();
        app.clock.advance(TimeDelta::seconds(seconds));
        app.complete(&scene.daemon, &held, plain_import()).await;
    }
    scene.import(owner, "fails", &[]).await;
    let held = app.acquire(&scene.daemon).await.unwrap();
    app.clock.advance(TimeDelta::seconds(100));
    app.fail(&scene.daemon, &held, "X", "x").await;
    let canceled = scene.import(owner, "canceled", &[]).await;
    app.done(&owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": canceled })).await;

    let old =
        json!({ "organization": scene.org.name, "name": "old", "version": "0.0.1", "engines": ["ECHO"] });
    app.done(&scene.key.secret, "registerProvisionerDaemon", "", old).await;
    let gpu = app.provisioner_key(owner, &scene.org, "gpu", &[("gpu", "a100")]).await;
    app.daemon(&gpu, &scene.org, "gpu").await;
    app.clock.advance(TimeDelta::seconds(60));
    scene.import(owner, "h200", &[("gpu", "h200")]).await;
    app.clock.advance(TimeDelta::seconds(31));
    for _ in 0..2 {
        scene.import(owner, &format!("plain-{}", app.tables().count("template").await), &[]).await;
    }
    assert_eq!(scene.beat(&scene.daemon.id, &scene.key.secret).await, None);
    app.acquire(&scene.daemon).await.unwrap();

    let health = scene.health(owner).await;
    let counts = ["idleDaemons", "busyDaemons", "offlineDaemons", "mismatchedDaemons"];
    // The old one is offline by now, and no mismatch of those that are there.
    assert_eq!(counts.map(|field| health[field].clone()), [0, 1, 2, 0].map(Value::from), "{health:#}");
    let groups = health["daemonGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 3, "{health:#}");
    assert_eq!((&groups[0]["keyName"], &groups[0]["offline"]), (&json!("gpu"), &json!(1)));
    assert_eq!((&groups[1]["version"], &groups[1]["versionMatches"]), (&json!("0.0.1"), &json!(false)));
    assert_eq!(groups[2]["busy"], 1);

    assert_eq!(health["waitingJobs"], 2);
    let queues = health["queues"].as_array().unwrap();
    let reasons: Vec<_> = queues.iter().map(|queue| queue["reason"]["code"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["TAGS_UNMATCHED", "ALL_BUSY"], "{health:#}");
    assert_eq!(queues[0]["tags"], json!([{ "name": "gpu", "value": "h200" }]));
    assert_eq!(health["oldestWaitingSince"], queues[0]["oldestWaitingSince"]);

    let [imports] = health["jobs"].as_array().unwrap().as_slice() else { panic!("{health:#}") };
    let numbers = ["succeeded", "failed", "canceled"].map(|field| imports[field].as_i64().unwrap());
    assert_eq!(numbers, [20, 1, 1]);
    assert!((imports["successRate"].as_f64().unwrap() - 20.0 / 21.0).abs() < 1e-9, "{imports:#}");
    // Of 1, 2, … 20, 100: the 11th and the 20th.
    assert_eq!(
        (&imports["durationP50Seconds"], &imports["durationP95Seconds"]),
        (&json!(11.0), &json!(20.0))
    );

    // Tomorrow it is forgotten.
    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(scene.health(owner).await["jobs"], json!([]));
}

#[rstest]
#[tokio::test]
async fn health_is_for_those_who_read_jobs(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let auditor = app.member_of(&scene.owner, &scene.org, "auditor", &["organization-auditor"]).await;
    assert_eq!(scene.health(&auditor).await["idleDaemons"], 1);
    let member = app.member_of(&scene.owner, &scene.org, "mia", &[]).await;
    let body = app.graphql(Some(&member.token), HEALTH, json!({ "name": scene.org.name })).await;
    assert_eq!(code(&body), "FORBIDDEN");
    assert_eq!(body["data"]["organization"]["provisionerHealth"], Value::Null);
}
