//! Several servers over one PostgreSQL: what happens at one is heard at the others, and nothing is lost when they can't
//! hear each other.

use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::support::{Backend, TestApp};

const GROUPS: &str = "subscription($org: ID!, $after: String) {
    organizationEvents(organizationId: $org, resources: [GROUP], after: $after) {
      cursor kind node { ... on Group { name } }
    }
}";

#[tokio::test]
async fn what_happens_at_one_server_is_heard_at_the_other() {
    let Some(here) = TestApp::start(Backend::Postgres).await else { return };
    let there = here.beside().await;
    let owner = here.owner().await;
    let org = here.organization(&owner, "alpha").await;
    here.settled_cursor(&owner).await;
    let mut at_both = [
        here.follow(&owner.token, GROUPS, json!({ "org": org.id }), None).await,
        there.follow(&owner.token, GROUPS, json!({ "org": org.id }), None).await,
    ];
    for number in 0..20 {
        let maker = if number % 2 == 0 { &here } else { &there };
        maker.group(&owner, &org, &format!("group-{number}"), &[]).await;
    }
    let mut cursors = Vec::new();
    for stream in &mut at_both {
        let mut told = Vec::new();
        for number in 0..20 {
            let event = stream.next().await;
            assert_eq!(event.data()["node"]["name"], json!(format!("group-{number}")));
            told.push(event.data()["cursor"].clone());
        }
        cursors.push(told);
    }
    assert_eq!(cursors[0], cursors[1], "a cursor of one server is one of the other");
    let after = &cursors[0][16];
    let mut resumed =
        there.follow(&owner.token, GROUPS, json!({ "org": org.id, "after": after }), None).await;
    for number in 17..20 {
        assert_eq!(resumed.next().await.data()["node"]["name"], json!(format!("group-{number}")));
    }
}

#[tokio::test]
async fn a_job_wakes_a_daemon_that_waits_at_another_server_and_its_log_reaches_a_third() {
    let Some(here) = TestApp::start(Backend::Postgres).await else { return };
    let there = here.beside().await;
    let owner = here.owner().await;
    let org = here.organization(&owner, "alpha").await;
    let key = here.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = here.daemon(&key, &org, "worker").await;
    let waiting = async {
        let began = tokio::time::Instant::now();
        let payload = there
            .as_daemon(
                &daemon.secret,
                "mutation($input: AcquireProvisionerJobInput!) {
                   acquireProvisionerJob(input: $input) { acquiredJob { id } userErrors { message } }
                 }",
                json!({ "provisionerDaemonId": daemon.id, "waitSeconds": 8 }),
            )
            .await;
        assert!(began.elapsed().as_secs() < 7, "it was not woken");
        payload["acquiredJob"]["id"].as_str().unwrap().to_owned()
    };
    let pushing = async {
        tokio::task::yield_now().await;
        here.template(&owner, &org, "docker-dev").await;
    };
    let (job, ()) = tokio::join!(waiting, pushing);

    let logs = "subscription($job: ID!) { provisionerJobLogs(jobId: $job) { log { sequence text } } }";
    let mut stream = here.follow(&owner.token, logs, json!({ "job": job }), None).await;
    let held = crate::support::daemon::HeldJob {
        id: job,
        token: String::new(),
        kind: "TEMPLATE_IMPORT".into(),
        task: json!(null),
        attempt: 1,
        next_log_sequence: 1,
    };
    for number in 1..=5 {
        there.append_logs(&daemon, &held, number, &["a line"]).await;
        let began = tokio::time::Instant::now();
        assert_eq!(stream.next().await.data()["log"]["sequence"], json!(number));
        assert!(began.elapsed().as_secs() < 5, "line {number} was found by looking, not by hearing");
    }
}

#[tokio::test]
async fn nothing_is_lost_while_servers_can_not_hear_each_other() {
    let Some(here) = TestApp::start(Backend::Postgres).await else { return };
    let there = here.beside().await;
    let guildhall::db::Settings::Postgres { url, .. } = &here.settings else { panic!("it is PostgreSQL") };
    let owner = here.owner().await;
    let org = here.organization(&owner, "alpha").await;
    here.settled_cursor(&owner).await;
    let mut stream = there.follow(&owner.token, GROUPS, json!({ "org": org.id }), None).await;
    let mut admin = PgConnection::connect(url.expose_secret()).await.unwrap();
    let mut ended = 0;
    for number in 0..12 {
        if number % 4 == 1 {
            ended += sqlx::query_scalar::<_, bool>(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where application_name = 'guildhall-listen' and datname = current_database()",
            )
            .fetch_all(&mut admin)
            .await
            .unwrap()
            .len();
        }
        here.group(&owner, &org, &format!("group-{number}"), &[]).await;
    }
    assert!(ended >= 2, "{ended} connections were ended");
    for number in 0..12 {
        assert_eq!(stream.next().await.data()["node"]["name"], json!(format!("group-{number}")));
    }
}

#[tokio::test]
async fn a_server_that_dies_after_its_commit_is_spoken_for_by_another() {
    let Some(here) = TestApp::start(Backend::Postgres).await else { return };
    let owner = here.owner().await;
    let org = here.organization(&owner, "alpha").await;
    here.settled_cursor(&owner).await;
    let mut stream = here.follow(&owner.token, GROUPS, json!({ "org": org.id }), None).await;
    // As another server leaves it that says no word any more.
    here.tables()
        .execute(
            "insert into event_pending (time, organization_id, kind, resource, subject_prefix, subject_id)
             select now(), id, 'DELETED', 'GROUP', 'grp', id from organization where name = 'alpha'",
        )
        .await;
    assert_eq!(stream.next().await.data()["kind"], "DELETED");
}
