//! A user who is suspended may do nothing, one who is deleted leaves what they made and nothing else.

use std::sync::Arc;

use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use super::{is_in, signs_in};
use crate::support::{Backend, PASSWORD, TestApp};

#[rstest]
#[tokio::test]
async fn a_suspended_user_may_do_nothing_from_the_next_request_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
    let (_, token) = app.api_token(&ana, json!({ "name": "ci" })).await;
    let suspended =
        app.done(&owner.token, "suspendUser", "user { status }", json!({ "userId": ana.id })).await;
    assert_eq!(suspended["user"]["status"], "SUSPENDED");
    assert!(!is_in(&app, &ana.token).await && !is_in(&app, &token.token).await);
    assert!(!signs_in(&app, "ana", PASSWORD).await);
    app.done(&owner.token, "activateUser", "", json!({ "userId": ana.id })).await;
    assert!(!is_in(&app, &ana.token).await, "sessions have ended");
    assert!(is_in(&app, &token.token).await && signs_in(&app, "ana", PASSWORD).await);
}

#[rstest]
#[tokio::test]
async fn a_deleted_user_leaves_what_they_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
    let key = app.provisioner_key(&ana, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    let template = app.template(&ana, &org, "dev").await;
    app.work(&daemon).await;
    app.group(&owner, &org, "crew", &[&ana]).await;
    let (_, token) = app.api_token(&ana, json!({ "name": "ci" })).await;
    let box_ = app.workspace(&ana, &template, "box", "").await.workspace;
    app.work(&daemon).await;

    let delete = json!({ "userId": ana.id });
    let query = "mutation($input: DeleteUserInput!) { deleteUser(input: $input) {
        deletedUserId userErrors { code field message ... on UserOwnsWorkspaces { workspaces } }
    } }";
    let payload = app.payload(&owner, query, json!({ "input": delete })).await;
    let error = &payload["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["workspaces"]),
        (&json!("USER_OWNS_WORKSPACES"), &json!(1)),
        "{payload:#}"
    );
    assert_eq!(error["field"], json!(["input", "userId"]));
    assert!(is_in(&app, &ana.token).await);
    app.done(&ana.token, "deleteWorkspace", "", json!({ "workspaceId": box_ })).await;
    app.work(&daemon).await;

    // Of an organization that needs an administrator, she is one of two.
    let leave = json!({ "organizationId": org.id, "userId": owner.id });
    app.done(&ana.token, "removeMember", "", leave).await;
    let last = app.refused(&owner.token, "deleteUser", delete.clone()).await;
    assert!(last.is("LAST_ADMIN", "input.userId"), "{last:?}");
    app.join(&ana, &org, &owner, &["organization-admin"]).await;

    let deleted = app.done(&owner.token, "deleteUser", "deletedUserId", delete.clone()).await;
    assert_eq!(deleted["deletedUserId"], ana.id.as_str());
    assert!(!is_in(&app, &ana.token).await && !is_in(&app, &token.token).await);
    assert!(!signs_in(&app, "ana", PASSWORD).await);
    for table in ["session", "api_token", "organization_member", "group_member"] {
        let rows = format!(
            "select '{table}' from {table} where user_id = (select id from \"user\" where username = 'ana')"
        );
        assert_eq!(app.tables().texts(&rows).await, Vec::<String>::new());
    }
    let again = app.refused(&owner.token, "deleteUser", delete).await;
    assert!(again.is("NOT_FOUND", "input.userId"), "{again:?}");
    let audit =
        "select action || ' ' || resource from audit_log where resource_name = 'ana' order by id desc";
    let rows = app.tables().texts(audit).await;
    assert_eq!(rows.iter().filter(|row| row.starts_with("DELETE")).count(), 2, "{rows:?}");

    // What she made is there, of nobody that anybody sees; her names are free.
    let query = "query($id: ID!) { node(id: $id) { ... on ProvisionerKey { name createdBy { username } } } }";
    let data = app.ok(&owner, query, json!({ "id": key.id })).await;
    assert_eq!(data["node"], json!({ "name": "key", "createdBy": null }));
    let new = app.user(&owner, "ana", &[]).await;
    assert_ne!(new.id, ana.id);
    let data =
        app.ok(&new, "{ viewer { organizations { totalCount } apiTokens { totalCount } } }", json!({})).await;
    assert_eq!(data["viewer"]["organizations"]["totalCount"], 0);
    assert_eq!(data["viewer"]["apiTokens"]["totalCount"], 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_being_deleted_gets_nothing_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let other = app.organization(&owner, "beta").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    let template = app.template(&owner, &org, "dev").await;
    app.work(&daemon).await;
    for round in 0..6 {
        let name = format!("user-{round}");
        let person = app.member_of(&owner, &org, &name, &[]).await;
        let mut attempts = JoinSet::new();
        for (token, mutation, input) in [
            (&owner.token, "deleteUser", json!({ "userId": person.id })),
            (&person.token, "createWorkspace", json!({ "templateId": template.id, "name": "box" })),
            (&person.token, "createApiToken", json!({ "name": "ci" })),
            (
                &owner.token,
                "addMembers",
                json!({ "organizationId": other.id, "members": [{ "username": name }] }),
            ),
            (&person.token, "signIn", json!({ "login": name, "password": PASSWORD })),
        ] {
            let (app, token) = (app.clone(), token.clone());
            attempts.spawn(async move { (mutation, app.call(Some(&token), mutation, "", input).await) });
        }
        let mut deleted = false;
        for (mutation, body) in attempts.join_all().await {
            for error in body["errors"].as_array().into_iter().flatten() {
                let code = error["extensions"]["code"].as_str().unwrap();
                assert!(
                    ["FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND", "CONFLICT"].contains(&code),
                    "{mutation}: {body:#}"
                );
            }
            if mutation == "deleteUser" {
                deleted = body["data"][mutation]["userErrors"] == json!([]);
            }
        }
        let count = async |query: String| app.tables().texts(&query).await.len();
        let id = format!("(select id from \"user\" where username = '{name}')");
        let workspaces = count(format!("select name from workspace where owner_id = {id}")).await;
        assert!(workspaces == 0 || !deleted, "round {round}: a workspace of nobody's");
        if deleted {
            for table in ["session", "api_token", "organization_member"] {
                let rows = count(format!("select '{table}' from {table} where user_id = {id}")).await;
                assert_eq!(rows, 0, "round {round}: {table}");
            }
        }
    }
}
