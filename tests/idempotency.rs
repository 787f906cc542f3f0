//! A create that is sent again makes nothing again.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::schema::Schema;
use crate::support::{Backend, TestApp};

fn with(mut input: Value, key: &str) -> Value {
    input["idempotencyKey"] = key.into();
    input
}

#[rstest]
#[tokio::test]
async fn the_same_again_answers_what_was_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "first", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    let template = app.template(&owner, &org, "base").await;
    app.work(&daemon).await;
    let file = app.upload(&owner).await;
    let creates = [
        ("createOrganization", "organization { id }", json!({ "name": "beta" })),
        (
            "createUser",
            "user { id }",
            json!({ "username": "mia", "email": "mia@example.com", "password": "a secret of mia" }),
        ),
        ("createGroup", "group { id }", json!({ "organizationId": org.id, "name": "crew" })),
        ("createApiToken", "apiToken { id }", json!({ "name": "ci" })),
        (
            "createRole",
            "role { id }",
            json!({ "organizationId": org.id, "name": "clerk", "permissions": ["GROUP_CREATE"] }),
        ),
        ("createProvisionerKey", "provisionerKey { id }", json!({ "organizationId": org.id, "name": "key" })),
        (
            "createTemplate",
            "template { id } templateVersion { id }",
            json!({ "organizationId": org.id, "name": "dev", "version": { "fileId": file } }),
        ),
        (
            "createTemplateVersion",
            "templateVersion { id name }",
            json!({ "templateId": template.id, "fileId": file }),
        ),
        (
            "createTemplateVersionDryRun",
            "templateVersionDryRun { id }",
            json!({ "templateVersionId": template.version }),
        ),
        ("createWorkspace", "workspace { id }", json!({ "templateId": template.id, "name": "box" })),
    ];
    for (mutation, selection, input) in &creates {
        let once = with(input.clone(), &format!("{mutation}-1"));
        let first = app.done(&owner.token, mutation, selection, once.clone()).await;
        let before = app.tables().counts().await;
        let again = app.done(&owner.token, mutation, selection, once.clone()).await;
        assert_eq!(first, again, "{mutation}");
        assert_eq!(app.tables().counts().await, before, "{mutation} made something again");
        let mut other = once;
        let (field, another) = match *mutation {
            "createUser" => ("username", json!("another")),
            "createTemplateVersion" => ("message", json!("another")),
            "createTemplateVersionDryRun" => ("parameters", json!([{ "name": "another", "value": "1" }])),
            _ => ("name", json!("another")),
        };
        other[field] = another;
        let refused = app.refused(&owner.token, mutation, other).await;
        assert!(refused.is("CONFLICT", "input.idempotencyKey"), "{mutation}: {refused:?}");
    }
    assert_eq!(app.tables().holding("a secret of mia").await, Vec::<String>::new());
    // Every create takes a key. So does a daemon that asks for work, to whom a key means something else: tests/claims.
    let schema = Schema::committed();
    let taking: BTreeSet<String> = schema
        .fields("Mutation")
        .into_iter()
        .filter(|mutation| mutation.name != "acquireProvisionerJob")
        .filter(|mutation| {
            mutation.arguments.iter().any(|argument| {
                schema.inputs(&argument.ty).iter().any(|field| field.name == "idempotencyKey")
            })
        })
        .map(|mutation| mutation.name)
        .collect();
    let tested: BTreeSet<String> = creates.iter().map(|(mutation, ..)| (*mutation).to_owned()).collect();
    assert_eq!(taking, tested);
}

#[rstest]
#[tokio::test]
async fn a_key_is_its_owners_for_a_day(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mia = app.member_of(&owner, &org, "mia", &["organization-admin"]).await;
    let key = with(json!({ "organizationId": org.id, "name": "gpu" }), "k");
    let selection = "provisionerKey { id } secret";
    let first = app.done(&owner.token, "createProvisionerKey", selection, key.clone()).await;
    assert!(first["secret"].is_string());
    let again = app.done(&owner.token, "createProvisionerKey", selection, key.clone()).await;
    assert_eq!((&again["provisionerKey"], &again["secret"]), (&first["provisionerKey"], &Value::Null));
    // Somebody else's key of the same text is another key; and one's own is another mutation's no more.
    assert_eq!(app.refused(&mia.token, "createProvisionerKey", key.clone()).await.code, "NAME_TAKEN");
    let group = with(json!({ "organizationId": org.id, "name": "gpu" }), "k");
    assert_eq!(app.refused(&owner.token, "createGroup", group.clone()).await.code, "CONFLICT");
    for bad in ["", "with space", &"x".repeat(101)] {
        let refused = app.refused(&owner.token, "createGroup", with(group.clone(), bad)).await;
        assert!(refused.is("BAD_USER_INPUT", "input.idempotencyKey"), "{refused:?}");
    }
    // What is refused is not remembered: the key may be used for what would have been right.
    let wrong = with(json!({ "organizationId": org.id, "name": "no good" }), "right-after");
    assert_eq!(app.refused(&owner.token, "createGroup", wrong).await.code, "BAD_USER_INPUT");
    let right = with(json!({ "organizationId": org.id, "name": "good" }), "right-after");
    app.done(&owner.token, "createGroup", "", right).await;
    app.clock.advance(TimeDelta::hours(25));
    app.done(&owner.token, "createGroup", "", group).await;
    assert_eq!(app.tables().count("idempotency_key").await, 1, "what is forgotten is gone");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_once_they_make_one(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let owner = app.owner().await;
    let template = {
        let org = app.organization(&owner, "alpha").await;
        app.template(&owner, &org, "dev").await
    };
    let file = app.upload(&owner).await;
    // Versions are named by number where no name is given: nothing but the key keeps them apart.
    let input = with(json!({ "templateId": template.id, "fileId": file, "message": "once" }), "same");
    let mut creates = JoinSet::new();
    for _ in 0..6 {
        let (app, token, input) = (app.clone(), owner.token.clone(), input.clone());
        creates.spawn(async move {
            let made = app.call(Some(&token), "createTemplateVersion", "templateVersion { id }", input).await;
            made["data"]["createTemplateVersion"].clone()
        });
    }
    let made: BTreeSet<String> = creates.join_all().await.iter().map(ToString::to_string).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let rows = app.tables().texts("select name from template_version where message = 'once'").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
}

/// What was made is told again to those alone who may make it still.
#[rstest]
#[tokio::test]
async fn who_may_no_longer_is_not_answered(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mia = app.member_of(&owner, &org, "mia", &["organization-user-admin"]).await;
    let group = with(json!({ "organizationId": org.id, "name": "crew" }), "k");
    let (made, again) = (app.done(&mia.token, "createGroup", "group { id }", group.clone()).await, &group);
    let same = app.done(&mia.token, "createGroup", "group { id }", again.clone()).await;
    assert_eq!(made, same);
    let (_, narrow) =
        app.api_token(&mia, json!({ "name": "ci", "scopes": ["GROUP_READ", "ORGANIZATION_READ"] })).await;
    assert_eq!(app.denied(Some(&narrow.token), "createGroup", again.clone()).await, "FORBIDDEN");
    // What is gone is not there to be answered: only a new key makes something new.
    app.done(&mia.token, "deleteGroup", "", json!({ "groupId": made["group"]["id"] })).await;
    let refused = app.refused(&mia.token, "createGroup", again.clone()).await;
    assert!(refused.is("CONFLICT", "input.idempotencyKey"), "{refused:?}");
    assert!(refused.message.contains("new key"), "{refused:?}");
}

/// A key that made what is gone makes nothing any more, whatever it was.
#[rstest]
#[tokio::test]
async fn what_is_gone_is_not_answered(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let file = app.upload(&owner).await;
    let permissions = ["GROUP_CREATE"];
    let things = [
        ("Organization", "organization", json!({ "name": "beta" }), "delete"),
        ("User", "user", json!({ "username": "mia", "email": "mia@example.com" }), "delete"),
        ("ApiToken", "apiToken", json!({ "name": "ci" }), "revoke"),
        ("ProvisionerKey", "provisionerKey", json!({ "organizationId": org.id, "name": "gpu" }), "delete"),
        (
            "Role",
            "role",
            json!({ "organizationId": org.id, "name": "clerk", "permissions": permissions }),
            "delete",
        ),
        (
            "Template",
            "template",
            json!({ "organizationId": org.id, "name": "dev", "version": { "fileId": file } }),
            "delete",
        ),
    ];
    for (noun, field, input, verb) in things {
        let (create, end) = (format!("create{noun}"), format!("{verb}{noun}"));
        let input = with(input, &create);
        let made = app.done(&owner.token, &create, &format!("{field} {{ id }}"), input.clone()).await;
        app.done(&owner.token, &end, "", json!({ format!("{field}Id"): made[field]["id"] })).await;
        let refused = app.refused(&owner.token, &create, input).await;
        assert!(refused.is("CONFLICT", "input.idempotencyKey"), "{create}: {refused:?}");
        assert!(refused.message.contains("new key"), "{create}: {refused:?}");
    }
}
