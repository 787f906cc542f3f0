//! What somebody sees inside their own organization, by role; and that nobody sees anything any more when their session
//! has ended.

use std::fmt::Write as _;

use axum::body::Body;
use chrono::TimeDelta;
use http::{Request, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::world::World;
use crate::support::{Backend, Person, TestApp};

/// Two workspaces (one the member's), one group besides Everyone, of which the member is.
async fn world(app: &TestApp) -> (Person, Person, World) {
    let owner = app.owner().await;
    let shared = app.user(&owner, "wanda", &[]).await;
    let org = app.organization(&owner, "home").await;
    let world = app.fill(&owner, org, "home", &shared).await;
    (owner, shared, world)
}

const LOOK: &str = "query($org: ID!) {
    organization(by: { id: $org }) {
        name
        viewerCan
        members(first: 100) { totalCount nodes { user { username email status loginType lastSeenAt siteRoles { name } } } }
        groups(first: 100) { totalCount nodes { name } }
        templates(first: 100) { totalCount nodes { name viewerCan versions(first: 100) { totalCount } } }
        workspaces(first: 100) { totalCount nodes { name viewerCan } }
        provisionerDaemons(first: 100) { totalCount nodes { name keyName } }
        provisionerJobs(first: 100) { totalCount nodes { type state } }
    }
}";
const KEYS: &str =
    "query($org: ID!) { organization(by: { id: $org }) { provisionerKeys { totalCount nodes { name } } } }";
const GROUP: &str = "query($group: ID!) {
    node(id: $group) { ... on Group { name memberCount members { totalCount nodes { user { username } } } } }
}";

fn names(list: &Value) -> Vec<&str> {
    list["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn a_member_sees_their_own_and_what_they_may_use(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (_, shared, world) = world(&app).await;
    let member = &world.member;
    let data = app.ok(member, LOOK, json!({ "org": world.org.id })).await;
    let org = &data["organization"];
    assert_eq!(names(&org["workspaces"]), ["home-workspace"]);
    assert_eq!(org["workspaces"]["totalCount"], 1);
    assert_eq!(names(&org["templates"]), ["home-template"], "its access list names Everyone");
    assert_eq!(org["templates"]["nodes"][0]["viewerCan"], json!(["TEMPLATE_READ", "TEMPLATE_USE"]));
    assert_eq!(org["provisionerJobs"]["nodes"], json!([{ "type": "WORKSPACE_BUILD", "state": "SUCCEEDED" }]));
    assert_eq!(names(&org["groups"]), ["everyone", "home-group"]);
    for person in org["members"]["nodes"].as_array().unwrap() {
        let user = &person["user"];
        let own = user["username"] == member.username.as_str();
        for private in ["email", "status", "loginType", "siteRoles"] {
            assert_eq!(user[private].is_null(), !own, "{private} of {user:#}");
        }
    }
    // A workspace of somebody else's answers like none.
    let (_, foreign) = world.nodes.iter().rfind(|(ty, _)| *ty == "Workspace").unwrap();
    let document = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(app.ok(member, document, json!({ "id": foreign })).await["node"], Value::Null);
    assert_eq!(app.ok(&shared, document, json!({ "id": foreign })).await["node"]["id"], foreign.as_str());
}

/// `FORBIDDEN`, naming the permission, with null for the field and the rest of the answer.
fn assert_forbidden(body: &Value, permission: &str) {
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{body:#}");
    assert_eq!(error["extensions"]["requires"], permission, "{body:#}");
    assert!(error["message"].as_str().unwrap().contains(permission), "{body:#}");
}

#[rstest]
#[tokio::test]
async fn a_member_is_told_which_permission_they_lack(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (_, _, world) = world(&app).await;
    let token = Some(world.member.token.as_str());
    let keys = app.graphql(token, KEYS, json!({ "org": world.org.id })).await;
    assert_forbidden(&keys, "PROVISIONER_KEY_READ");
    assert_eq!(keys["data"], json!({ "organization": { "provisionerKeys": null } }));

    let others = app.group(&world.admin, &world.org, "others", &[&world.admin]).await;
    let group = app.graphql(token, GROUP, json!({ "group": others })).await;
    assert_eq!(group["errors"].as_array().unwrap().len(), 2);
    assert_forbidden(&group, "GROUP_READ_MEMBERS");
    assert_eq!(group["data"]["node"], json!({ "name": "others", "memberCount": null, "members": null }));
    for own in [&world.group, &world.org.id.replace("org_", "grp_")] {
        let group = app.ok(&world.member, GROUP, json!({ "group": own })).await;
        assert!(group["node"]["memberCount"].as_i64().unwrap() >= 2, "one's own group: {group:#}");
        assert_eq!(group["node"]["memberCount"], group["node"]["members"]["totalCount"]);
    }
}

/// What each role sees, as a table that people review: how many rows of each list, whether contacts, keys and members of
/// groups, and what may be done.
#[rstest]
#[tokio::test]
async fn what_each_role_sees_is_the_reviewed_table(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, _, world) = world(&app).await;
    let others = app.group(&world.admin, &world.org, "others", &[&world.admin]).await;
    let mut people =
        vec![("owner, who made it", owner.clone()), ("nobody of it", app.user(&owner, "nobody", &[]).await)];
    for role in ["user-admin", "template-admin", "auditor"] {
        people.push((role, app.user(&owner, &format!("site-{role}"), &[role]).await));
    }
    for role in [
        "organization-admin",
        "organization-user-admin",
        "organization-template-admin",
        "organization-auditor",
        "organization-workspace-creation-ban",
    ] {
        let username = format!("o-{}", role.trim_start_matches("organization-"));
        people.push((role, app.member_of(&owner, &world.org, &username, &[role]).await));
    }
    people.push(("member", app.member_of(&owner, &world.org, "plain", &[]).await));

    let mut table = String::from(
        "                                     members groups templates workspaces daemons jobs keys  contacts  others' groups\n",
    );
    let mut can = String::new();
    for (role, person) in &people {
        let body = app.ok(person, LOOK, json!({ "org": world.org.id })).await;
        let org = &body["organization"];
        let count =
            |list: &str| org[list]["totalCount"].as_i64().map_or("–".into(), |count| count.to_string());
        let others = app.graphql(Some(&person.token), GROUP, json!({ "group": others })).await;
        let keys = app.graphql(Some(&person.token), KEYS, json!({ "org": world.org.id })).await;
        let contacts = org["members"]["nodes"].as_array().is_some_and(|members| {
            let foreign = |member: &&Value| member["user"]["username"] != person.username.as_str();
            members.iter().filter(foreign).all(|member| member["user"]["email"].is_string())
        });
        let code = |body: &Value| match body["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => code.to_lowercase(),
            None => "yes".to_owned(),
        };
        let keys = keys["data"]["organization"]["provisionerKeys"]["totalCount"].as_i64();
        writeln!(
            table,
            "{role:<37}{:<8}{:<7}{:<10}{:<11}{:<8}{:<5}{:<6}{:<10}{}",
            count("members"),
            count("groups"),
            count("templates"),
            count("workspaces"),
            count("provisionerDaemons"),
            count("provisionerJobs"),
            keys.map_or("–".into(), |count| count.to_string()),
            if contacts { "yes" } else { "no" },
            if others["data"]["node"].is_null() { "–".to_owned() } else { code(&others) },
        )
        .unwrap();
        let permissions: Vec<_> =
            org["viewerCan"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        writeln!(can, "\n{role}").unwrap();
        for line in permissions.chunks(5) {
            writeln!(can, "    {}", line.join(" ")).unwrap();
        }
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("visibility", format!("{table}{can}"));
    });
}

async fn status(app: &TestApp, token: &str) -> StatusCode {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(r#"{"query":"{ viewer { username } }"}"#))
        .unwrap();
    app.send(request).await.0
}

#[rstest]
#[tokio::test]
async fn a_session_ends_after_seven_days(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(status(&app, &owner.token).await, StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(status(&app, &owner.token).await, StatusCode::UNAUTHORIZED);
    let body = app.graphql(Some(&owner.token), "{ deployment { version } }", json!({})).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("expired"), "{body:#}");
    assert!(body.get("data").is_none(), "a bad token is no anonymous one: {body:#}");
}

#[rstest]
#[tokio::test]
async fn signing_out_ends_that_session_and_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let other = app.sign_in(&owner.username).await;
    app.run(&owner, "mutation { signOut { userErrors { message } } }", json!({})).await;
    assert_eq!(status(&app, &owner.token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&app, &other.token).await, StatusCode::OK);
}

/// Tokens that are none, or were made for something else.
#[rstest]
#[tokio::test]
async fn what_is_no_session_is_refused(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, _, world) = world(&app).await;
    let mut forged = owner.token.clone();
    forged.pop();
    let key = &world.key.secret;
    let mistyped = format!("{}x", &key[..key.len() - 1]);
    for token in ["", "x", "a.b.c", &forged, &world.held.token, &mistyped] {
        assert_eq!(status(&app, token).await, StatusCode::UNAUTHORIZED, "`{token}`");
    }
    assert_eq!(status(&app, key).await, StatusCode::OK, "a key is somebody, though no user");
    let deleted = "mutation($id: ID!) {
        deleteProvisionerKey(input: { provisionerKeyId: $id }) { userErrors { message } }
    }";
    app.run(&world.admin, deleted, json!({ "id": world.key.id })).await;
    assert_eq!(status(&app, key).await, StatusCode::UNAUTHORIZED);
}
