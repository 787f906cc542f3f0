//! Who reads what of the log, and what of it is kept.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Org, Person, TestApp};

const ENTRY: &str = "action resource resourceName status";

async fn log(app: &TestApp, person: &Person, filter: &str) -> Vec<String> {
    let query =
        format!("{{ auditLog(first: 100, orderBy: TIME_ASC{filter}) {{ totalCount nodes {{ {ENTRY} }} }} }}");
    let seen = &app.ok(person, &query, json!({})).await["auditLog"];
    let nodes = seen["nodes"].as_array().unwrap();
    assert_eq!(seen["totalCount"], nodes.len());
    let line = |node: &Value| {
        let text = |field: &str| node[field].as_str().unwrap().to_owned();
        format!("{} {} {} {}", text("status"), text("action"), text("resource"), text("resourceName"))
    };
    nodes.iter().map(line).collect()
}

async fn group(app: &TestApp, person: &Person, org: &Org, name: &str) -> Value {
    let input = json!({ "organizationId": org.id, "name": name, "quotaAllowance": 5 });
    app.call(Some(&person.token), "createGroup", "group { id }", input).await
}

#[rstest]
#[tokio::test]
async fn everybody_reads_what_their_role_reads(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let (alpha, beta) = (app.organization(&owner, "alpha").await, app.organization(&owner, "beta").await);
    let auditor = app.member_of(&owner, &alpha, "ada", &["organization-auditor"]).await;
    let member = app.member_of(&owner, &beta, "ben", &[]).await;
    group(&app, &owner, &alpha, "crew").await;
    group(&app, &owner, &beta, "staff").await;

    assert!(log(&app, &owner, "").await.contains(&"SUCCESS CREATE GROUP staff".to_owned()));
    let read = ["SUCCESS CREATE ORGANIZATION alpha", "SUCCESS CREATE MEMBER olga-owner"];
    let seen = log(&app, &auditor, "").await;
    assert_eq!(seen[..2], read);
    assert_eq!(seen[2..], ["SUCCESS CREATE MEMBER ada", "SUCCESS CREATE GROUP crew"]);
    // An empty log would say that nothing happened.
    let body = app.graphql(Some(&member.token), "{ auditLog { nodes { id } } }", json!({})).await;
    assert_eq!(crate::support::calls::code(&body), "FORBIDDEN");
    let of = "query($id: ID!) { organization(by: { id: $id }) { auditLog { nodes { id } } } }";
    let seen = app.ok(&auditor, of, json!({ "id": alpha.id })).await;
    assert_eq!(seen["organization"]["auditLog"]["nodes"].as_array().unwrap().len(), 4);
    let body = app.graphql(Some(&member.token), of, json!({ "id": beta.id })).await;
    assert_eq!(crate::support::calls::code(&body), "FORBIDDEN");
    // Nor is that of an organization that they see empty, for somebody who reads another one's.
    let filtered = "query($id: ID!) { auditLog(filter: { organizationId: $id }) { totalCount } }";
    let nothing = app.ok(&auditor, filtered, json!({ "id": beta.id })).await;
    assert_eq!(nothing["auditLog"]["totalCount"], 0, "they don't see it");
    app.join(&owner, &beta, &auditor, &[]).await;
    let body = app.graphql(Some(&auditor.token), filtered, json!({ "id": beta.id })).await;
    assert_eq!(crate::support::calls::code(&body), "FORBIDDEN");
    let own = app.ok(&auditor, filtered, json!({ "id": alpha.id })).await;
    assert_eq!(own["auditLog"]["totalCount"], 4);
    // An entry is a node, for those who read it.
    let id = seen["organization"]["auditLog"]["nodes"][0]["id"].clone();
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(app.ok(&auditor, node, json!({ "id": id })).await["node"]["id"], id);
    assert_eq!(app.ok(&member, node, json!({ "id": id })).await["node"], Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_filter_finds_what_it_says(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mia = app.member_of(&owner, &org, "mia", &["organization-user-admin"]).await;
    let made = group(&app, &mia, &org, "crew").await;
    let crew = made["data"]["createGroup"]["group"]["id"].as_str().unwrap();
    app.clock.advance(TimeDelta::hours(1));
    let input = json!({ "groupId": crew, "allowance": 7 });
    app.done(&mia.token, "setGroupQuota", "", input).await;
    let now = "2026-11-24T08:30:00Z";
    for (filter, expected) in [
        (
            format!("actorId: \"{}\"", mia.id),
            vec!["SUCCESS SIGN_IN TOKEN mia", "SUCCESS CREATE GROUP crew", "SUCCESS UPDATE QUOTA crew"],
        ),
        (format!("resourceId: \"{crew}\", action: CREATE"), vec!["SUCCESS CREATE GROUP crew"]),
        ("resource: QUOTA".into(), vec!["SUCCESS UPDATE QUOTA crew"]),
        (format!("from: \"{now}\""), vec!["SUCCESS UPDATE QUOTA crew"]),
        (format!("to: \"{now}\", resource: GROUP"), vec!["SUCCESS CREATE GROUP crew"]),
        (
            format!("organizationId: \"{}\", resource: MEMBER, status: SUCCESS", org.id),
            vec!["SUCCESS CREATE MEMBER olga-owner", "SUCCESS CREATE MEMBER mia"],
        ),
        ("status: DENIED".into(), vec![]),
        ("actorId: \"nobody\"".into(), vec![]),
        ("organizationId: \"nowhere\"".into(), vec![]),
    ] {
        assert_eq!(log(&app, &owner, &format!(", filter: {{ {filter} }}")).await, expected, "{filter}");
    }
    let query = "query($id: ID!) { auditLog(filter: { resourceId: $id }) { nodes {
        actor { kind id name user { username } } organization { name } resourceId requestId missingPermission
        changes { field before after } } } }";
    let seen = app.ok(&owner, query, json!({ "id": crew })).await;
    let entry = &seen["auditLog"]["nodes"][0];
    assert_eq!(entry["changes"], json!([{ "field": "quotaAllowance", "before": 5, "after": 7 }]));
    let actor = json!({ "kind": "USER", "id": mia.id, "name": "mia", "user": { "username": "mia" } });
    assert_eq!((&entry["actor"], &entry["resourceId"]), (&actor, &json!(crew)));
    assert_eq!(entry["organization"]["name"], "alpha");
    assert!(!entry["requestId"].as_str().unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn denials_are_noted_and_bounded(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let denied = async || log(&app, &owner, ", filter: { status: DENIED }").await.len();
    for name in ["one", "two", "three"] {
        group(&app, &mia, &org, name).await;
    }
    assert_eq!(denied().await, 1, "the same denial once a minute");
    let query = "{ auditLog(filter: { status: DENIED }) { nodes {
        actor { name } organization { name } missingPermission resourceId changes { field } } } }";
    let seen = app.ok(&owner, query, json!({})).await;
    let expected = json!({
        "actor": { "name": "mia" }, "organization": { "name": "alpha" }, "missingPermission": "GROUP_CREATE",
        "resourceId": null, "changes": [],
    });
    assert_eq!(seen["auditLog"]["nodes"][0], expected);
    app.denied(Some(&mia.token), "createOrganization", json!({ "name": "mine" })).await;
    assert_eq!(denied().await, 2, "another denial");
    app.clock.advance(TimeDelta::minutes(1));
    group(&app, &mia, &org, "four").await;
    assert_eq!(denied().await, 3, "the same a minute later");
    // What is read and denied, or asked by nobody, is no write.
    app.denied(None, "createOrganization", json!({ "name": "mine" })).await;
    let read = "query($id: ID!) { organization(by: { id: $id }) { quota { used } } }";
    app.graphql(Some(&mia.token), read, json!({ "id": org.id })).await;
    assert_eq!(denied().await, 3);
}

#[rstest]
#[tokio::test]
async fn what_is_older_than_its_time_is_forgotten(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    app.organization(&owner, "old").await;
    app.clock.advance(TimeDelta::days(2));
    app.organization(&owner, "young").await;
    assert_eq!(app.app.forget_audit_log(3).await.unwrap(), 0);
    assert!(app.app.forget_audit_log(1).await.unwrap() >= 2);
    assert_eq!(
        log(&app, &owner, "").await,
        ["SUCCESS CREATE ORGANIZATION young", "SUCCESS CREATE MEMBER olga-owner",]
    );
}
