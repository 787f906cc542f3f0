//! Power over others: who may give which role, who may not be lost, and when somebody is nobody any more.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::calls::code;
use crate::support::{Backend, Org, PASSWORD, Person, TestApp};

/// An organization, and its administrator; the deployment's owner is no member of it.
struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    ana: Person,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
        let leave = json!({ "organizationId": org.id, "userId": owner.id });
        app.done(&ana.token, "removeMember", "", leave).await;
        Some(Self { app, owner, org, ana })
    }

    fn roles(&self, of: &Person, roles: &[&str]) -> Value {
        json!({ "organizationId": self.org.id, "userId": of.id, "roles": roles })
    }

    fn removal(&self, of: &Person) -> Value {
        json!({ "organizationId": self.org.id, "userId": of.id })
    }

    async fn member(&self, name: &str, roles: &[&str]) -> Person {
        self.app.member_of(&self.owner, &self.org, name, roles).await
    }

    /// Administrators of the organization.
    async fn admins(&self) -> Vec<String> {
        let query = "select username from organization_member where cast(roles as text) like '%organization-admin%'
            and organization_id = (select id from organization where name = 'data-platform') order by username";
        self.app.tables().texts(query).await
    }
}

#[rstest]
#[tokio::test]
async fn nobody_changes_their_own_roles_or_removes_themselves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    app.join(&scene.ana, &scene.org, &scene.owner, &[]).await;
    scene.member("second", &["organization-admin"]).await;
    for person in [&scene.ana, &scene.owner] {
        for roles in [&[] as &[&str], &["organization-auditor"], &["organization-admin"]] {
            let input = scene.roles(person, roles);
            let refused = app.refused(&person.token, "setMemberRoles", input).await;
            assert!(refused.is("CONFLICT", "input.userId"), "{refused:?}");
        }
        let refused = app.refused(&person.token, "removeMember", scene.removal(person)).await;
        assert!(refused.is("CONFLICT", "input.userId"), "{refused:?}");
    }
    assert_eq!(scene.admins().await, ["ana", "second"]);
}

#[rstest]
#[tokio::test]
async fn nobody_gives_or_takes_what_they_do_not_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let people = scene.member("people", &["organization-user-admin"]).await;
    let mia = scene.member("mia", &[]).await;
    let lacking =
        scene.app.missing(&people, "setMemberRoles", scene.roles(&mia, &["organization-admin"])).await;
    for permission in ["TEMPLATE_CREATE", "PROVISIONER_KEY_CREATE", "ORGANIZATION_UPDATE"] {
        assert!(lacking.iter().any(|name| name == permission), "{lacking:?}");
    }
    assert!(!lacking.iter().any(|name| name == "MEMBER_READ"), "what they have is not missing: {lacking:?}");
    let lacking = scene.app.missing(&people, "setMemberRoles", scene.roles(&scene.ana, &[])).await;
    assert!(!lacking.is_empty(), "taking a role is power as well");
    let told = app.refused(&people.token, "setMemberRoles", scene.roles(&scene.ana, &[])).await.message;
    assert!(told.starts_with("they hold permissions"), "{told}");
    let role = app.role(&scene.ana, &scene.org, "smith", &["TEMPLATE_CREATE"]).await;
    let keeps = ["ROLE_DELETE", "ROLE_UPDATE", "ROLE_ASSIGN"];
    app.role(&scene.ana, &scene.org, "janitor", &keeps).await;
    let janitor = scene.member("janitor", &["janitor"]).await;
    let told = app.refused(&janitor.token, "deleteRole", json!({ "roleId": role })).await.message;
    assert!(told.starts_with("you can't take away permissions"), "{told}");
    let raise = json!({ "roleId": role, "permissions": ["TEMPLATE_CREATE", "GROUP_CREATE"] });
    let told = app.refused(&janitor.token, "updateRole", raise).await.message;
    assert!(told.starts_with("you can't give permissions"), "{told}");
    // What they have they may give, and to a new member only that.
    app.done(&people.token, "setMemberRoles", "", scene.roles(&mia, &["organization-user-admin"])).await;
    let zoe = app.user(&scene.owner, "zoe", &[]).await;
    let member = json!({ "userId": zoe.id, "roles": ["organization-admin"] });
    let input = json!({ "organizationId": scene.org.id, "members": [member] });
    let results = app.done(&people.token, "addMembers", "results { userErrors { code } }", input).await;
    assert_eq!(results["results"][0]["userErrors"][0]["code"], "MISSING_PERMISSIONS", "{results:#}");

    // Without the permission itself it is FORBIDDEN.
    let author = scene.member("author", &["organization-template-admin"]).await;
    let input = scene.roles(&mia, &[]);
    assert_eq!(app.denied(Some(&author.token), "setMemberRoles", input).await, "FORBIDDEN");
    assert_eq!(app.denied(Some(&author.token), "removeMember", scene.removal(&mia)).await, "FORBIDDEN");

    // The same on the site.
    let keeper = app.user(&scene.owner, "keeper", &["user-admin"]).await;
    let user = |role: &str| json!({ "username": format!("new-{role}"), "email": format!("{role}@example.com"), "siteRoles": [role] });
    assert!(!scene.app.missing(&keeper, "createUser", user("owner")).await.is_empty());
    assert!(!scene.app.missing(&keeper, "createUser", user("template-admin")).await.is_empty());
    app.done(&keeper.token, "createUser", "", user("user-admin")).await;
    assert!(
        !scene
            .app
            .missing(&keeper, "setMemberRoles", scene.roles(&mia, &["organization-admin"]))
            .await
            .is_empty()
    );
    assert_eq!(app.denied(Some(&mia.token), "createUser", user("auditor")).await, "FORBIDDEN");
    assert_eq!(scene.admins().await, ["ana"]);
}

#[rstest]
#[tokio::test]
async fn the_last_administrator_stays(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let refused = app.refused(&scene.owner.token, "removeMember", scene.removal(&scene.ana)).await;
    assert!(refused.is("LAST_ADMIN", "input.userId"), "{refused:?}");
    for roles in [&[] as &[&str], &["organization-user-admin", "organization-template-admin"]] {
        let input = scene.roles(&scene.ana, roles);
        let refused = app.refused(&scene.owner.token, "setMemberRoles", input).await;
        assert!(refused.is("LAST_ADMIN", "input.userId"), "{refused:?}");
    }
    // More roles are no loss.
    let more = scene.roles(&scene.ana, &["organization-admin", "organization-auditor"]);
    app.done(&scene.owner.token, "setMemberRoles", "", more).await;
    // An administrator of another organization does not count.
    app.organization(&scene.owner, "other").await;
    let refused = app.refused(&scene.owner.token, "removeMember", scene.removal(&scene.ana)).await;
    assert!(refused.is("LAST_ADMIN", "input.userId"), "{refused:?}");
    scene.member("ben", &["organization-admin"]).await;
    app.done(&scene.owner.token, "removeMember", "", scene.removal(&scene.ana)).await;
    assert_eq!(scene.admins().await, ["ben"]);
}

/// Removing somebody takes their roles from them: it needs what they hold, as taking the roles does.
#[rstest]
#[tokio::test]
async fn nobody_removes_somebody_with_more_power(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    app.role(&scene.ana, &scene.org, "porter", &["MEMBER_DELETE", "MEMBER_READ"]).await;
    app.role(&scene.ana, &scene.org, "author", &["TEMPLATE_CREATE"]).await;
    let porter = scene.member("porter", &["porter"]).await;
    let people = scene.member("people", &["organization-user-admin"]).await;
    let second = scene.member("second", &["organization-admin"]).await;
    let author = scene.member("author", &["author"]).await;
    let banned = scene.member("banned", &["organization-workspace-creation-ban"]).await;
    for person in [&porter, &people] {
        for target in [&second, &author, &banned] {
            let lacking = scene.app.missing(person, "removeMember", scene.removal(target)).await;
            assert!(!lacking.is_empty(), "{} removes {}", person.username, target.username);
        }
        let all = json!({ "organizationId": scene.org.id, "userIds": [second.id] });
        let done = app.done(&person.token, "removeMembers", "results { userErrors { code } }", all).await;
        assert_eq!(done["results"][0]["userErrors"][0]["code"], "MISSING_PERMISSIONS", "{done:#}");
    }
    let plain = scene.member("plain", &[]).await;
    app.done(&porter.token, "removeMember", "", scene.removal(&plain)).await;
    app.done(&people.token, "removeMember", "", scene.removal(&porter)).await;
    app.done(&scene.ana.token, "removeMember", "", scene.removal(&second)).await;
}

/// A ban takes something away: who gives or lifts it has power over whom it is for.
#[rstest]
#[tokio::test]
async fn a_ban_is_power_over_its_holder(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    const BAN: &str = "organization-workspace-creation-ban";
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    app.role(&scene.ana, &scene.org, "giver", &["ROLE_ASSIGN", "MEMBER_UPDATE", "WORKSPACE_CREATE"]).await;
    let giver = scene.member("giver", &["giver"]).await;
    let people = scene.member("people", &["organization-user-admin"]).await;
    let second = scene.member("second", &["organization-admin"]).await;
    let mia = scene.member("mia", &[]).await;
    let banned = scene.roles(&second, &["organization-admin", BAN]);
    for person in [&giver, &people] {
        assert!(!scene.app.missing(person, "setMemberRoles", banned.clone()).await.is_empty());
    }
    assert_eq!(
        scene.app.missing(&people, "setMemberRoles", scene.roles(&mia, &[BAN])).await,
        ["WORKSPACE_CREATE"]
    );
    // Over somebody who holds no more than they do, whoever creates workspaces for all may decide.
    app.done(&giver.token, "setMemberRoles", "", scene.roles(&mia, &[BAN])).await;
    app.done(&scene.ana.token, "setMemberRoles", "", banned).await;
    // Who is banned is held by it, and nobody with less lifts it.
    for person in [&giver, &people] {
        let lifted = scene.roles(&second, &["organization-admin"]);
        assert!(!scene.app.missing(person, "setMemberRoles", lifted).await.is_empty());
    }
    assert!(!scene.app.missing(&people, "setMemberRoles", scene.roles(&mia, &[])).await.is_empty());
    app.done(&scene.ana.token, "setMemberRoles", "", scene.roles(&second, &["organization-admin"])).await;
}

/// Somebody who is suspended looks after nothing.
#[rstest]
#[tokio::test]
async fn a_suspended_administrator_is_none(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let second = scene.member("second", &["organization-admin"]).await;
    app.done(&scene.owner.token, "suspendUser", "", json!({ "userId": second.id })).await;
    for (mutation, input) in [
        ("setMemberRoles", scene.roles(&scene.ana, &[])),
        ("removeMember", scene.removal(&scene.ana)),
        ("deleteUser", json!({ "userId": scene.ana.id })),
    ] {
        let refused = app.refused(&scene.owner.token, mutation, input).await;
        assert!(refused.is("LAST_ADMIN", "input.userId"), "{mutation}: {refused:?}");
        assert!(refused.message.contains("`data-platform`"), "{refused:?}");
    }
    app.done(&scene.owner.token, "activateUser", "", json!({ "userId": second.id })).await;
    app.done(&scene.owner.token, "setMemberRoles", "", scene.roles(&scene.ana, &[])).await;
    assert_eq!(scene.admins().await, ["second"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_administrators_can_not_undo_each_other_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let ben = scene.member("ben", &["organization-admin"]).await;
    for round in 0..8 {
        let mut attempts = JoinSet::new();
        for (actor, target) in [(&scene.ana, &ben), (&ben, &scene.ana)] {
            let (app, token) = (scene.app.clone(), actor.token.clone());
            // Sometimes both ways at once.
            let (mutation, input) = if round % 2 == 1 && actor.id == ben.id {
                ("removeMember", scene.removal(target))
            } else {
                ("setMemberRoles", scene.roles(target, &[]))
            };
            attempts.spawn(async move { (mutation, app.call(Some(&token), mutation, "", input).await) });
        }
        let mut done = 0;
        for (mutation, body) in attempts.join_all().await {
            if body.get("errors").is_some() {
                // The other one was first, and has taken the permission or the membership.
                assert_eq!(code(&body), "FORBIDDEN", "{body:#}");
                continue;
            }
            match body["data"][mutation]["userErrors"][0]["code"].as_str() {
                None => done += 1,
                Some(code) => assert!(["LAST_ADMIN", "NOT_FOUND"].contains(&code), "{body:#}"),
            }
        }
        assert_eq!((done, scene.admins().await.len()), (1, 1), "round {round}");
        let members = scene.app.tables().texts("select username from organization_member").await;
        for person in [&scene.ana, &ben] {
            if members.contains(&person.username) {
                let admin = scene.roles(person, &["organization-admin"]);
                scene.app.done(&scene.owner.token, "setMemberRoles", "", admin).await;
            } else {
                scene.app.join(&scene.owner, &scene.org, person, &["organization-admin"]).await;
            }
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_user_is_made_once_by_who_has_the_token(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let token = app.app.setup_token().unwrap().expose_secret().to_owned();
    let first = |name: &str, token: &str| json!({ "setupToken": token, "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
    for wrong in ["", "wrong", &token[..token.len() - 1], &token.to_uppercase()] {
        let body = app.call(None, "createFirstUser", "user { id }", first("eve", wrong)).await;
        let error = &body["data"]["createFirstUser"]["userErrors"][0];
        let expected = json!({ "code": "BAD_USER_INPUT", "field": ["input", "setupToken"] });
        assert_eq!(
            json!({ "code": error["code"], "field": error["field"] }),
            expected,
            "{wrong:?}: {body:#}"
        );
    }
    assert_eq!(app.tables().count("user").await, 0);

    let mut attempts = JoinSet::new();
    for name in ["ada", "bea", "cleo", "dora"] {
        let (app, input) = (app.clone(), first(name, &token));
        attempts.spawn(async move { app.call(None, "createFirstUser", "token", input).await });
    }
    let bodies = attempts.join_all().await;
    let made = bodies.iter().filter(|body| body["data"]["createFirstUser"]["token"].is_string()).count();
    assert_eq!((made, app.tables().count("user").await), (1, 1), "{bodies:#?}");
    for body in bodies.iter().filter(|body| !body["data"]["createFirstUser"]["token"].is_string()) {
        assert_eq!(body["data"]["createFirstUser"]["userErrors"][0]["code"], "CONFLICT", "{body:#}");
    }
}

#[rstest]
#[tokio::test]
async fn who_may_not_sign_in_learns_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    app.user(&scene.owner, "suspended", &[]).await;
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'suspended'").await;
    let robot = json!({ "username": "robot", "email": "robot@example.com" });
    app.done(&scene.owner.token, "createUser", "", robot).await;
    let attempt = async |login: &str, password: &str| {
        let body = app
            .call(None, "signIn", "token user { id }", json!({ "login": login, "password": password }))
            .await;
        assert!(body["data"]["signIn"]["token"].is_null());
        assert_eq!(body["data"]["signIn"]["userErrors"].as_array().map(Vec::len), Some(1), "{body:#}");
        body["data"].to_string()
    };
    let unknown = attempt("nobody", PASSWORD).await;
    assert_eq!(attempt("ana", "not the password").await, unknown);
    assert_eq!(attempt("ana@example.com", "not the password").await, unknown);
    assert_eq!(attempt("ana", "").await, unknown);
    assert_eq!(attempt("suspended", PASSWORD).await, unknown);
    assert_eq!(attempt("robot", PASSWORD).await, unknown);
    assert_eq!(attempt("robot", "").await, unknown);
    app.sign_in("ANA@example.com").await;
}

#[rstest]
#[tokio::test]
async fn what_is_over_is_over_with_the_next_request(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let viewer = async |token: &str| app.graphql(Some(token), "{ viewer { username } }", json!({})).await;
    let refused = async |token: &str| {
        let body = viewer(token).await;
        assert_eq!(code(&body), "UNAUTHENTICATED", "{body:#}");
    };
    // A session that was signed out, while another one of the same person stays.
    let (first, second) = (app.sign_in("ana").await, app.sign_in("ana").await);
    app.ok(&first, "mutation { signOut { userErrors { message } } }", json!({})).await;
    refused(&first.token).await;
    assert_eq!(viewer(&second.token).await["data"]["viewer"]["username"], "ana");
    // A token that was changed, or that is none.
    let (head, _) = second.token.rsplit_once('.').unwrap();
    refused(&format!("{head}.AAAA")).await;
    refused("nonsense").await;
    // A suspended user.
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'ana'").await;
    refused(&second.token).await;
    // A key that was deleted, and one that has expired.
    let beat = |daemon: &crate::support::daemon::Daemon| json!({ "provisionerDaemonId": daemon.id, "runningJobIds": [] });
    let key = app.provisioner_key(&scene.owner, &scene.org, "key", &[]).await;
    let daemon = app.daemon(&key, &scene.org, "one").await;
    app.done(&daemon.secret, "heartbeatProvisionerDaemon", "", beat(&daemon)).await;
    app.done(&scene.owner.token, "deleteProvisionerKey", "", json!({ "provisionerKeyId": key.id })).await;
    let code = app.denied(Some(&daemon.secret), "heartbeatProvisionerDaemon", beat(&daemon)).await;
    assert_eq!(code, "UNAUTHENTICATED");
    let expiring = json!({
        "organizationId": scene.org.id, "name": "expiring", "expiresAt": "2026-11-24T09:00:00Z",
    });
    let made = app.done(&scene.owner.token, "createProvisionerKey", "secret", expiring).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    let key = crate::support::daemon::ProvisionerKey { id: String::new(), secret };
    let daemon = app.daemon(&key, &scene.org, "two").await;
    app.clock.advance(TimeDelta::minutes(61));
    let code = app.denied(Some(&daemon.secret), "heartbeatProvisionerDaemon", beat(&daemon)).await;
    assert_eq!(code, "UNAUTHENTICATED");
    // A session whose time is over.
    app.clock.advance(TimeDelta::days(365));
    refused(&scene.owner.token).await;
}
