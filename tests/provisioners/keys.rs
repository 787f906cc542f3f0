//! Keys: rotated with overlap, disabled and enabled, changed, found by state.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::{Daemon, ProvisionerKey};

impl Scene {
    async fn rotate(&self, overlap_minutes: i32) -> String {
        let input = json!({ "provisionerKeyId": self.key.id, "overlapMinutes": overlap_minutes });
        let payload = self.app.done(&self.owner.token, "rotateProvisionerKey", "secret", input).await;
        payload["secret"].as_str().unwrap().to_owned()
    }

    async fn set(&self, field: &str) {
        let input = json!({ "provisionerKeyId": self.key.id });
        self.app.done(&self.owner.token, field, "", input).await;
    }

    async fn key(&self) -> Value {
        let selection = "name state tags { name value } expiresAt disabledAt previousSecretExpiresAt";
        self.node(&self.key.id, "ProvisionerKey", selection).await
    }
}

#[rstest]
#[tokio::test]
async fn a_rotated_secret_stays_good_for_its_overlap(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (first, daemon) = (scene.key.secret.as_str(), scene.daemon.id.as_str());
    let second = scene.rotate(30).await;
    assert_ne!(first, second);
    for secret in [first, &second] {
        assert_eq!(scene.beat(daemon, secret).await, None);
    }
    assert_eq!(scene.key().await["previousSecretExpiresAt"], "2026-11-24T08:30:00.000000Z");
    scene.app.clock.advance(TimeDelta::minutes(30));
    assert_eq!(scene.beat(daemon, first).await.as_deref(), Some("UNAUTHENTICATED"));
    assert_eq!(scene.beat(daemon, &second).await, None);
    assert_eq!(scene.key().await["previousSecretExpiresAt"], Value::Null);

    // A second rotation within the overlap of the first: only the last two are good.
    let third = scene.rotate(60).await;
    let fourth = scene.rotate(60).await;
    assert_eq!(scene.beat(daemon, &second).await.as_deref(), Some("UNAUTHENTICATED"));
    for secret in [&third, &fourth] {
        assert_eq!(scene.beat(daemon, secret).await, None);
    }
    // Without overlap the one before is worth nothing at once.
    let fifth = scene.rotate(0).await;
    for secret in [&third, &fourth] {
        assert_eq!(scene.beat(daemon, secret).await.as_deref(), Some("UNAUTHENTICATED"));
    }
    assert_eq!(scene.beat(daemon, &fifth).await, None);
    for overlap in [-1, 10_081] {
        let input = json!({ "provisionerKeyId": scene.key.id, "overlapMinutes": overlap });
        let refused = scene.app.refused(&scene.owner.token, "rotateProvisionerKey", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.overlapMinutes"), "{refused:?}");
    }
    for secret in [first, &second, &third, &fourth, &fifth] {
        assert_eq!(scene.app.tables().holding(secret).await, Vec::<String>::new());
    }
}

#[rstest]
#[tokio::test]
async fn the_end_of_a_key_is_the_end_of_its_older_secret_too(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let end = json!({ "provisionerKeyId": scene.key.id, "expiresAt": "2026-11-24T08:10:00Z" });
    scene.app.done(&scene.owner.token, "updateProvisionerKey", "", end).await;
    let second = scene.rotate(60).await;
    scene.app.clock.advance(TimeDelta::minutes(10));
    for secret in [&scene.key.secret, &second] {
        assert_eq!(scene.beat(&scene.daemon.id, secret).await.as_deref(), Some("UNAUTHENTICATED"));
    }
    assert_eq!(scene.key().await["state"], "EXPIRED");
    let input = json!({ "provisionerKeyId": scene.key.id });
    let refused = scene.app.refused(&scene.owner.token, "rotateProvisionerKey", input).await;
    assert!(refused.is("CONFLICT", "input.provisionerKeyId"), "{refused:?}");
    let never = json!({ "provisionerKeyId": scene.key.id, "expiresAt": null });
    scene.app.done(&scene.owner.token, "updateProvisionerKey", "", never).await;
    assert_eq!(scene.beat(&scene.daemon.id, &second).await, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_key_is_refused_from_the_next_call_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let secret = scene.key.secret.clone();
    // One of its daemons waits for a job meanwhile.
    let mut waiting = JoinSet::new();
    let (app, daemon) = (scene.app.clone(), scene.daemon.clone());
    waiting.spawn(async move {
        let input = json!({ "provisionerDaemonId": daemon.id, "waitSeconds": 8 });
        app.call(Some(&daemon.secret), "acquireProvisionerJob", "acquiredJob { id }", input).await
    });
    scene.set("disableProvisionerKey").await;
    let job = scene.import(&scene.owner, "t", &[]).await;
    let heard = waiting.join_next().await.unwrap().unwrap();
    let code = heard["errors"][0]["extensions"]["code"].as_str().unwrap_or("none");
    assert!(["CONFLICT", "UNAUTHENTICATED"].contains(&code), "{heard:#}");
    assert_eq!(scene.job(&job).await["state"], "PENDING");
    assert_eq!(scene.beat(&scene.daemon.id, &secret).await.as_deref(), Some("UNAUTHENTICATED"));
    assert_eq!(scene.key().await["state"], "DISABLED");
    for field in ["disableProvisionerKey", "rotateProvisionerKey"] {
        let input = json!({ "provisionerKeyId": scene.key.id });
        let refused = scene.app.refused(&scene.owner.token, field, input).await;
        assert!(refused.is("CONFLICT", "input.provisionerKeyId"), "{field}: {refused:?}");
    }
    scene.set("enableProvisionerKey").await;
    assert_eq!(scene.beat(&scene.daemon.id, &secret).await, None);
    assert_eq!(scene.app.acquire(&scene.daemon).await.unwrap().id, job);
}

#[rstest]
#[tokio::test]
async fn what_is_absent_from_a_change_stays(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let document = "mutation($id: ID!, $name: String, $tags: [TagInput!], $end: DateTime) {
        updateProvisionerKey(input: { provisionerKeyId: $id, name: $name, tags: $tags, expiresAt: $end }) {
            userErrors { message }
        }
    }";
    let id = scene.key.id.as_str();
    let gpu = json!([{ "name": "gpu", "value": "a100" }]);
    app.run(owner, document, json!({ "id": id, "tags": gpu, "end": "2027-01-01T00:00:00Z" })).await;
    app.run(owner, document, json!({ "id": id, "name": "Renamed" })).await;
    let key = scene.key().await;
    assert_eq!((&key["name"], &key["tags"]), (&json!("renamed"), &gpu));
    assert_eq!(key["expiresAt"], "2027-01-01T00:00:00.000000Z");
    // Its daemon carries the tags without coming back.
    let tagged = scene.node(&scene.daemon.id, "ProvisionerDaemon", "tags { name value } keyName").await;
    assert_eq!((&tagged["tags"], &tagged["keyName"]), (&gpu, &json!("renamed")));
    scene.import(owner, "plain", &[]).await;
    let job = scene.import(owner, "gpu", &[("gpu", "a100")]).await;
    assert_eq!(app.acquire(&scene.daemon).await.unwrap().id, job);
    app.run(owner, document, json!({ "id": id, "tags": null, "end": null })).await;
    let key = scene.key().await;
    assert_eq!((&key["tags"], &key["expiresAt"]), (&json!([]), &Value::Null));

    app.provisioner_key(owner, &scene.org, "other", &[]).await;
    for (change, code, field) in [
        (json!({ "name": "other" }), "NAME_TAKEN", "input.name"),
        (json!({ "name": "no spaces" }), "BAD_USER_INPUT", "input.name"),
        (json!({ "name": null }), "BAD_USER_INPUT", "input.name"),
        (json!({ "tags": [{ "name": "", "value": "x" }] }), "BAD_USER_INPUT", "input.tags.0"),
        (json!({ "expiresAt": "2026-11-24T08:00:00Z" }), "BAD_USER_INPUT", "input.expiresAt"),
    ] {
        let mut input = change;
        input["provisionerKeyId"] = id.into();
        let refused = app.refused(&owner.token, "updateProvisionerKey", input).await;
        assert!(refused.is(code, field), "{refused:?}");
    }
    assert_eq!(scene.key().await["name"], "renamed");
}

#[rstest]
#[tokio::test]
async fn keys_are_found_by_their_state(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, org) = (&scene.app, &scene.owner, &scene.org);
    let brief = json!({ "organizationId": org.id, "name": "brief", "expiresAt": "2026-11-24T09:00:00Z" });
    app.done(&owner.token, "createProvisionerKey", "", brief).await;
    let off = app.provisioner_key(owner, org, "off", &[]).await;
    app.done(&owner.token, "disableProvisionerKey", "", json!({ "provisionerKeyId": off.id })).await;
    let names = async |state: &str| {
        let query = "query($name: String!, $state: ProvisionerKeyState) {
            organization(by: { name: $name }) {
                provisionerKeys(filter: { state: $state }) { totalCount nodes { name state } }
            }
        }";
        let data = app.ok(owner, query, json!({ "name": org.name, "state": state })).await;
        let keys = data["organization"]["provisionerKeys"].clone();
        let nodes = keys["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|key| key["state"] == state), "{keys:#}");
        assert_eq!(keys["totalCount"], nodes.len());
        nodes.iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("ACTIVE").await, ["brief", "key"]);
    assert_eq!(names("EXPIRED").await, Vec::<String>::new());
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(names("ACTIVE").await, ["key"]);
    assert_eq!(names("EXPIRED").await, ["brief"]);
    assert_eq!(names("DISABLED").await, ["off"]);
}

#[rstest]
#[tokio::test]
async fn who_may_read_keys_may_not_change_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let auditor = app.member_of(&scene.owner, &scene.org, "auditor", &["organization-auditor"]).await;
    let member = app.member_of(&scene.owner, &scene.org, "mia", &[]).await;
    let fields =
        ["updateProvisionerKey", "rotateProvisionerKey", "disableProvisionerKey", "enableProvisionerKey"];
    for field in fields {
        let input = json!({ "provisionerKeyId": scene.key.id });
        assert_eq!(app.denied(Some(&auditor.token), field, input.clone()).await, "FORBIDDEN", "{field}");
        let refused = app.refused(&member.token, field, input).await;
        assert!(refused.is("NOT_FOUND", "input.provisionerKeyId"), "{field}: {refused:?}");
    }
    assert_eq!(scene.key().await["state"], "ACTIVE");
}

/// Wrong organizations and wrong tags are said where they are met.
#[rstest]
#[tokio::test]
async fn a_key_of_another_organization_says_which_is_its_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let other = scene.app.organization(&scene.owner, "other").await;
    let ProvisionerKey { secret, .. } = &scene.key;
    let input = json!({ "organization": other.name, "name": "d", "version": "1", "engines": ["ECHO"] });
    let refused = scene.app.refused(secret, "registerProvisionerDaemon", input).await;
    assert!(refused.is("BAD_USER_INPUT", "input.organization"), "{refused:?}");
    assert!(refused.message.contains("`data-platform`"), "{refused:?}");
    let stray = Daemon { id: scene.daemon.id.clone(), secret: "ghpk_nonsense".into() };
    assert_eq!(scene.beat(&stray.id, &stray.secret).await.as_deref(), Some("UNAUTHENTICATED"));
}

#[rstest]
#[tokio::test]
async fn every_change_of_a_key_is_told_and_its_last_use(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let last_used =
        async || scene.node(&scene.key.id, "ProvisionerKey", "lastUsedAt").await["lastUsedAt"].clone();
    assert_eq!(last_used().await, "2026-11-24T08:00:00.000000Z", "its daemon has registered");
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(last_used().await, "2026-11-24T08:00:00.000000Z");
    assert_eq!(scene.beat(&scene.daemon.id, &scene.key.secret).await, None);
    assert_eq!(last_used().await, "2026-11-24T08:10:00.000000Z");
    let unused = app.provisioner_key(owner, &scene.org, "unused", &[]).await;
    assert_eq!(scene.node(&unused.id, "ProvisionerKey", "lastUsedAt").await["lastUsedAt"], Value::Null);

    let secret = scene.rotate(30).await;
    let tags = json!([{ "name": "gpu", "value": "a100" }]);
    let change =
        json!({ "provisionerKeyId": scene.key.id, "tags": tags, "expiresAt": "2027-01-01T00:00:00Z" });
    app.done(&owner.token, "updateProvisionerKey", "", change).await;
    for field in ["disableProvisionerKey", "enableProvisionerKey", "deleteProvisionerKey"] {
        scene.set(field).await;
    }
    let query = "query($key: ID!) { auditLog(filter: { resourceId: $key }, first: 10) { nodes {
        action resource resourceName status actor { name } changes { field }
    } } }";
    let log = app.ok(owner, query, json!({ "key": scene.key.id })).await;
    let entries = log["auditLog"]["nodes"].as_array().unwrap();
    let mut told = Vec::new();
    for entry in entries.iter().rev() {
        assert_eq!((&entry["resource"], &entry["resourceName"]), (&json!("PROVISIONER_KEY"), &json!("key")));
        assert_eq!((&entry["status"], &entry["actor"]["name"]), (&json!("SUCCESS"), &json!(owner.username)));
        let fields =
            entry["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap());
        told.push(format!("{} {}", entry["action"].as_str().unwrap(), fields.collect::<Vec<_>>().join(" ")));
    }
    assert_eq!(
        told,
        [
            "CREATE expiresAt name tags",
            "UPDATE previousSecretExpiresAt rotatedAt",
            "UPDATE expiresAt tags",
            "UPDATE disabledAt",
            "UPDATE disabledAt",
            "DELETE expiresAt name tags",
        ]
    );
    for secret in [&scene.key.secret, &secret] {
        assert_eq!(app.tables().holding(secret).await, Vec::<String>::new());
        assert_eq!(scene.beat(&scene.daemon.id, secret).await.as_deref(), Some("UNAUTHENTICATED"));
    }
}

#[rstest]
#[tokio::test]
async fn a_stale_change_of_a_key_is_refused_and_told_what_it_is_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, &scene.owner.token);
    let update = async |name: &str, expected: i32| {
        let input = json!({ "provisionerKeyId": scene.key.id, "name": name, "expectedVersion": expected });
        let selection = "provisionerKey { name version }";
        app.call(Some(token), "updateProvisionerKey", selection, input).await["data"]["updateProvisionerKey"]
            .clone()
    };
    assert_eq!(update("first", 1).await["provisionerKey"], json!({ "name": "first", "version": 2 }));
    // Every change counts.
    scene.rotate(0).await;
    scene.set("disableProvisionerKey").await;
    scene.set("enableProvisionerKey").await;
    let stale = update("second", 2).await;
    assert_eq!(stale["userErrors"][0]["code"], "STALE_VERSION", "{stale:#}");
    assert_eq!(stale["userErrors"][0]["field"], json!(["input", "expectedVersion"]));
    assert_eq!(stale["provisionerKey"], json!({ "name": "first", "version": 5 }));
    assert_eq!(update("second", 5).await["provisionerKey"], json!({ "name": "second", "version": 6 }));
}
