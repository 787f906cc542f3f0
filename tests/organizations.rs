//! Organizations change and end: stale updates, what keeps one from being deleted, and creates that race with its end.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Backend, Org, Person, TestApp};

async fn impact(app: &TestApp, person: &Person, org: &Org) -> Value {
    let query = "query($id: ID!) { organization(by: { id: $id }) { deletionImpact {
        isDeletable workspaces templates provisionerKeys groups members } } }";
    app.ok(person, query, json!({ "id": org.id })).await["organization"]["deletionImpact"].clone()
}

async fn delete(app: &TestApp, person: &Person, org: &Org) -> Value {
    let selection = "deletedOrganizationId userErrors { __typename
        ... on OrganizationNotEmpty { workspaces templates provisionerKeys groups members } }";
    let input = json!({ "organizationId": org.id });
    app.call(Some(&person.token), "deleteOrganization", selection, input).await["data"]["deleteOrganization"]
        .clone()
}

#[rstest]
#[tokio::test]
async fn a_stale_update_is_told_what_is_there_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let update = |name: &str, version: i32| json!({ "organizationId": org.id, "displayName": name, "expectedVersion": version });
    let selection = "organization { displayName version }";
    let done = app.done(&owner.token, "updateOrganization", selection, update("First", 1)).await;
    assert_eq!(done["organization"], json!({ "displayName": "First", "version": 2 }));
    let body = app.call(Some(&owner.token), "updateOrganization", selection, update("Second", 1)).await;
    let payload = &body["data"]["updateOrganization"];
    assert_eq!(payload["userErrors"][0]["code"], "STALE_VERSION", "{body:#}");
    assert_eq!(payload["organization"], json!({ "displayName": "First", "version": 2 }), "{body:#}");
}

#[rstest]
#[tokio::test]
async fn only_an_empty_organization_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    app.group(&owner, &org, "crew", &[]).await;
    let counts = |keys: i32, groups: i32, members: i32| json!({ "workspaces": 0, "templates": 0, "provisionerKeys": keys, "groups": groups, "members": members });
    let mut expected = counts(1, 1, 1);
    expected["isDeletable"] = false.into();
    assert_eq!(impact(&app, &owner, &org).await, expected);
    let mut refusal = counts(1, 1, 1);
    refusal["__typename"] = "OrganizationNotEmpty".into();
    for field in ["code", "field", "message"] {
        refusal[field] = delete(&app, &owner, &org).await["userErrors"][0][field].clone();
    }
    assert_eq!(delete(&app, &owner, &org).await["userErrors"][0], refusal);
    // Who may not delete it learns nothing of what is in it.
    let denied =
        app.denied(Some(&mia.token), "deleteOrganization", json!({ "organizationId": org.id })).await;
    assert_eq!(denied, "FORBIDDEN");

    app.done(&owner.token, "deleteProvisionerKey", "", json!({ "provisionerKeyId": key.id })).await;
    app.done(&owner.token, "removeMember", "", json!({ "organizationId": org.id, "userId": mia.id })).await;
    app.tables().execute("delete from \"group\" where name = 'crew'").await;
    let mut expected = counts(0, 0, 0);
    expected["isDeletable"] = true.into();
    assert_eq!(impact(&app, &owner, &org).await, expected);
    assert_eq!(delete(&app, &owner, &org).await["deletedOrganizationId"], org.id.as_str());

    let gone = delete(&app, &owner, &org).await;
    assert_eq!(gone["userErrors"][0]["code"], "NOT_FOUND", "{gone:#}");
    let query = "query($id: ID!) { organization(by: { id: $id }) { id } node(id: $id) { id } }";
    let seen = app.ok(&owner, query, json!({ "id": org.id })).await;
    assert_eq!(seen, json!({ "organization": null, "node": null }));
    // Its name is free, and the new one is another.
    assert_ne!(app.organization(&owner, "alpha").await.id, org.id);
    let rows = app
        .tables()
        .texts("select action || ' ' || resource from audit_log where action = 'DELETE' and resource = 'ORGANIZATION'
            and status = 'SUCCESS'")
        .await;
    assert_eq!(rows, ["DELETE ORGANIZATION"]);
}

#[rstest]
#[tokio::test]
async fn the_default_organization_stays(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let query = "{ organization(by: { name: \"default\" }) { id deletionImpact { isDeletable } } }";
    let seen = app.ok(&owner, query, json!({})).await;
    assert_eq!(seen["organization"]["deletionImpact"]["isDeletable"], false);
    let input = json!({ "organizationId": seen["organization"]["id"] });
    let refused = app.refused(&owner.token, "deleteOrganization", input).await;
    assert!(refused.is("CONFLICT", "input.organizationId"), "{refused:?}");
}

/// Nothing comes into an organization that is being deleted: either it was there first and the deletion is refused, or
/// it finds no organization.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_race_with_the_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let owner = app.owner().await;
    let mia = app.user(&owner, "mia", &[]).await;
    for round in 0..8 {
        let org = app.organization(&owner, &format!("round-{round}")).await;
        let creates = [
            ("createGroup", json!({ "organizationId": org.id, "name": "crew" })),
            ("createProvisionerKey", json!({ "organizationId": org.id, "name": "key" })),
            ("addMembers", json!({ "organizationId": org.id, "members": [{ "userId": mia.id }] })),
        ];
        let mut tasks = JoinSet::new();
        for (mutation, input) in creates {
            let (app, token) = (app.clone(), owner.token.clone());
            tasks.spawn(async move {
                let body = app.call(Some(&token), mutation, "__typename", input).await;
                assert!(body.get("errors").is_none(), "{mutation}: {body:#}");
            });
        }
        let (deleting, token, id) = (app.clone(), owner.token.clone(), org.id.clone());
        tasks.spawn(async move {
            let input = json!({ "organizationId": id });
            let body = deleting.call(Some(&token), "deleteOrganization", "__typename", input).await;
            assert!(body.get("errors").is_none(), "{body:#}");
        });
        tasks.join_all().await;
    }
    let orphans = "select o.name || ' ' || x.name from organization o join (
            select organization_id, name from \"group\"
            union all select organization_id, name from provisioner_key
            union all select organization_id, username from organization_member
        ) x on x.organization_id = o.id where o.deleted_at is not null";
    assert_eq!(app.tables().texts(orphans).await, Vec::<String>::new());
    // A row that comes late in spite of everything is refused by the database itself.
    let org = app.organization(&owner, "last").await;
    assert_eq!(delete(&app, &owner, &org).await["userErrors"], json!([]));
    let refused =
        app.refused(&owner.token, "createGroup", json!({ "organizationId": org.id, "name": "late" })).await;
    assert!(refused.is("NOT_FOUND", "input.organizationId"), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn nobody_gives_themselves_roles_by_joining(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let vera = app.user(&owner, "vera", &["user-admin"]).await;
    let join = async |roles: &[&str]| {
        let members = json!([{ "userId": vera.id, "roles": roles }]);
        let input = json!({ "organizationId": org.id, "members": members });
        let selection = "results { userErrors { code field } }";
        app.done(&vera.token, "addMembers", selection, input).await["results"][0]["userErrors"].clone()
    };
    let refused = join(&["organization-user-admin"]).await;
    assert_eq!(refused[0]["code"], "CONFLICT", "{refused:#}");
    assert_eq!(join(&[]).await, json!([]));
}
