//! The outbox never hides anything behind a cursor: numbers are given in the order in which they can be read, without
//! holes, and what is no longer there is said to be missing.

use chrono::TimeDelta;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{Sent, until};
use crate::support::{Backend, TestApp};

const FOLLOW: &str = "subscription($after: String, $org: ID!) {
    organizationEvents(organizationId: $org, after: $after) { cursor kind resource subjectId }
}";

/// What a transaction of some server leaves: an event of a group of this number.
fn event(org: &str, number: u8) -> String {
    format!(
        "insert into event_pending (time, organization_id, kind, resource, subject_prefix, subject_id)
         select now(), id, 'DELETED', 'GROUP', 'grp', '00000000-0000-7000-8000-0000000000{number:02x}'::uuid
         from organization where name = '{org}'"
    )
}

#[tokio::test]
async fn a_later_number_that_commits_first_hides_nothing() {
    let Some(app) = TestApp::start(Backend::Postgres).await else { return };
    let guildhall::db::Settings::Postgres { url, .. } = &app.settings else { panic!("it is PostgreSQL") };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let cursor = app.settled_cursor(&owner).await;
    let mut stream = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": cursor }), None).await;

    let mut slow = PgConnection::connect(url.expose_secret()).await.unwrap();
    let mut fast = PgConnection::connect(url.expose_secret()).await.unwrap();
    let mut early = slow.begin().await.unwrap();
    early.execute(sqlx::AssertSqlSafe(event("alpha", 1))).await.unwrap();
    // It draws the later number, and is there first.
    fast.execute(sqlx::AssertSqlSafe(event("alpha", 2))).await.unwrap();
    let second = stream.next().await;
    assert!(second.data()["subjectId"].as_str().unwrap().ends_with("02"), "{second:?}");
    early.commit().await.unwrap();
    let first = stream.next().await;
    assert!(first.data()["subjectId"].as_str().unwrap().ends_with("01"), "{first:?}");

    // Who resumes after what they saw first sees what committed later, and it alone.
    let after = second.data()["cursor"].as_str().unwrap();
    let mut again = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": after }), None).await;
    assert_eq!(again.next().await.data(), first.data());
    assert!(again.is_silent(std::time::Duration::from_millis(200)).await);
    let holes = "select cast(sequence as text) from event e where sequence > 1 and not exists
        (select 1 from event f where f.sequence = e.sequence - 1)";
    assert_eq!(app.tables().texts(holes).await, [""; 0]);
}

#[rstest]
#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let old = app.settled_cursor(&owner).await;
    let org = app.organization(&owner, "alpha").await;
    app.clock.advance(TimeDelta::days(1));
    app.group(&owner, &org, "early", &[]).await;
    let kept = app.settled_cursor(&owner).await;
    app.clock.advance(TimeDelta::days(1));
    app.group(&owner, &org, "late", &[]).await;
    app.settled_cursor(&owner).await;
    assert!(app.app.forget_events(1).await.unwrap() > 0);
    assert_eq!(app.app.forget_events(1).await.unwrap(), 0);

    let mut lost = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": old }), None).await;
    let said = lost.next().await;
    assert_eq!(said.code(), "CONFLICT", "{said:?}");
    assert!(format!("{said:?}").contains("eventCursor"), "it says what to do: {said:?}");
    assert_eq!(lost.next().await, Sent::Complete);

    let mut good = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": kept }), None).await;
    assert_eq!(good.next().await.data()["kind"], "CREATED");

    let mut garbled = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": "x" }), None).await;
    assert_eq!(garbled.next().await.code(), "BAD_USER_INPUT");
    // Of a database that has seen more: this one was set back.
    let ahead = app.settled_cursor(&owner).await;
    app.tables().execute("update outbox set last_sequence = last_sequence - 1").await;
    let mut ahead = app.follow(&owner.token, FOLLOW, json!({ "org": org.id, "after": ahead }), None).await;
    assert_eq!(ahead.next().await.code(), "BAD_USER_INPUT");
}

impl TestApp {
    /// The place after everything that has happened, once all of it is in the outbox.
    pub(crate) async fn settled_cursor(&self, person: &crate::support::Person) -> String {
        let (tables, hub) = (self.tables(), self.app.db().hub());
        // And told: what is told later would be heard by who follows from now on.
        until("the outbox", async || {
            tables.count("event_pending").await == 0
                && tables.texts("select cast(last_sequence as text) from outbox").await
                    == [hub.head().to_string()]
        })
        .await;
        self.event_cursor(&person.token).await
    }
}

/// PostgreSQL alone has locks that a reader waits for.
#[tokio::test]
async fn from_now_on_is_from_the_moment_in_which_the_server_answers() {
    let Some(app) = TestApp::start(Backend::Postgres).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    app.group(&owner, &org, "devs", &[]).await;
    app.settled_cursor(&owner).await;
    // The server has said that it follows, and can't yet look whether this person may.
    let guildhall::db::Settings::Postgres { url, .. } = &app.settings else { panic!("it is PostgreSQL") };
    let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
    let lock = "begin; lock table organization in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
    let groups = "subscription($org: ID!) {
        organizationEvents(organizationId: $org, resources: [GROUP]) { node { ... on Group { name } } } }";
    let mut stream = app.follow(&owner.token, groups, json!({ "org": org.id }), None).await;
    // Something happens meanwhile: the same as before once more, and everybody else is told.
    let columns =
        "time, organization_id, kind, resource, subject_prefix, subject_id, parent_id, audit_log_id";
    let again = format!(
        "insert into event_pending ({columns}) select {columns} from event
         where resource = 'GROUP' order by sequence desc limit 1"
    );
    app.tables().execute(&again).await;
    app.settled_cursor(&owner).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    sqlx::raw_sql("rollback").execute(&mut connection).await.unwrap();
    assert_eq!(stream.next().await.data()["node"]["name"], "devs");
}
