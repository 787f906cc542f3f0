//! What a group gives: who may hand it on, and what becomes of it while somebody goes.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::{Backend, Person};

/// What a group gives is given to whoever comes into it.
#[rstest]
#[tokio::test]
async fn nobody_joins_for_what_they_do_not_hold(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, org) = (&scene.app, &scene.owner, &scene.org);
    app.role(owner, org, "keeper", &["GROUP_UPDATE", "GROUP_READ_MEMBERS"]).await;
    let keeper = app.member_of(owner, org, "kit", &["keeper"]).await;
    let people = app.member_of(owner, org, "pia", &["organization-user-admin"]).await;
    let key = app.provisioner_key(owner, org, "key", &[]).await;
    let daemon = app.daemon(&key, org, "daemon").await;
    let template = app.template(owner, org, "dev").await;
    app.work(&daemon).await;
    let give = async |entry: Value| {
        let input = json!({ "templateId": template.id, "entries": [entry] });
        app.done(&owner.token, "setTemplateAccess", "", input).await;
    };
    let join = async |who: &Person, whom: &Person| {
        let input = json!({ "groupId": scene.crew, "userIds": [whom.id] });
        let selection = "results { userErrors { code ... on MissingPermissions { permissions } } }";
        let done = app.done(&who.token, "addGroupMembers", selection, input).await;
        let error = &done["results"][0]["userErrors"][0];
        assert!(error.is_null() || error["code"] == "MISSING_PERMISSIONS", "{done:#}");
        error["permissions"].clone()
    };
    let leave = async |whom: &Person| {
        assert_eq!(scene.change("removeGroupMembers", &scene.crew, &[&whom.id]).await, [Value::Null]);
    };
    // An allowance is for others to be given, not for oneself.
    assert_eq!(join(&keeper, &keeper).await, json!(["QUOTA_UPDATE"]));
    assert_eq!(join(&keeper, &scene.mia).await, Value::Null);
    assert_eq!(join(&people, &people).await, Value::Null, "it is theirs to set");
    leave(&scene.mia).await;
    leave(&people).await;
    // So is the use of a template that one may not use.
    give(json!({ "groupId": scene.everyone(), "role": "NONE" })).await;
    give(json!({ "groupId": scene.crew, "role": "USE" })).await;
    assert_eq!(join(&people, &people).await, json!(["TEMPLATE_READ", "TEMPLATE_USE"]));
    assert_eq!(join(&people, &scene.mia).await, Value::Null);
    leave(&scene.mia).await;
    // Its administration is given by those who could give it by its list.
    give(json!({ "groupId": scene.crew, "role": "ADMIN" })).await;
    let administers = json!(["TEMPLATE_READ", "TEMPLATE_UPDATE", "TEMPLATE_DELETE", "TEMPLATE_USE"]);
    for who in [&keeper, &people] {
        assert_eq!(join(who, &scene.mia).await, administers, "{}", who.username);
    }
    assert_eq!(join(&people, &people).await, administers);
    give(json!({ "userId": people.id, "role": "ADMIN" })).await;
    assert_eq!(join(&people, &scene.mia).await, Value::Null, "who administers it decides who else does");
    assert_eq!(join(&people, &people).await, Value::Null);
    assert_eq!(join(owner, owner).await, Value::Null);
}

/// An allowance comes and goes with its group: that is a change of budgets.
#[rstest]
#[tokio::test]
async fn who_makes_or_ends_an_allowance_changes_budgets(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, org) = (&scene.app, &scene.org);
    app.role(&scene.owner, org, "keeper", &["GROUP_CREATE", "GROUP_DELETE"]).await;
    let keeper = app.member_of(&scene.owner, org, "kit", &["keeper"]).await;
    let new =
        |allowance: Value| json!({ "organizationId": org.id, "name": "fresh", "quotaAllowance": allowance });
    let requires = async |mutation: &str, input: Value| {
        let body = app.call(Some(&keeper.token), mutation, "__typename", input).await;
        body["errors"][0]["extensions"]["requires"].clone()
    };
    assert_eq!(requires("createGroup", new(json!(1))).await, "QUOTA_UPDATE");
    let made = app.done(&keeper.token, "createGroup", "group { id }", new(json!(0))).await;
    app.done(&keeper.token, "deleteGroup", "", json!({ "groupId": made["group"]["id"] })).await;
    assert_eq!(requires("deleteGroup", json!({ "groupId": scene.crew })).await, "QUOTA_UPDATE");
    let none = json!({ "groupId": scene.crew, "allowance": 0 });
    app.done(&scene.owner.token, "setGroupQuota", "", none).await;
    app.done(&keeper.token, "deleteGroup", "", json!({ "groupId": scene.crew })).await;
}

/// Whoever is put into a group while they or the group go is in it or was never there: it is nobody's fault.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_while_they_go_is_told(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, org) = (Arc::new(scene.app), scene.owner, scene.org);
    for round in 0..12 {
        let person = app.member_of(&owner, &org, &format!("guest-{round}"), &[]).await;
        let group = app.group(&owner, &org, &format!("group-{round}"), &[]).await;
        let going = match round % 2 {
            0 => ("removeMember", json!({ "organizationId": org.id, "userId": person.id })),
            _ => ("deleteGroup", json!({ "groupId": group })),
        };
        let add = ("addGroupMembers", json!({ "groupId": group, "userIds": [person.id] }));
        let mut calls = tokio::task::JoinSet::new();
        for (mutation, input) in [going, add] {
            let (app, token) = (Arc::clone(&app), owner.token.clone());
            calls.spawn(async move { app.call(Some(&token), mutation, "__typename", input).await });
        }
        for body in calls.join_all().await {
            assert!(body.get("errors").is_none(), "round {round}: {body:#}");
        }
    }
}
