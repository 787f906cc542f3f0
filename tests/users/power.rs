//! Nobody changes somebody with more power than they have, nobody decides over themselves, and an owner who may act is left.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{is_in, signs_in};
use crate::support::calls::code;
use crate::support::{Backend, PASSWORD, TestApp};

/// What can be done to somebody else.
fn changes(id: &str) -> [(&'static str, Value); 6] {
    [
        ("updateUser", json!({ "userId": id, "email": "mine@example.com" })),
        ("suspendUser", json!({ "userId": id })),
        ("activateUser", json!({ "userId": id })),
        ("resetPassword", json!({ "userId": id, "password": "given by somebody" })),
        ("setUserSiteRoles", json!({ "userId": id, "siteRoles": [] })),
        ("deleteUser", json!({ "userId": id })),
    ]
}

#[rstest]
#[tokio::test]
async fn nobody_changes_somebody_with_more_power(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let keeper = app.user(&owner, "keeper", &["user-admin"]).await;
    let author = app.user(&owner, "author", &["template-admin"]).await;
    let admin = app.member_of(&owner, &org, "admin", &["organization-admin"]).await;
    let mate = app.member_of(&owner, &org, "mate", &["organization-user-admin"]).await;
    let before = app.tables().dump().await;
    for person in [&owner, &author, &admin] {
        for (mutation, input) in changes(&person.id) {
            let refused = app.refused(&keeper.token, mutation, input.clone()).await;
            assert_eq!(refused.code, "MISSING_PERMISSIONS", "{mutation} of {}: {refused:?}", person.username);
            assert!(refused.message.len() <= 300, "{refused:?}");
            let missing = app.missing(&keeper, mutation, input).await;
            let names = ["TEMPLATE_CREATE", "TOKEN_CREATE"];
            assert!(names.iter().any(|name| missing.iter().any(|lacks| lacks == name)), "{missing:?}");
        }
    }
    // Without the permission it is FORBIDDEN, whoever it is about.
    for (mutation, input) in changes(&keeper.id) {
        assert_eq!(app.denied(Some(&author.token), mutation, input).await, "FORBIDDEN", "{mutation}");
    }
    // What was denied is noted, and who follows the audit log is told.
    let denied =
        |row: &&String| ["audit_log ", "event ", "outbox "].iter().any(|table| row.starts_with(table));
    let after = app.tables().dump().await;
    let left: Vec<_> = after.symmetric_difference(&before).filter(|row| !denied(row)).collect();
    assert!(left.is_empty(), "{left:#?}");

    // Who has no more than they have themselves: their equals, and members of organizations.
    let equal = app.user(&owner, "equal", &["user-admin"]).await;
    for person in [&equal, &mate] {
        app.done(&keeper.token, "resetPassword", "", changes(&person.id)[3].1.clone()).await;
        assert!(signs_in(&app, &person.username, "given by somebody").await);
    }
    app.done(&keeper.token, "suspendUser", "user { status }", json!({ "userId": equal.id })).await;
    app.done(&keeper.token, "deleteUser", "", json!({ "userId": equal.id })).await;
    // A token has the power that it leaves of its owner.
    let scopes = json!({ "name": "ci", "scopes": ["USER_UPDATE", "USER_DELETE"] });
    let (_, narrow) = app.api_token(&owner, scopes).await;
    let refused = app.refused(&narrow.token, "suspendUser", json!({ "userId": keeper.id })).await;
    assert_eq!(refused.code, "MISSING_PERMISSIONS", "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn site_roles_are_given_by_who_has_what_they_give(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let keeper = app.user(&owner, "keeper", &["user-admin"]).await;
    let ana = app.user(&owner, "ana", &[]).await;
    let roles = |id: &str, roles: &[&str]| json!({ "userId": id, "siteRoles": roles });
    let selection = "user { siteRoles { name } }";
    let given = app.done(&keeper.token, "setUserSiteRoles", selection, roles(&ana.id, &["user-admin"])).await;
    assert_eq!(given["user"]["siteRoles"], json!([{ "name": "user-admin" }]));
    for role in ["owner", "template-admin", "auditor"] {
        let refused = app.refused(&keeper.token, "setUserSiteRoles", roles(&ana.id, &[role])).await;
        assert!(refused.is("MISSING_PERMISSIONS", "input.siteRoles"), "{role}: {refused:?}");
    }
    let unknown =
        app.refused(&owner.token, "setUserSiteRoles", roles(&ana.id, &["organization-admin"])).await;
    assert!(unknown.is("BAD_USER_INPUT", "input.siteRoles"), "{unknown:?}");
    // Taking is power as well; one's own are nobody's to change.
    app.done(&owner.token, "setUserSiteRoles", "", roles(&ana.id, &["auditor"])).await;
    let taken = app.refused(&keeper.token, "setUserSiteRoles", roles(&ana.id, &[])).await;
    assert!(taken.is("MISSING_PERMISSIONS", "input.siteRoles"), "{taken:?}");
    for person in [&owner, &keeper] {
        for wanted in [&[] as &[&str], &["user-admin"]] {
            let own = app.refused(&person.token, "setUserSiteRoles", roles(&person.id, wanted)).await;
            assert!(own.is("CONFLICT", "input.userId"), "{own:?}");
        }
    }
    let denied = app.denied(Some(&ana.token), "setUserSiteRoles", roles(&keeper.id, &[])).await;
    assert_eq!(denied, "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn an_owner_who_may_act_is_left(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let second = app.user(&olga, "second", &["owner"]).await;
    for (mutation, input) in [
        ("suspendUser", json!({ "userId": olga.id })),
        ("deleteUser", json!({ "userId": olga.id })),
        ("activateUser", json!({ "userId": olga.id })),
    ] {
        let own = app.refused(&olga.token, mutation, input).await;
        assert!(own.is("CONFLICT", "input.userId"), "{mutation}: {own:?}");
    }
    // Neither a suspended owner nor an account for programs counts.
    app.done(&second.token, "suspendUser", "", json!({ "userId": olga.id })).await;
    assert!(!is_in(&app, &olga.token).await && !signs_in(&app, "olga-owner", PASSWORD).await);
    let robot = json!({ "username": "robot", "serviceAccount": true, "siteRoles": ["owner"] });
    let robot = super::service_account(&app, &second, robot).await;
    let (_, bearer) = app.api_token(&second, json!({ "name": "ci", "userId": robot })).await;
    for (mutation, input) in [
        ("suspendUser", json!({ "userId": second.id })),
        ("deleteUser", json!({ "userId": second.id })),
        ("setUserSiteRoles", json!({ "userId": second.id, "siteRoles": ["auditor"] })),
    ] {
        let last = app.refused(&bearer.token, mutation, input).await;
        assert!(last.is("LAST_ADMIN", "input.userId"), "{mutation}: {last:?}");
    }
    let again = app.refused(&second.token, "suspendUser", json!({ "userId": olga.id })).await;
    assert!(again.is("CONFLICT", "input.userId"), "{again:?}");
    let active =
        app.done(&second.token, "activateUser", "user { status }", json!({ "userId": olga.id })).await;
    assert_eq!(active["user"]["status"], "ACTIVE");
    assert!(!is_in(&app, &olga.token).await, "what has ended stays so");
    assert!(signs_in(&app, "olga-owner", PASSWORD).await);
    app.done(&bearer.token, "deleteUser", "", json!({ "userId": second.id })).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_owners_can_not_undo_each_other_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let olga = app.owner().await;
    // A third one, who does not count, puts them back.
    let robot = json!({ "username": "robot", "serviceAccount": true, "siteRoles": ["owner"] });
    let robot = super::service_account(&app, &olga, robot).await;
    let (_, bearer) = app.api_token(&olga, json!({ "name": "ci", "userId": robot })).await;
    for round in 0..8 {
        let name = format!("second-{round}");
        let second = app.user(&bearer, &name, &["owner"]).await;
        let first = app.sign_in("olga-owner").await;
        let mut attempts = JoinSet::new();
        for (actor, target) in [(&first, &second), (&second, &first)] {
            let (app, token, id) = (app.clone(), actor.token.clone(), target.id.clone());
            let (mutation, input) = match (round % 3, target.id == second.id) {
                (0, _) => ("suspendUser", json!({ "userId": id })),
                (1, true) => ("deleteUser", json!({ "userId": id })),
                (1, false) => ("suspendUser", json!({ "userId": id })),
                _ => ("setUserSiteRoles", json!({ "userId": id, "siteRoles": [] })),
            };
            attempts.spawn(async move { (mutation, app.call(Some(&token), mutation, "", input).await) });
        }
        let mut done = 0;
        for (mutation, body) in attempts.join_all().await {
            if body.get("errors").is_some() {
                // The other one was first, and has taken the session or the role.
                assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&code(&body).as_str()), "{body:#}");
                continue;
            }
            match body["data"][mutation]["userErrors"][0]["code"].as_str() {
                None => done += 1,
                Some(code) => {
                    assert!(["LAST_ADMIN", "MISSING_PERMISSIONS", "NOT_FOUND"].contains(&code), "{body:#}")
                }
            }
        }
        let owners = "select username from \"user\" where deleted_at is null and status = 'ACTIVE'
            and not is_service_account and cast(site_roles as text) like '%owner%'";
        assert_eq!((done, app.tables().texts(owners).await.len()), (1, 1), "round {round}");
        let people = "select username from \"user\" where deleted_at is null and status = 'SUSPENDED'";
        for username in app.tables().texts(people).await {
            let id = app
                .ok(
                    &bearer,
                    "query($name: String!) { user(by: { username: $name }) { id } }",
                    json!({ "name": username }),
                )
                .await;
            app.done(&bearer.token, "activateUser", "", json!({ "userId": id["user"]["id"] })).await;
        }
        let owner = json!({ "userId": first.id, "siteRoles": ["owner"] });
        app.done(&bearer.token, "setUserSiteRoles", "", owner).await;
        let gone = app.complaints(&bearer.token, "deleteUser", json!({ "userId": second.id })).await;
        assert!(gone.iter().all(|complaint| complaint.code == "NOT_FOUND"), "{gone:?}");
    }
}
