//! Sessions: people see where they are signed in, and end what they see; what has ended is refused with the next request.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::process::eventually;
use crate::support::{Backend, Person, TestApp};

const SESSIONS: &str = "{ viewer { sessions { totalCount nodes { id isCurrent userAgent createdAt expiresAt user { username } } } } }";

async fn is_in(app: &TestApp, person: &Person) -> bool {
    let body = app.graphql(Some(&person.token), "{ viewer { username } }", json!({})).await;
    if body.get("errors").is_some() {
        assert_eq!(code(&body), "UNAUTHENTICATED");
        return false;
    }
    true
}

#[rstest]
#[tokio::test]
async fn people_see_and_end_their_sessions(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let first = app.user(&owner, "ana", &[]).await;
    app.clock.advance(TimeDelta::hours(1));
    let second = app.sign_in("ana").await;
    let data = app.ok(&second, SESSIONS, json!({})).await;
    let sessions = &data["viewer"]["sessions"];
    let times: Vec<_> =
        sessions["nodes"].as_array().unwrap().iter().map(|one| one["createdAt"].clone()).collect();
    assert_eq!(times, ["2026-11-24T09:00:00.000000Z", "2026-11-24T08:00:00.000000Z"], "the latest first");
    assert_eq!(sessions["nodes"][0]["isCurrent"], true);
    assert_eq!(sessions["nodes"][1]["isCurrent"], false);
    assert_eq!(sessions["nodes"][0]["userAgent"], "guildhall-tests");
    assert_eq!(sessions["nodes"][0]["expiresAt"], "2026-12-01T09:00:00.000000Z");

    let old = json!({ "sessionId": sessions["nodes"][1]["id"] });
    app.done(&second.token, "revokeSession", "revokedSessionId", old.clone()).await;
    assert!(!is_in(&app, &first).await && is_in(&app, &second).await);
    let gone = app.refused(&second.token, "revokeSession", old).await;
    assert!(gone.is("NOT_FOUND", "input.sessionId"), "{gone:?}");

    // Nobody else's are there, but for who has the permission.
    let foreign = json!({ "sessionId": app.session(&owner).await });
    let refused = app.refused(&second.token, "revokeSession", foreign.clone()).await;
    assert!(refused.is("NOT_FOUND", "input.sessionId"), "{refused:?}");
    let auditor = app.user(&owner, "auditor", &["auditor"]).await;
    let query = "{ user(by: { username: \"ana\" }) { sessions { nodes { user { username } } } } }";
    let seen = app.ok(&auditor, query, json!({})).await;
    assert_eq!(seen["user"]["sessions"]["nodes"], json!([{ "user": { "username": "ana" } }]));
    assert_eq!(app.denied(Some(&auditor.token), "revokeSession", foreign).await, "FORBIDDEN");

    // What has expired is not shown, and forgotten with the next signing in.
    app.clock.advance(TimeDelta::days(7));
    let third = app.sign_in("ana").await;
    assert_eq!(app.ok(&third, SESSIONS, json!({})).await["viewer"]["sessions"]["totalCount"], 1);
    let rows = "select s.ip from session s join \"user\" u on u.id = s.user_id where u.username = 'ana'";
    assert_eq!(app.tables().texts(rows).await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn signing_out_everywhere_ends_them_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let first = app.user(&owner, "ana", &[]).await;
    let (second, third) = (app.sign_in("ana").await, app.sign_in("ana").await);
    let (_, token) = app.api_token(&first, json!({ "name": "ci" })).await;
    let kept =
        app.done(&second.token, "revokeAllSessions", "revokedCount", json!({ "keepCurrent": true })).await;
    assert_eq!(kept["revokedCount"], 2);
    assert!(!is_in(&app, &first).await && is_in(&app, &second).await && !is_in(&app, &third).await);
    let all = app.done(&second.token, "revokeAllSessions", "revokedCount", json!({})).await;
    assert_eq!(all["revokedCount"], 1);
    assert!(!is_in(&app, &second).await);
    assert!(is_in(&app, &owner).await && is_in(&app, &token).await, "others' sessions and one's tokens stay");

    // Of others: with the permission alone.
    let fourth = app.sign_in("ana").await;
    let mate = app.user(&owner, "mate", &[]).await;
    let of_ana = json!({ "userId": fourth.id });
    let refused = app.refused(&mate.token, "revokeAllSessions", of_ana.clone()).await;
    assert!(refused.is("NOT_FOUND", "input.userId"), "{refused:?}");
    let keeper = app.user(&owner, "keeper", &["user-admin"]).await;
    assert_eq!(app.denied(Some(&keeper.token), "revokeAllSessions", of_ana.clone()).await, "FORBIDDEN");
    app.done(&owner.token, "revokeAllSessions", "", of_ana).await;
    assert!(!is_in(&app, &fourth).await);
    let mut audit: Vec<Value> = Vec::new();
    for row in
        app.tables().texts("select resource_name from audit_log where action = 'SIGN_OUT' order by id").await
    {
        audit.push(json!(row));
    }
    assert_eq!(audit, ["ana", "ana", "ana"]);
}

#[rstest]
#[tokio::test]
async fn sessions_have_an_order_and_a_filter(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let first = app.user(&owner, "ana", &[]).await;
    app.clock.advance(TimeDelta::hours(1));
    let second = app.sign_in("ana").await;
    let (older, newer) = (app.session(&first).await, app.session(&second).await);
    // The older one is used once more; that is noted with the minute.
    app.clock.advance(TimeDelta::hours(1));
    app.session(&first).await;
    app.clock.advance(TimeDelta::minutes(2));
    let ids = async |arguments: &str| {
        let query =
            format!("{{ viewer {{ sessions(first: 5{arguments}) {{ totalCount nodes {{ id }} }} }} }}");
        let page = app.ok(&first, &query, json!({})).await["viewer"]["sessions"].clone();
        let nodes = page["nodes"].as_array().unwrap().clone();
        assert_eq!(page["totalCount"], nodes.len());
        nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Nobody waits for the note.
    let by_use = async || ids(", orderBy: LAST_USED_AT_DESC").await;
    eventually("the use to be noted", async || (by_use().await[0] == older).then_some(())).await;
    for (order, expected) in [
        ("CREATED_AT_DESC", [&newer, &older]),
        ("CREATED_AT_ASC", [&older, &newer]),
        ("LAST_USED_AT_DESC", [&older, &newer]),
        ("LAST_USED_AT_ASC", [&newer, &older]),
    ] {
        let found = ids(&format!(", orderBy: {order}")).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{order}");
    }
    app.tables()
        .execute(
            "update session set ip = '192.0.2.7' where created_at = (select max(created_at) from session)",
        )
        .await;
    assert_eq!(ids(", filter: { ip: \"192.0.2.7\" }").await, [newer]);
    assert_eq!(ids(", filter: { ip: \"192.0.2.%\" }").await, [""; 0]);
}
