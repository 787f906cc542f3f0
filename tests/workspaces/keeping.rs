//! What a workspace is called and does by itself.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Scene, text};
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn what_is_absent_stays_and_null_empties(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let fields =
        "name version ttlSeconds automaticUpdates nextAutostartAt autostartSchedule { cron timeZone }";
    let fresh = json!({
        "name": "dev", "version": 1, "ttlSeconds": null, "automaticUpdates": "NEVER", "nextAutostartAt": null,
        "autostartSchedule": null,
    });
    assert_eq!(scene.dev(fields).await, fresh);
    let schedule = json!({ "cron": " 30  8 * * 1-5", "timeZone": "Europe/Berlin" });
    let input = json!({
        "name": "Main", "ttlSeconds": 3600, "automaticUpdates": "ALWAYS", "autostartSchedule": schedule,
        "expectedVersion": 1,
    });
    scene.change("updateWorkspace", input).await;
    // Tests begin on a Tuesday at eight in the morning, UTC: in Berlin it is nine.
    let changed = json!({
        "name": "main", "version": 2, "ttlSeconds": 3600, "automaticUpdates": "ALWAYS",
        "nextAutostartAt": "2026-11-25T07:30:00.000000Z",
        "autostartSchedule": { "cron": "30 8 * * 1-5", "timeZone": "Europe/Berlin" },
    });
    assert_eq!(scene.dev(fields).await, changed);
    scene.change("updateWorkspace", json!({ "name": "dev" })).await;
    assert_eq!(
        scene.dev("ttlSeconds automaticUpdates").await,
        json!({ "ttlSeconds": 3600, "automaticUpdates": "ALWAYS" })
    );
    // An omitted variable is absent, not null.
    let document = "mutation($id: ID!, $ttl: Int) {
        updateWorkspace(input: { workspaceId: $id, ttlSeconds: $ttl }) { workspace { ttlSeconds } userErrors { message } }
    }";
    let payload = scene.app.run(&scene.mia, document, json!({ "id": scene.dev })).await;
    assert_eq!(payload["workspace"]["ttlSeconds"], 3600);
    let nulls = json!({ "ttlSeconds": null, "automaticUpdates": null, "autostartSchedule": null });
    scene.change("updateWorkspace", nulls).await;
    let mut emptied = fresh;
    // What was asked in between changed nothing, and has no version of its own.
    emptied["version"] = json!(4);
    assert_eq!(scene.dev(fields).await, emptied);
}

#[rstest]
#[tokio::test]
async fn every_mistake_is_told_where_it_is(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let input = json!({
        "name": "no name", "ttlSeconds": 59, "autostartSchedule": { "cron": "61 * * * *", "timeZone": "Nowhere" },
    });
    assert_eq!(
        scene.complaints("updateWorkspace", input).await,
        [
            "BAD_USER_INPUT input.name",
            "BAD_USER_INPUT input.autostartSchedule.cron",
            "BAD_USER_INPUT input.autostartSchedule.timeZone",
            "BAD_USER_INPUT input.ttlSeconds",
        ]
    );
    let never = json!({ "autostartSchedule": { "cron": "0 0 30 2 *", "timeZone": "UTC" } });
    assert_eq!(
        scene.complaints("updateWorkspace", never).await,
        ["BAD_USER_INPUT input.autostartSchedule.cron"]
    );
    assert_eq!(
        scene.complaints("updateWorkspace", json!({ "name": null })).await,
        ["BAD_USER_INPUT input.name"]
    );
    assert_eq!(scene.complaints("updateWorkspace", json!({ "ttlSeconds": 2_592_001 })).await.len(), 1);
    scene.app.workspace(&scene.mia, &scene.template, "other", "").await;
    assert_eq!(
        scene.complaints("updateWorkspace", json!({ "name": "other" })).await,
        ["NAME_TAKEN input.name"]
    );
    // Somebody was faster: the payload tells what it is now.
    let stale = json!({ "workspaceId": scene.dev, "name": "late", "expectedVersion": 7 });
    let selection =
        "workspace { name version } userErrors { __typename ... on StaleVersion { currentVersion } }";
    let body = scene.app.call(Some(&scene.mia.token), "updateWorkspace", selection, stale).await;
    let payload = &body["data"]["updateWorkspace"];
    assert_eq!(payload["workspace"], json!({ "name": "dev", "version": 1 }), "{body:#}");
    assert_eq!(payload["userErrors"][0]["currentVersion"], 1);
    assert_eq!(scene.dev("version").await["version"], 1, "nothing was kept");
}

#[rstest]
#[tokio::test]
async fn a_start_has_a_deadline_that_can_be_moved(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    assert_eq!(scene.dev("deadline").await["deadline"], Value::Null);
    let later = |hours| json!({ "deadline": text(scene.now() + TimeDelta::hours(hours)) });
    assert_eq!(scene.complaints("extendWorkspaceDeadline", later(1)).await, ["CONFLICT input.workspaceId"]);
    scene.change("updateWorkspace", json!({ "ttlSeconds": 3600 })).await;
    assert_eq!(scene.dev("deadline").await["deadline"], Value::Null, "it counts from the next start on");
    scene.change("startWorkspace", json!({})).await;
    let job = scene.take().await;
    scene.advance(TimeDelta::minutes(5));
    assert_eq!(scene.dev("deadline").await["deadline"], Value::Null, "the time of the build does not count");
    scene.finish(&job).await;
    let an_hour = text(scene.now() + TimeDelta::hours(1));
    assert_eq!(scene.dev("deadline").await["deadline"], an_hour);

    for (hours, complaint) in
        [(0, "BAD_USER_INPUT input.deadline"), (30 * 24 + 1, "BAD_USER_INPUT input.deadline")]
    {
        assert_eq!(scene.complaints("extendWorkspaceDeadline", later(hours)).await, [complaint]);
    }
    scene.change("extendWorkspaceDeadline", later(5)).await;
    assert_eq!(scene.dev("deadline").await["deadline"], later(5)["deadline"]);
    scene.change("stopWorkspace", json!({})).await;
    assert_eq!(scene.complaints("extendWorkspaceDeadline", later(6)).await, ["CONFLICT input.workspaceId"]);
    scene.app.work(&scene.daemon).await;
    assert_eq!(scene.dev("deadline status").await, json!({ "deadline": null, "status": "STOPPED" }));
}

#[rstest]
#[tokio::test]
async fn what_is_dormant_must_be_activated_before_it_starts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    assert_eq!(scene.complaints("activateWorkspace", json!({})).await, ["CONFLICT input.workspaceId"]);
    scene.change("touchWorkspace", json!({})).await;
    assert_eq!(scene.dev("lastUsedAt").await["lastUsedAt"], text(scene.now()));
    scene
        .app
        .tables()
        .execute("update workspace set dormant_at = created_at, deleting_at = created_at")
        .await;
    for mutation in ["startWorkspace", "restartWorkspace"] {
        assert_eq!(scene.complaints(mutation, json!({})).await, ["CONFLICT input.workspaceId"], "{mutation}");
    }
    let filtered = async |dormant: bool| {
        let query = "query($dormant: Boolean) { workspaces(filter: { dormant: $dormant }) { totalCount } }";
        scene.app.ok(&scene.mia, query, json!({ "dormant": dormant })).await["workspaces"]["totalCount"]
            .clone()
    };
    assert_eq!((filtered(true).await, filtered(false).await), (json!(1), json!(0)));
    scene.advance(TimeDelta::hours(1));
    scene.change("activateWorkspace", json!({})).await;
    let now = text(scene.now());
    assert_eq!(
        scene.dev("dormantAt deletingAt lastUsedAt").await,
        json!({ "dormantAt": null, "deletingAt": null, "lastUsedAt": now })
    );
    scene.change("startWorkspace", json!({})).await;
}

#[rstest]
#[tokio::test]
async fn a_favorite_is_ones_own(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mark = async |favorite: bool| {
        scene.change("setWorkspaceFavorite", json!({ "favorite": favorite })).await;
        let query = "query($favorite: Boolean) { workspaces(filter: { favorite: $favorite }) { nodes { name isFavorite } } }";
        let mut seen = Vec::new();
        for person in [&scene.mia, &scene.owner] {
            let data = scene.app.ok(person, query, json!({ "favorite": favorite })).await;
            seen.push(data["workspaces"]["nodes"].clone());
        }
        seen
    };
    let entries = scene.app.tables().count("audit_log").await;
    for _ in 0..2 {
        assert_eq!(mark(true).await, [json!([{ "name": "dev", "isFavorite": true }]), json!([])]);
    }
    let neither = json!([{ "name": "dev", "isFavorite": false }]);
    assert_eq!(mark(false).await, [neither.clone(), neither]);
    assert_eq!(scene.app.tables().count("audit_log").await, entries);
}

/// Reading is enough for a person; a token's scopes must name the write.
#[rstest]
#[tokio::test]
async fn a_token_marks_what_its_scopes_let_it_change(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let (_, reading) = app.api_token(&scene.mia, json!({ "name": "r", "scopes": ["WORKSPACE_READ"] })).await;
    let (_, changing) =
        app.api_token(&scene.mia, json!({ "name": "u", "scopes": ["WORKSPACE_UPDATE"] })).await;
    // Who reads the workspace and may not change it.
    let auditor = app.user(&scene.owner, "aude", &["auditor"]).await;
    let (_, whole) = app.api_token(&auditor, json!({ "name": "all" })).await;
    let input = json!({ "workspaceId": scene.dev, "favorite": true });
    let body = app.call(Some(&reading.token), "setWorkspaceFavorite", "__typename", input.clone()).await;
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["requires"]),
        (&json!("FORBIDDEN"), &json!("WORKSPACE_UPDATE"))
    );
    for token in [&changing.token, &auditor.token, &whole.token] {
        app.done(token, "setWorkspaceFavorite", "", input.clone()).await;
    }
}
