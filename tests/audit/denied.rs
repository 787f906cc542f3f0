//! What was denied: who tried what, on what.

use rstest::rstest;
use serde_json::json;

use super::Log;
use crate::support::{Backend, TestApp};

/// What somebody tries beyond their power is noted, with whom it was about: refused as well as denied.
#[rstest]
#[tokio::test]
async fn what_somebody_lacked_is_noted(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    let keeper = app.user(&owner, "keeper", &["user-admin"]).await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let mut log = Log { app: &app, seen: 0 };
    log.news().await;
    for (mutation, input) in [
        ("suspendUser", json!({ "userId": owner.id })),
        ("setUserSiteRoles", json!({ "userId": mia.id, "siteRoles": ["owner"] })),
    ] {
        let refused = app.refused(&keeper.token, mutation, input.clone()).await;
        assert_eq!(refused.code, "MISSING_PERMISSIONS", "{mutation}: {refused:?}");
        app.refused(&keeper.token, mutation, input).await;
        assert_eq!(log.news().await.len(), 1, "{mutation}, once a minute");
    }
    // Each thing that is attacked has its entry, and is found by its id.
    let mut groups = Vec::new();
    for name in ["one", "two", "three"] {
        groups.push(app.group(&owner, &org, name, &[]).await);
    }
    log.news().await;
    for group in &groups {
        app.denied(Some(&mia.token), "deleteGroup", json!({ "groupId": group })).await;
        let query = "query($id: ID!) { auditLog(filter: { resourceId: $id, status: DENIED }) {
            nodes { resourceName missingPermission } } }";
        let found = app.ok(&owner, query, json!({ "id": group })).await;
        let nodes = found["auditLog"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 1, "{found:#}");
        assert_eq!(nodes[0]["missingPermission"], "GROUP_DELETE");
    }
    let rows = ["one", "two", "three"].map(|name| format!("DELETE GROUP {name}DENIED"));
    assert_eq!(log.news().await, rows);
    // Nobody fills the log, and nobody hides behind another's noise.
    for at in 0..70 {
        let group = app.group(&owner, &org, &format!("many-{at}"), &[]).await;
        app.denied(Some(&mia.token), "deleteGroup", json!({ "groupId": group })).await;
    }
    let noted = log.news().await.iter().filter(|row| row.ends_with("DENIED")).count();
    assert!(noted < 60, "{noted}");
    app.denied(Some(&keeper.token), "deleteOrganization", json!({ "organizationId": org.id })).await;
    assert_eq!(log.news().await, ["DELETE ORGANIZATION data-platformDENIED"]);
}

/// An entry of the log is about what was tried, whatever was missing for it.
#[rstest]
#[tokio::test]
async fn a_denial_says_what_was_tried(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    app.role(&owner, &org, "host", &["MEMBER_CREATE", "MEMBER_UPDATE", "MEMBER_DELETE"]).await;
    let mia = app.member_of(&owner, &org, "mia", &["host"]).await;
    let zoe = app.member_of(&owner, &org, "zoe", &[]).await;
    let nora = app.user(&owner, "nora", &[]).await;
    let mut log = Log { app: &app, seen: 0 };
    log.news().await;
    let roles = ["organization-auditor"];
    let members = json!([{ "userId": nora.id, "roles": roles }, { "username": "nobody" }]);
    let add = json!({ "organizationId": org.id, "members": members });
    let selection = "results { userErrors { code field } }";
    let added = app.done(&mia.token, "addMembers", selection, add).await;
    let told = |at: usize| added["results"][at]["userErrors"][0].clone();
    assert_eq!(told(0), json!({ "code": "MISSING_PERMISSIONS", "field": ["input", "members", "0"] }));
    assert_eq!(told(1), json!({ "code": "NOT_FOUND", "field": ["input", "members", "1", "username"] }));
    assert_eq!(log.news().await, ["CREATE MEMBER DENIED"]);
    let set = json!({ "organizationId": org.id, "userId": zoe.id, "roles": roles });
    assert_eq!(app.denied(Some(&mia.token), "setMemberRoles", set).await, "FORBIDDEN");
    let removal = json!({ "organizationId": org.id, "userId": zoe.id, "workspaces": "DELETE" });
    assert_eq!(app.refused(&mia.token, "removeMember", removal).await.code, "MISSING_PERMISSIONS");
    assert_eq!(log.news().await, ["UPDATE MEMBER zoeDENIED", "DELETE MEMBER zoeDENIED"]);
}

/// Whom a bulk was about stands in its list: each has an entry, by their id or name, and the organization is told.
#[rstest]
#[tokio::test]
async fn each_target_of_a_denied_bulk_is_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    let other = app.organization(&owner, "other").await;
    let permissions = ["MEMBER_CREATE", "MEMBER_UPDATE", "MEMBER_DELETE"];
    app.role(&owner, &org, "host", &permissions).await;
    let host = app.member_of(&owner, &org, "host", &["host"]).await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let zoe = app.member_of(&owner, &org, "zoe", &[]).await;
    // Whom mia sees elsewhere, and whom she does not see.
    let nora = app.member_of(&owner, &other, "nora", &[]).await;
    app.join(&owner, &other, &mia, &[]).await;
    let hidden = app.user(&owner, "hidden", &[]).await;
    let group = app.group(&owner, &org, "crew", &[]).await;
    let template = app.template(&owner, &org, "dev").await;
    let mut log = Log { app: &app, seen: 0 };
    log.news().await;

    let by_id = json!([{ "userId": hidden.id }, { "userId": nora.id }, { "userId": zoe.id }]);
    let by_name = json!([{ "username": "hidden" }, { "username": "Nora" }, { "username": "nobody" }]);
    let nobody = json!([{ "userId": hidden.id }]);
    let roles = json!([{ "userId": zoe.id, "roles": [] }, { "userId": host.id, "roles": [] }]);
    let cases = [
        (
            "addMembers",
            json!({ "members": by_id }),
            vec!["CREATE MEMBER noraDENIED", "CREATE MEMBER zoeDENIED"],
        ),
        // The same once a minute.
        ("addMembers", json!({ "members": by_name }), vec![]),
        ("addMembers", json!({ "members": nobody }), vec!["CREATE MEMBER DENIED"]),
        (
            "setMembersRoles",
            json!({ "members": roles }),
            vec!["UPDATE MEMBER zoeDENIED", "UPDATE MEMBER hostDENIED"],
        ),
        (
            "removeMembers",
            json!({ "userIds": [zoe.id, host.id] }),
            vec!["DELETE MEMBER zoeDENIED", "DELETE MEMBER hostDENIED"],
        ),
    ];
    for (mutation, mut input, rows) in cases {
        input["organizationId"] = json!(org.id);
        assert_eq!(app.denied(Some(&mia.token), mutation, input).await, "FORBIDDEN", "{mutation}");
        assert_eq!(log.news().await, rows, "{mutation}");
    }
    // What a thing's parts are is a change of the thing.
    let members = json!({ "groupId": group, "userIds": [zoe.id, nora.id] });
    assert_eq!(app.denied(Some(&mia.token), "addGroupMembers", members).await, "FORBIDDEN");
    let entries = json!([{ "userId": zoe.id, "role": "USE" }]);
    let access = json!({ "templateId": template.id, "entries": entries });
    app.done(
        &owner.token,
        "setTemplateAccess",
        "",
        json!({ "templateId": template.id, "entries": [{ "userId": mia.id, "role": "USE" }] }),
    )
    .await;
    log.news().await;
    assert_eq!(app.denied(Some(&mia.token), "setTemplateAccess", access).await, "FORBIDDEN");
    let version = json!({ "templateVersionId": template.version, "message": "x" });
    assert_eq!(app.denied(Some(&mia.token), "updateTemplateVersion", version).await, "FORBIDDEN");
    let quota = json!({ "organizationId": org.id, "cap": 1 });
    assert_eq!(app.denied(Some(&mia.token), "setOrganizationQuota", quota).await, "FORBIDDEN");
    let rows =
        ["UPDATE TEMPLATE devDENIED", "UPDATE TEMPLATE dev/v1DENIED", "UPDATE QUOTA data-platformDENIED"];
    assert_eq!(log.news().await, rows);

    // Of a bulk whose items are answered one by one, those that were refused for lack of power.
    let auditor = ["organization-auditor"];
    let members = json!([
        { "userId": mia.id, "roles": [] }, { "userId": zoe.id, "roles": auditor }, { "userId": host.id, "roles": [] },
    ]);
    let set = json!({ "organizationId": org.id, "members": members });
    app.done(&host.token, "setMembersRoles", "", set).await;
    assert_eq!(log.news().await, ["UPDATE MEMBER mia", "UPDATE MEMBER zoeDENIED"]);
    let query = "query($id: ID!) { auditLog(filter: { resourceId: $id, status: DENIED }) {
        nodes { actor { name } missingPermission organization { name } } } }";
    let found = app.ok(&owner, query, json!({ "id": zoe.id })).await["auditLog"]["nodes"].clone();
    assert_eq!(found.as_array().unwrap().len(), 4, "{found:#}");
    for entry in found.as_array().unwrap() {
        assert_eq!(entry["organization"]["name"], "data-platform", "{found:#}");
    }
    assert_eq!(
        (&found[0]["actor"]["name"], &found[0]["missingPermission"]),
        (&json!("host"), &json!("ROLE_ASSIGN"))
    );
    assert_eq!(found[3]["missingPermission"], "MEMBER_CREATE");
}

/// One request does not fill the log, however many it is about.
#[rstest]
#[tokio::test]
async fn a_large_bulk_is_told_in_part(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let mut ids = Vec::new();
    for at in 0..30 {
        ids.push(app.member_of(&owner, &org, &format!("many-{at}"), &[]).await.id);
    }
    let mut log = Log { app: &app, seen: 0 };
    log.news().await;
    let input = json!({ "organizationId": org.id, "userIds": ids });
    assert_eq!(app.denied(Some(&mia.token), "removeMembers", input).await, "FORBIDDEN");
    assert_eq!(log.news().await.len(), 20);
}
