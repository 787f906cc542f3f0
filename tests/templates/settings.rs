//! Settings: what is absent stays, what is null goes back, and each of them holds.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Scene;
use crate::support::Backend;

const ALL: &str = "template { name displayName description icon deprecationMessage version settings {
    defaultTtlSeconds allowUserTtl autostartDays autostopDays autostopWeeks failureTtlSeconds dormantAfterSeconds
    dormantDeleteAfterSeconds requireActiveVersion allowUserCancel maxWorkspacesPerUser
} }";

fn at_first() -> Value {
    json!({
        "defaultTtlSeconds": null, "allowUserTtl": true,
        "autostartDays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"],
        "autostopDays": [], "autostopWeeks": 1, "failureTtlSeconds": null, "dormantAfterSeconds": null,
        "dormantDeleteAfterSeconds": null, "requireActiveVersion": false, "allowUserCancel": true,
        "maxWorkspacesPerUser": null,
    })
}

#[rstest]
#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, template, .. }) = Scene::new(backend).await else { return };
    let update = async |mut input: Value| {
        input["templateId"] = template.id.clone().into();
        app.done(&owner.token, "updateTemplate", ALL, input).await["template"].clone()
    };
    let before = update(json!({})).await;
    assert_eq!(before["settings"], at_first());
    let settings = json!({
        "defaultTtlSeconds": 28800, "allowUserTtl": false, "autostartDays": ["MONDAY", "FRIDAY"],
        "autostopDays": ["SUNDAY"], "autostopWeeks": 2, "failureTtlSeconds": 3600, "dormantAfterSeconds": 604_800,
        "dormantDeleteAfterSeconds": 31_536_000, "requireActiveVersion": true, "allowUserCancel": false,
        "maxWorkspacesPerUser": 3,
    });
    let mut input = settings.clone();
    input["name"] = "Big-Dev".into();
    input["displayName"] = "Big".into();
    input["deprecationMessage"] = "use `small`".into();
    let after = update(input).await;
    assert_eq!(after["settings"], settings);
    assert_eq!(
        [&after["name"], &after["displayName"], &after["deprecationMessage"]],
        ["big-dev", "Big", "use `small`"]
    );
    // Absent stays, null goes back to what it was at first.
    assert_eq!(update(json!({ "icon": "🐳" })).await["settings"], settings);
    let mut nulls = settings.clone();
    nulls.as_object_mut().unwrap().values_mut().for_each(|value| *value = Value::Null);
    nulls["deprecationMessage"] = Value::Null;
    let back = update(nulls).await;
    assert_eq!((&back["settings"], &back["deprecationMessage"]), (&at_first(), &json!("")));
    assert_eq!(back["icon"], "🐳");
    let rows =
        "select cast(count(*) as text) from audit_log where action = 'UPDATE' and resource = 'TEMPLATE'
        and actor_name = 'olga-owner'";
    assert_eq!(app.tables().texts(rows).await, ["4"]);

    // Stale: the current one comes along.
    let stale = json!({ "templateId": template.id, "icon": "🚀", "expectedVersion": 1 });
    let body = app.call(Some(&owner.token), "updateTemplate", ALL, stale).await;
    let payload = &body["data"]["updateTemplate"];
    assert_eq!(payload["userErrors"][0]["code"], "STALE_VERSION", "{body:#}");
    assert_eq!(payload["template"], back);
}

#[rstest]
#[tokio::test]
async fn a_template_is_made_with_its_settings_or_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, org, .. }) = Scene::new(backend).await else { return };
    let file = app.upload(&owner).await;
    let create = |name: &str, mut input: Value| {
        input["organizationId"] = org.id.clone().into();
        input["name"] = name.into();
        input["version"] = json!({ "fileId": file });
        input
    };
    let plain = app.done(&owner.token, "createTemplate", ALL, create("plain", json!({}))).await;
    assert_eq!(plain["template"]["settings"], at_first());
    assert_eq!(plain["template"]["displayName"], "plain");
    let settings = json!({
        "defaultTtlSeconds": 28800, "allowUserTtl": false, "autostartDays": ["MONDAY", "FRIDAY"],
        "autostopDays": ["SUNDAY"], "autostopWeeks": 2, "failureTtlSeconds": 3600, "dormantAfterSeconds": 604_800,
        "dormantDeleteAfterSeconds": 31_536_000, "requireActiveVersion": true, "allowUserCancel": false,
        "maxWorkspacesPerUser": 3,
    });
    let mut input = settings.clone();
    input["deprecationMessage"] = "use `plain`".into();
    input["icon"] = "🐳".into();
    let made = app.done(&owner.token, "createTemplate", ALL, create("set", input)).await["template"].clone();
    assert_eq!(made["settings"], settings);
    assert_eq!([&made["deprecationMessage"], &made["icon"]], ["use `plain`", "🐳"]);
    // The audit log tells what was said of it, and nothing of what was not.
    let diffs = app
        .tables()
        .texts_of(
            "select diff from audit_log where action = 'CREATE' and resource_name = 'plain'",
            "select diff::text from audit_log where action = 'CREATE' and resource_name = 'plain'",
        )
        .await;
    let told = |name: &str| diffs.iter().any(|diff| diff.contains(name));
    assert!(told("autostartDays") && !told("defaultTtlMs"), "{diffs:?}");

    let before = app.tables().dump().await;
    let wrong = json!({ "icon": "javascript:x", "defaultTtlSeconds": 59, "maxWorkspacesPerUser": 0 });
    let complaints = app.complaints(&owner.token, "createTemplate", create("a b", wrong)).await;
    let fields: Vec<_> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
    assert_eq!(fields, ["input.name", "input.icon", "input.defaultTtlSeconds", "input.maxWorkspacesPerUser"]);
    assert_eq!(app.tables().dump().await, before);
}

#[rstest]
#[tokio::test]
async fn every_value_out_of_bounds_is_named(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(Scene { app, owner, mia, org, template, .. }) = Scene::new(backend).await else { return };
    app.template(&owner, &org, "other").await;
    let before = app.tables().dump().await;
    let input = json!({
        "templateId": template.id, "name": "not a name", "icon": "javascript:x", "defaultTtlSeconds": 59,
        "failureTtlSeconds": 0, "dormantAfterSeconds": -5, "dormantDeleteAfterSeconds": 31_536_001,
        "autostopWeeks": 17, "maxWorkspacesPerUser": 0,
    });
    let complaints = app.complaints(&owner.token, "updateTemplate", input).await;
    let fields: Vec<_> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "input.name",
            "input.icon",
            "input.defaultTtlSeconds",
            "input.failureTtlSeconds",
            "input.dormantAfterSeconds",
            "input.dormantDeleteAfterSeconds",
            "input.autostopWeeks",
            "input.maxWorkspacesPerUser",
        ]
    );
    let taken = json!({ "templateId": template.id, "name": "OTHER" });
    assert!(app.refused(&owner.token, "updateTemplate", taken).await.is("NAME_TAKEN", "input.name"));
    assert_eq!(app.tables().dump().await, before);
    let mine = json!({ "templateId": template.id, "displayName": "Mine" });
    assert_eq!(app.denied(Some(&mia.token), "updateTemplate", mine).await, "FORBIDDEN");
    let ended = json!({ "templateId": template.id });
    assert_eq!(app.denied(Some(&mia.token), "deleteTemplate", ended).await, "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn a_deprecated_template_makes_no_new_workspace(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, daemon, template, .. } = &scene;
    let old = app.workspace(mia, template, "old", "").await;
    app.work(daemon).await;
    scene.set("deprecationMessage", json!("use `small`")).await;
    let input = |name: &str| json!({ "templateId": template.id, "name": name });
    let refused = app.refused(&mia.token, "createWorkspace", input("fresh")).await;
    assert!(
        refused.is("CONFLICT", "input.templateId") && refused.message.contains("use `small`"),
        "{refused:?}"
    );
    // Who may change it may try it; what is there lives on.
    app.done(&owner.token, "createWorkspace", "", input("trial")).await;
    app.done(&mia.token, "stopWorkspace", "", json!({ "workspaceId": old.workspace })).await;
    app.work(daemon).await;
    app.done(&mia.token, "startWorkspace", "", json!({ "workspaceId": old.workspace })).await;
}

#[rstest]
#[tokio::test]
async fn workspaces_start_from_the_active_version_where_that_is_required(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, daemon, template, .. } = &scene;
    let old = app.workspace(mia, template, "old", "").await.workspace;
    let newer = app.push(owner, template, json!({})).await.id;
    app.work(daemon).await;
    scene.set("requireActiveVersion", json!(true)).await;
    let first = json!({ "templateId": template.id, "name": "first", "templateVersionId": template.version });
    let refused = app.refused(&mia.token, "createWorkspace", first.clone()).await;
    assert!(refused.is("CONFLICT", "input.templateVersionId"), "{refused:?}");
    let start = json!({ "workspaceId": old });
    let refused = app.refused(&mia.token, "startWorkspace", start.clone()).await;
    assert!(refused.is("CONFLICT", "input.templateVersionId"), "{refused:?}");
    // It can be stopped as it is, and started from the active version.
    app.done(&mia.token, "stopWorkspace", "", start).await;
    app.work(daemon).await;
    let to_newer = json!({ "workspaceId": old, "templateVersionId": newer });
    app.done(&mia.token, "startWorkspace", "", to_newer).await;
    app.done(&mia.token, "createWorkspace", "", json!({ "templateId": template.id, "name": "fresh" })).await;
    app.done(&owner.token, "createWorkspace", "", first).await;
}

#[rstest]
#[tokio::test]
async fn a_template_may_keep_owners_from_canceling(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, daemon, template, .. } = &scene;
    scene.set("allowUserCancel", json!(false)).await;
    let waiting = json!({ "provisionerJobId": app.workspace(mia, template, "waiting", "").await.job });
    app.done(&mia.token, "cancelProvisionerJob", "", waiting).await;
    let running = app.workspace(mia, template, "running", "").await;
    let held = app.acquire(daemon).await.unwrap();
    assert_eq!(held.id, running.job);
    let cancel = json!({ "provisionerJobId": held.id });
    let refused = app.refused(&mia.token, "cancelProvisionerJob", cancel.clone()).await;
    assert!(refused.is("CONFLICT", "input.provisionerJobId"), "{refused:?}");
    assert!(!app.append_logs(daemon, &held, 1, &["at work"]).await);
    app.done(&owner.token, "cancelProvisionerJob", "", cancel).await;
    assert!(app.append_logs(daemon, &held, 2, &["at work"]).await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_gets_more_workspaces_than_the_template_allows(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.set("maxWorkspacesPerUser", json!(3)).await;
    let Scene { app, owner, mia, daemon, template, .. } = &scene;
    let mut creates = JoinSet::new();
    for n in 0..10 {
        let (app, token) = (app.clone(), mia.token.clone());
        let input = json!({ "templateId": template.id, "name": format!("w{n}") });
        creates.spawn(async move {
            let complaints = app.complaints(&token, "createWorkspace", input).await;
            if let Some(complaint) = complaints.first() {
                assert!(complaint.is("CONFLICT", "input.templateId"), "{complaint:?}");
            }
            complaints.is_empty()
        });
    }
    let made = creates.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 3);
    // It is the owner who counts, whoever makes it; others have their own.
    let gift = json!({ "templateId": template.id, "name": "gift", "ownerId": mia.id });
    let refused = app.refused(&owner.token, "createWorkspace", gift.clone()).await;
    assert!(refused.is("CONFLICT", "input.templateId"), "{refused:?}");
    app.workspace(owner, template, "own", "").await;
    // One that is gone makes room.
    app.work(daemon).await;
    let query = "{ viewer { workspaces { nodes { id } } } }";
    let workspaces = app.ok(mia, query, json!({})).await["viewer"]["workspaces"]["nodes"].clone();
    app.done(&mia.token, "deleteWorkspace", "", json!({ "workspaceId": workspaces[0]["id"] })).await;
    app.work(daemon).await;
    app.done(&owner.token, "createWorkspace", "", gift).await;
}

#[rstest]
#[tokio::test]
async fn a_template_ends_when_nothing_is_made_of_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, org, daemon, template } = &scene;
    let workspace = app.workspace(mia, template, "w", "").await.workspace;
    app.work(daemon).await;
    let delete = async || {
        let selection = "deletedTemplateId userErrors { __typename ... on TemplateInUse { workspaces } }";
        let input = json!({ "templateId": template.id });
        app.call(Some(&owner.token), "deleteTemplate", selection, input).await["data"]["deleteTemplate"]
            .clone()
    };
    let refused = delete().await;
    assert_eq!(refused["userErrors"][0]["__typename"], "TemplateInUse", "{refused:#}");
    assert_eq!(refused["userErrors"][0]["workspaces"], 1, "{refused:#}");
    app.done(&mia.token, "deleteWorkspace", "", json!({ "workspaceId": workspace })).await;
    app.work(daemon).await;
    assert_eq!(delete().await["deletedTemplateId"], template.id.as_str());
    assert_eq!(delete().await["userErrors"][0]["__typename"], "NotFound");
    let query = "query($template: ID!, $version: ID!) {
        template: node(id: $template) { id } version: node(id: $version) { id } }";
    let variables = json!({ "template": template.id, "version": template.version });
    assert_eq!(app.ok(owner, query, variables).await, json!({ "template": null, "version": null }));
    // Nothing is made of it any more, and its name is free.
    let late = json!({ "templateId": template.id, "name": "late" });
    assert!(app.refused(&mia.token, "createWorkspace", late).await.is("NOT_FOUND", "input.templateId"));
    assert_ne!(app.template(owner, org, "dev").await.id, template.id);
}

#[rstest]
#[tokio::test]
async fn what_still_reads_a_template_ends_with_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, org, daemon, template } = &scene;
    let workspace = app.workspace(mia, template, "w", "").await.workspace;
    app.work(daemon).await;
    let running = app.push(owner, template, json!({})).await.job;
    let held = app.acquire(daemon).await.unwrap();
    assert_eq!(held.id, running);
    let waiting = app.push(owner, template, json!({})).await.job;
    let selection = "templateVersionDryRun { job { id } }";
    let dry = json!({ "templateVersionId": template.version });
    let tried = app.done(&owner.token, "createTemplateVersionDryRun", selection, dry).await;
    let tried = tried["templateVersionDryRun"]["job"]["id"].as_str().unwrap().to_owned();
    let other = app.template(owner, org, "other").await;
    let states = async || {
        let mut states = Vec::new();
        for job in [&running, &waiting, &tried] {
            let query = "query($id: ID!) { node(id: $id) { ... on ProvisionerJob { state } } }";
            states.push(app.ok(owner, query, json!({ "id": job })).await["node"]["state"].clone());
        }
        states
    };
    // A refusal leaves them alone.
    let input = json!({ "templateId": template.id });
    assert_eq!(app.complaints(&owner.token, "deleteTemplate", input.clone()).await.len(), 1);
    assert_eq!(states().await, ["RUNNING", "PENDING", "PENDING"]);
    app.done(&owner.token, "deleteWorkspace", "", json!({ "workspaceId": workspace, "orphan": true })).await;
    app.done(&owner.token, "deleteTemplate", "", input).await;
    assert_eq!(states().await, ["CANCELING", "CANCELED", "CANCELED"]);

    let end = json!({
        "provisionerJobId": held.id, "attempt": held.attempt, "code": "CANCELED", "message": "", "canceled": true,
    });
    app.done(&daemon.secret, "failProvisionerJob", "", end).await;
    assert_eq!(states().await, ["CANCELED", "CANCELED", "CANCELED"]);
    // What is in the queue of others stays there.
    assert_eq!(app.work(daemon).await, 1);
    let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { job { state } } } }";
    let imported = app.ok(owner, query, json!({ "id": other.version })).await;
    assert_eq!(imported["node"]["job"]["state"], "SUCCEEDED");
}

/// Either the workspace was there first and the template stays, or it finds no template.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workspaces_race_with_the_end_of_their_template(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, org, daemon, .. } = &scene;
    for round in 0..6 {
        let template = app.template(owner, org, &format!("round-{round}")).await;
        app.work(daemon).await;
        let mut tasks = JoinSet::new();
        let calls = [
            (&owner.token, "deleteTemplate", json!({ "templateId": template.id })),
            (
                &mia.token,
                "createWorkspace",
                json!({ "templateId": template.id, "name": format!("w{round}") }),
            ),
        ];
        for (token, mutation, input) in calls {
            let (app, token) = (app.clone(), token.clone());
            tasks.spawn(async move { app.complaints(&token, mutation, input).await.is_empty() });
        }
        let done = tasks.join_all().await.into_iter().filter(|done| *done).count();
        assert_eq!(done, 1, "round {round}");
    }
    let orphans = "select w.name from workspace w join template t on t.id = w.template_id
        where t.deleted_at is not null and w.deleted_at is null";
    assert_eq!(app.tables().texts(orphans).await, Vec::<String>::new());
}
