//! Users: who may change whom, what a change ends, and that an owner who may act is always left.

mod ending;
mod power;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::{Backend, PASSWORD, Person, TestApp};

/// Whether a token is accepted.
async fn is_in(app: &TestApp, token: &str) -> bool {
    let body = app.graphql(Some(token), "{ viewer { username } }", json!({})).await;
    if body.get("errors").is_some() {
        assert_eq!(code(&body), "UNAUTHENTICATED");
        return false;
    }
    true
}

/// Whether somebody can sign in with a password.
async fn signs_in(app: &TestApp, username: &str, password: &str) -> bool {
    let body = app.call(None, "signIn", "token", json!({ "login": username, "password": password })).await;
    body["data"]["signIn"]["token"].is_string()
}

/// An account for programs.
async fn service_account(app: &TestApp, owner: &Person, input: Value) -> String {
    let made = app.done(&owner.token, "createUser", "user { id }", input).await;
    made["user"]["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn people_change_themselves(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let ana = app.member_of(&owner, &org, "ana", &[]).await;
    let selection = "user { username name email avatarUrl version }";
    let change = json!({ "userId": ana.id, "name": "Ana Ruiz", "avatarUrl": "🚀", "expectedVersion": 1 });
    let changed = app.done(&ana.token, "updateUser", selection, change.clone()).await;
    let expected = json!({
        "username": "ana", "name": "Ana Ruiz", "email": "ana@example.com", "avatarUrl": "🚀", "version": 2,
    });
    assert_eq!(changed["user"], expected);
    // An old version is refused, with what is there now.
    let body = app.call(Some(&ana.token), "updateUser", selection, change).await;
    let payload = &body["data"]["updateUser"];
    assert_eq!(payload["userErrors"][0]["code"], "STALE_VERSION", "{body:#}");
    assert_eq!(payload["user"], expected);
    // Null is empty, absent is as it was.
    let change = json!({ "userId": ana.id, "name": null, "avatarUrl": null });
    let changed = app.done(&ana.token, "updateUser", selection, change).await;
    assert_eq!((&changed["user"]["name"], &changed["user"]["avatarUrl"]), (&json!("ana"), &json!("")));
    assert_eq!(changed["user"]["email"], "ana@example.com");

    // A new username follows everywhere, and the old one is free.
    let change = json!({ "userId": ana.id, "username": "Anna", "email": "anna@example.org" });
    app.done(&ana.token, "updateUser", "", change).await;
    assert!(signs_in(&app, "anna", PASSWORD).await && signs_in(&app, "anna@example.org", PASSWORD).await);
    assert!(!signs_in(&app, "ana", PASSWORD).await);
    let members = "select username from organization_member where username like 'an%' order by 1";
    assert_eq!(app.tables().texts(members).await, ["anna"]);
    app.user(&owner, "ana", &[]).await;

    for (field, value, code) in [
        ("username", json!("olga-owner"), "NAME_TAKEN"),
        ("username", json!("no good"), "BAD_USER_INPUT"),
        ("email", json!("OLGA@example.com"), "CONFLICT"),
        ("email", json!("no address"), "BAD_USER_INPUT"),
        ("email", Value::Null, "BAD_USER_INPUT"),
        ("avatarUrl", json!("javascript:alert(1)"), "BAD_USER_INPUT"),
        ("name", json!("x".repeat(129)), "BAD_USER_INPUT"),
    ] {
        let mut input = json!({ "userId": ana.id });
        input[field] = value;
        let refused = app.refused(&ana.token, "updateUser", input.clone()).await;
        assert!(refused.is(code, &format!("input.{field}")), "{input}: {refused:?}");
    }
    // Somebody else, whom one sees, is FORBIDDEN; whom one does not see is not there.
    let change = |id: &str| json!({ "userId": id, "name": "x" });
    let mate = app.member_of(&owner, &org, "mate", &["organization-admin"]).await;
    assert_eq!(app.denied(Some(&mate.token), "updateUser", change(&ana.id)).await, "FORBIDDEN");
    let stranger = app.user(&owner, "stranger", &[]).await;
    let refused = app.refused(&mate.token, "updateUser", change(&stranger.id)).await;
    assert!(refused.is("NOT_FOUND", "input.userId"), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn the_list_has_filters_and_orders(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let ana = app.member_of(&owner, &org, "ana", &[]).await;
    app.clock.advance(chrono::TimeDelta::minutes(1));
    app.member_of(&owner, &org, "ben", &[]).await;
    app.user(&owner, "carl", &["auditor"]).await;
    service_account(&app, &owner, json!({ "username": "robot", "serviceAccount": true })).await;
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'ben'").await;
    app.tables()
        .execute("update \"user\" set last_seen_at = '2026-11-25T08:00:00.000000+00:00' where username = 'olga-owner'")
        .await;
    let list = async |person: &Person, filter: &str, order: &str| -> Vec<String> {
        let query =
            format!("{{ users(filter: {filter}, orderBy: {order}) {{ totalCount nodes {{ username }} }} }}");
        let data = app.ok(person, &query, json!({})).await;
        let nodes = data["users"]["nodes"].as_array().unwrap();
        assert_eq!(data["users"]["totalCount"], nodes.len());
        nodes.iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list(&owner, "{}", "USERNAME_ASC").await, ["ana", "ben", "carl", "olga-owner", "robot"]);
    assert_eq!(list(&owner, "{ status: SUSPENDED }", "USERNAME_ASC").await, ["ben"]);
    assert_eq!(list(&owner, "{ siteRole: \"auditor\" }", "USERNAME_ASC").await, ["carl"]);
    assert_eq!(list(&owner, "{ isServiceAccount: true }", "USERNAME_ASC").await, ["robot"]);
    assert_eq!(
        list(&owner, "{ query: \"A\", isServiceAccount: false }", "USERNAME_DESC").await,
        ["olga-owner", "carl", "ana"]
    );
    let seen = list(&owner, "{}", "LAST_SEEN_AT_DESC").await;
    assert_eq!((seen[0].as_str(), seen.len()), ("olga-owner", 5));
    assert_eq!(list(&owner, "{}", "LAST_SEEN_AT_ASC").await.last().unwrap(), "olga-owner");
    // Neither tells of somebody what their fields would not.
    assert_eq!(list(&ana, "{}", "USERNAME_ASC").await, ["ana", "ben", "olga-owner"]);
    assert_eq!(list(&ana, "{ status: SUSPENDED }", "USERNAME_ASC").await, Vec::<String>::new());
    assert_eq!(list(&ana, "{ status: ACTIVE }", "USERNAME_ASC").await, ["ana"]);
    assert_eq!(list(&ana, "{ siteRole: \"owner\" }", "USERNAME_ASC").await, Vec::<String>::new());
    assert_eq!(list(&ana, "{}", "LAST_SEEN_AT_DESC").await, ["ana"]);
}

#[rstest]
#[tokio::test]
async fn a_service_account_acts_by_tokens_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let robot = json!({ "username": "robot", "serviceAccount": true, "organizationIds": [org.id] });
    let robot = service_account(&app, &owner, robot).await;
    // Without an address, as a second one.
    service_account(&app, &owner, json!({ "username": "second", "serviceAccount": true })).await;
    let query = "query($id: ID!) { user(by: { id: $id }) { isServiceAccount loginType email } }";
    let data = app.ok(&owner, query, json!({ "id": robot })).await;
    assert_eq!(data["user"], json!({ "isServiceAccount": true, "loginType": "NONE", "email": "" }));
    let with_password = json!({ "username": "third", "serviceAccount": true, "password": PASSWORD });
    let refused = app.refused(&owner.token, "createUser", with_password).await;
    assert!(refused.is("BAD_USER_INPUT", "input.password"), "{refused:?}");
    let nobody = json!({ "username": "third" });
    let refused = app.refused(&owner.token, "createUser", nobody).await;
    assert!(refused.is("BAD_USER_INPUT", "input.email"), "only a service account is without: {refused:?}");
    assert!(!signs_in(&app, "robot", "").await && !signs_in(&app, "robot", PASSWORD).await);
    let reset = json!({ "userId": robot, "password": PASSWORD });
    let refused = app.refused(&owner.token, "resetPassword", reset).await;
    assert!(refused.is("CONFLICT", "input.userId"), "{refused:?}");

    // Its tokens are made by who has the permission over it.
    let token = json!({ "name": "ci", "userId": robot });
    let admin = app.member_of(&owner, &org, "admin", &["organization-admin"]).await;
    assert_eq!(app.denied(Some(&admin.token), "createApiToken", token.clone()).await, "FORBIDDEN");
    let (id, bearer) = app.api_token(&owner, token).await;
    assert_eq!(bearer.username, "robot");
    let data = app.ok(&bearer, "{ viewer { username organizations { nodes { name } } } }", json!({})).await;
    assert_eq!(
        data["viewer"],
        json!({ "username": "robot", "organizations": { "nodes": [{ "name": "alpha" }] } })
    );
    let group = json!({ "organizationId": org.id, "name": "crew" });
    assert_eq!(app.denied(Some(&bearer.token), "createGroup", group).await, "FORBIDDEN");
    // It sees and revokes its own.
    app.done(&bearer.token, "revokeApiToken", "", json!({ "apiTokenId": id })).await;
    assert!(!is_in(&app, &bearer.token).await);
}

/// To verify a password takes a while. Whoever signs in, or changes their password, with one that an administrator replaces
/// meanwhile, is not in afterwards, and has not undone it.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_password_that_is_replaced_meanwhile_opens_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = std::sync::Arc::new(app);
    let owner = app.owner().await;
    for round in 0..4 {
        let name = format!("ana-{round}");
        let ana = app.user(&owner, &name, &[]).await;
        let mut running = tokio::task::JoinSet::new();
        for at in 0..6 {
            let (app, name, token) = (app.clone(), name.clone(), ana.token.clone());
            running.spawn(async move {
                if at == 0 {
                    let input = json!({ "currentPassword": PASSWORD, "newPassword": "what ana wants" });
                    app.call(Some(&token), "changePassword", "userErrors { code }", input).await
                } else {
                    let input = json!({ "login": name, "password": PASSWORD });
                    app.call(None, "signIn", "token", input).await
                }
            });
        }
        let reset = json!({ "userId": ana.id, "password": "what olga wants" });
        app.done(&owner.token, "resetPassword", "", reset).await;
        for body in running.join_all().await {
            let Some(token) = body["data"]["signIn"]["token"].as_str() else { continue };
            assert!(!is_in(&app, token).await, "{name} is in with the password before: {body:#}");
        }
        assert!(signs_in(&app, &name, "what olga wants").await, "{name} overruled an administrator");
    }
}

#[rstest]
#[tokio::test]
async fn passwords_are_changed_by_who_knows_them_or_has_the_power(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let ana = app.user(&owner, "ana", &[]).await;
    let other = app.sign_in("ana").await;
    let (_, token) = app.api_token(&ana, json!({ "name": "ci" })).await;
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    let wrong = app.refused(&ana.token, "changePassword", change("not it at all", "a new battery")).await;
    assert!(wrong.is("BAD_USER_INPUT", "input.currentPassword"), "{wrong:?}");
    let short = app.refused(&ana.token, "changePassword", change(PASSWORD, "short")).await;
    assert!(short.is("BAD_USER_INPUT", "input.newPassword"), "{short:?}");
    let by_token = app.refused(&token.token, "changePassword", change(PASSWORD, "a new battery")).await;
    assert!(by_token.is("CONFLICT", ""), "{by_token:?}");
    assert!(is_in(&app, &other.token).await, "nothing has happened");
    app.done(&ana.token, "changePassword", "user { username }", change(PASSWORD, "a new battery")).await;
    assert!(
        is_in(&app, &ana.token).await && !is_in(&app, &other.token).await && is_in(&app, &token.token).await
    );
    assert!(signs_in(&app, "ana", "a new battery").await && !signs_in(&app, "ana", PASSWORD).await);

    let reset = |id: &str| json!({ "userId": id, "password": "given by somebody" });
    let keeper = app.user(&owner, "keeper", &["user-admin"]).await;
    app.done(&keeper.token, "resetPassword", "user { username }", reset(&ana.id)).await;
    assert!(!is_in(&app, &ana.token).await && signs_in(&app, "ana", "given by somebody").await);
    let own = app.refused(&keeper.token, "resetPassword", reset(&keeper.id)).await;
    assert!(own.is("CONFLICT", "input.userId"), "{own:?}");
    let (_, token) = app.api_token(&keeper, json!({ "name": "ci" })).await;
    let by_token = app.refused(&token.token, "resetPassword", reset(&ana.id)).await;
    assert!(by_token.is("CONFLICT", ""), "{by_token:?}");
    for secret in ["a new battery", "given by somebody", "not it at all"] {
        assert_eq!(app.tables().holding(secret).await, Vec::<String>::new(), "{secret}");
    }
}

/// A new password is another one, and not the name that everybody knows; an organization named twice is meant once.
#[rstest]
#[tokio::test]
async fn slips_are_caught(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    for (new, field) in [(PASSWORD, "newPassword"), ("Olga-Owner", "newPassword")] {
        let input = json!({ "currentPassword": PASSWORD, "newPassword": new });
        let refused = app.refused(&owner.token, "changePassword", input).await;
        assert!(refused.is("BAD_USER_INPUT", &format!("input.{field}")), "{new}: {refused:?}");
    }
    let user = json!({ "username": "ana-ruiz", "email": "ana@example.com" });
    let mut named = user.clone();
    named["password"] = "ana-ruiz".into();
    let refused = app.refused(&owner.token, "createUser", named).await;
    assert!(refused.is("BAD_USER_INPUT", "input.password"), "{refused:?}");
    let mut twice = user;
    twice["organizationIds"] = json!([org.id, org.id]);
    let selection = "user { id organizations { nodes { name } } }";
    let made = app.done(&owner.token, "createUser", selection, twice).await;
    assert_eq!(made["user"]["organizations"]["nodes"], json!([{ "name": "alpha" }]));
    let reset = json!({ "userId": made["user"]["id"], "password": "ana-ruiz" });
    let refused = app.refused(&owner.token, "resetPassword", reset).await;
    assert!(refused.is("BAD_USER_INPUT", "input.password"), "{refused:?}");
    let unknown =
        json!({ "username": "x", "email": "x@example.com", "organizationIds": [org.id, "nonsense"] });
    let refused = app.refused(&owner.token, "createUser", unknown).await;
    assert!(refused.is("NOT_FOUND", "input.organizationIds.1"), "{refused:?}");
}

#[tokio::test]
async fn somebody_joins_no_more_than_a_hundred_organizations_at_once() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let input = json!({ "username": "ana", "serviceAccount": true, "organizationIds": vec![org.id; 101] });
    let refused = app.refused(&owner.token, "createUser", input).await;
    assert!(refused.is("BAD_USER_INPUT", "input.organizationIds"), "{refused:?}");
}
