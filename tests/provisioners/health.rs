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

const HISTORY: &str =
    "query($name: String!, $width: ProvisionerHistoryWidth, $last: Int, $type: ProvisionerJobType) {
    organization(by: { name: $name }) { provisionerHealth { history(width: $width, last: $last, type: $type) {
        start end succeeded failed canceled successRate durationP50Seconds durationMaxSeconds
    } } } }";

impl Scene {
    async fn history(&self, person: &Person, arguments: Value) -> Vec<Value> {
        let mut variables = json!({ "name": self.org.name });
        variables.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        let data = self.app.ok(person, HISTORY, variables).await;
        data["organization"]["provisionerHealth"]["history"].as_array().unwrap().clone()
    }

    /// An import that takes so long.
    async fn import_taking(&self, name: &str, seconds: i64, fails: bool) {
        self.import(&self.owner, name, &[]).await;
        let held = self.app.acquire(&self.daemon).await.unwrap();
        self.app.clock.advance(TimeDelta::seconds(seconds));
        match fails {
            true => self.app.fail(&self.daemon, &held, "X", "x").await,
            false => self.app.complete(&self.daemon, &held, plain_import()).await,
        }
    }
}

/// What of a period is counted: how many succeeded, failed and were canceled, half within, the longest.
fn numbers(period: &Value) -> Value {
    let fields = ["succeeded", "failed", "canceled", "durationP50Seconds", "durationMaxSeconds"];
    fields.map(|field| period[field].clone()).into_iter().collect()
}

#[rstest]
#[tokio::test]
async fn history_is_told_by_hours_and_days_with_those_in_which_nothing_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    // Tests begin on a full hour; this one ends with the last moment of it, and the next with the first of the next.
    let now = || app.app.db().clock().now();
    let begun = now();
    app.clock.advance(TimeDelta::minutes(59));
    scene.import_taking("fails", 20, true).await;
    app.clock.advance(TimeDelta::seconds(30) - TimeDelta::microseconds(1));
    scene.import_taking("last", 10, false).await;
    app.clock.advance(TimeDelta::microseconds(1));
    scene.import_taking("first", 0, false).await;
    // Nothing in the hour after that; in the next one nobody takes what is canceled.
    app.clock.advance(TimeDelta::hours(2));
    let canceled = scene.import(owner, "canceled", &[]).await;
    app.done(&owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": canceled })).await;

    let hours = scene.history(owner, json!({})).await;
    assert_eq!(hours.len(), 24);
    let last = &hours[20..];
    let found: Vec<_> = last.iter().map(numbers).collect();
    let expected = [
        json!([1, 1, 0, 10.0, 20.0]),
        json!([1, 0, 0, 0.0, 0.0]),
        json!([0, 0, 0, null, null]),
        json!([0, 0, 1, null, null]),
    ];
    assert_eq!(found, expected, "{last:#?}");
    let rates: Vec<_> = last.iter().map(|hour| hour["successRate"].clone()).collect();
    assert_eq!(rates, [json!(0.5), json!(1.0), Value::Null, Value::Null]);
    assert!(hours[..20].iter().all(|hour| numbers(hour) == expected[2]), "{hours:#?}");
    let times = |at: &Value| at.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(times(&last[0]["start"]), begun, "tests begin on a full hour");
    for pair in hours.windows(2) {
        assert_eq!(pair[0]["end"], pair[1]["start"]);
        assert_eq!(times(&pair[0]["end"]) - times(&pair[0]["start"]), TimeDelta::hours(1));
    }
    // A span is bounded by what is asked for: the first hour has fallen out of this one.
    let three = scene.history(owner, json!({ "last": 3 })).await;
    assert_eq!(three, last[1..]);
    // What is of another type is not in it.
    let builds = scene.history(owner, json!({ "last": 4, "type": "WORKSPACE_BUILD" })).await;
    assert!(builds.iter().all(|hour| numbers(hour) == expected[2]), "{builds:#?}");
    let imports = scene.history(owner, json!({ "last": 4, "type": "TEMPLATE_IMPORT" })).await;
    assert_eq!(imports, last);

    // Days begin at midnight UTC.
    let midnight = begun.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(1);
    app.clock.advance(midnight - now() - TimeDelta::microseconds(1));
    scene.import_taking("late", 0, false).await;
    app.clock.advance(TimeDelta::microseconds(1));
    scene.import_taking("early", 0, true).await;
    let days = scene.history(owner, json!({ "width": "DAY", "last": 3 })).await;
    let found: Vec<_> = days.iter().map(numbers).collect();
    assert_eq!(found, [expected[2].clone(), json!([3, 1, 1, 0.0, 20.0]), json!([0, 1, 0, 0.0, 0.0])]);
    assert_eq!(times(&days[2]["start"]), midnight);

    for last in [0, 101, -1] {
        let variables = json!({ "name": scene.org.name, "last": last });
        let body = app.graphql(Some(&owner.token), HISTORY, variables).await;
        assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("`last` must be between 1 and 100"), "{message}");
    }
}

#[rstest]
#[tokio::test]
async fn history_is_of_one_organization_and_one_statement_for_several(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    scene.import_taking("ours", 5, false).await;
    let elsewhere = app.organization(owner, "elsewhere").await;
    let admin = app.member_of(owner, &elsewhere, "adam", &["organization-admin"]).await;
    let read = |person: Person, name: String| async move {
        app.graphql(Some(&person.token), HISTORY, json!({ "name": name, "last": 1 })).await
    };
    // Theirs has nothing of ours, and ours is not there for them.
    let theirs = read(admin.clone(), elsewhere.name.clone()).await;
    let told = &theirs["data"]["organization"]["provisionerHealth"]["history"];
    assert_eq!(numbers(&told[0]), json!([0, 0, 0, null, null]), "{theirs:#}");
    let ours = read(admin, scene.org.name.clone()).await;
    assert_eq!(ours["data"]["organization"], Value::Null, "{ours:#}");

    // Both at once for who may read both, each with its own; and all the same in as many statements as of one.
    let log = crate::support::statements::AskedLog::listen();
    let all = "{ organizations { nodes { name provisionerHealth { history(last: 1) { succeeded } } } } }";
    let data = app.ok(owner, all, json!({})).await;
    let asked = log.take();
    let of_history: Vec<_> = asked.iter().filter(|sql| sql.contains("AS \"period\"")).collect();
    assert_eq!(of_history.len(), 1, "{asked:#?}");
    let nodes = data["organizations"]["nodes"].as_array().unwrap();
    assert!(nodes.len() > 1);
    for node in nodes {
        let expected = i32::from(node["name"] == *scene.org.name);
        assert_eq!(node["provisionerHealth"]["history"], json!([{ "succeeded": expected }]), "{data:#}");
    }
}

#[rstest]
#[tokio::test]
async fn history_costs_as_many_periods_as_are_asked_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let price = async |declared: &str, arguments: &str| {
        let query = format!(
            "query{declared} {{ rateLimit(dryRun: true) {{ cost }}
             organization(by: {{ name: \"{}\" }}) {{ provisionerHealth {{ history{arguments} {{ succeeded }} }} }} }}",
            scene.org.name
        );
        let data = scene.app.ok(&scene.owner, &query, json!({ "n": 50 })).await;
        data["rateLimit"]["cost"].as_i64().unwrap()
    };
    let one = price("", "(last: 1)").await;
    assert_eq!(price("", "(last: 100)").await - one, 99);
    assert_eq!(price("($n: Int)", "(last: $n, width: DAY)").await - one, 49);
}
