//! Following a job's log: what is there, then what comes, each line once, until the job has ended.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Backend, Person, TestApp};

const FOLLOW: &str = "subscription($job: ID!, $after: String) {
    provisionerJobLogs(jobId: $job, after: $after) { cursor log { sequence text } }
}";

/// An event stream that has begun.
async fn open(app: &TestApp, person: &Person, variables: Value, last_event_id: Option<&str>) -> Body {
    let body = json!({ "query": FOLLOW, "variables": variables }).to_string();
    let mut request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream")
        .header(header::AUTHORIZATION, format!("Bearer {}", person.token));
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    app.app.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().into_body()
}

/// What a stream sends next; `None` when it has ended.
async fn next(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.unwrap()?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

/// Everything that an event stream sends until it ends.
async fn stream(
    app: &TestApp,
    person: &Person,
    variables: Value,
    last_event_id: Option<&str>,
) -> Vec<(String, Value)> {
    let body = open(app, person, variables, last_event_id).await;
    let bytes =
        tokio::time::timeout(Duration::from_secs(20), body.collect()).await.unwrap().unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split("\n\n")
        .filter_map(|event| {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let kind = field("event:")?;
            let data = field("data:").filter(|data| !data.is_empty());
            Some((kind.to_owned(), data.map_or(Value::Null, |data| serde_json::from_str(data).unwrap())))
        })
        .collect()
}

fn lines(events: &[(String, Value)]) -> Vec<i64> {
    let sequence =
        |(_, data): &(String, Value)| data["data"]["provisionerJobLogs"]["log"]["sequence"].as_i64();
    events.iter().filter_map(sequence).collect()
}

#[rstest]
#[tokio::test]
async fn a_log_is_followed_to_its_end_and_resumed_by_cursor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "worker").await;
    app.template(&owner, &org, "docker-dev").await;
    let job = app.acquire(&daemon).await.unwrap();
    app.append_logs(&daemon, &job, 1, &["one", "two"]).await;
    let follower = async { stream(&app, &owner, json!({ "job": job.id }), None).await };
    let worker = async {
        app.append_logs(&daemon, &job, 3, &["three"]).await;
        app.append_logs(&daemon, &job, 3, &["three", "four"]).await;
        app.fail(&daemon, &job, "PLAN_FAILED", "no plan").await;
    };
    let (events, ()) = tokio::join!(follower, worker);
    assert_eq!(lines(&events), [1, 2, 3, 4], "{events:#?}");
    assert_eq!(events.last().unwrap().0, "complete");
    let cursor = events[1].1["data"]["provisionerJobLogs"]["cursor"].as_str().unwrap();
    assert_eq!(lines(&stream(&app, &owner, json!({ "job": job.id, "after": cursor }), None).await), [3, 4]);
    assert_eq!(lines(&stream(&app, &owner, json!({ "job": job.id }), Some(cursor)).await), [3, 4]);

    // Somebody who can't see the job learns as much as of one that never was.
    let stranger = app.user(&owner, "stranger", &[]).await;
    let refused = stream(&app, &stranger, json!({ "job": job.id }), None).await;
    let missing = stream(&app, &stranger, json!({ "job": "job_01h455vb4pex5vsknk084sn02q" }), None).await;
    let code = |events: &[(String, Value)]| events[0].1["errors"][0]["extensions"]["code"].clone();
    assert_eq!(code(&refused), json!("NOT_FOUND"));
    assert_eq!(code(&refused), code(&missing));
    let garbled = stream(&app, &owner, json!({ "job": job.id, "after": "x" }), None).await;
    assert_eq!(code(&garbled), json!("BAD_USER_INPUT"));
}

/// What ends an open stream.
#[derive(Clone, Copy, Debug)]
enum End {
    Session,
    ApiToken,
    Suspension,
}

#[rstest]
#[tokio::test]
async fn a_stream_ends_when_its_reader_may_read_no_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(End::Session, End::ApiToken, End::Suspension)] end: End,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "worker").await;
    app.template(&owner, &org, "docker-dev").await;
    let job = app.acquire(&daemon).await.unwrap();
    app.append_logs(&daemon, &job, 1, &["one"]).await;
    let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
    let (token, bearer) = app.api_token(&ana, json!({ "name": "ci" })).await;
    let reader = if matches!(end, End::ApiToken) { &bearer } else { &ana };
    let session = app.session(&ana).await;
    let mut body = open(&app, reader, json!({ "job": job.id }), None).await;
    let mut text = String::new();
    while !text.contains("one") {
        text.push_str(&next(&mut body).await.unwrap());
    }
    match end {
        End::Session => {
            app.done(&ana.token, "revokeSession", "", json!({ "sessionId": session })).await;
        }
        End::ApiToken => {
            app.done(&ana.token, "revokeApiToken", "", json!({ "apiTokenId": token })).await;
        }
        End::Suspension => {
            app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'ana'").await;
        }
    }
    // The job goes on: what ends the stream is that its reader is nobody any more.
    app.append_logs(&daemon, &job, 2, &["two"]).await;
    while let Some(more) = next(&mut body).await {
        text.push_str(&more);
    }
    assert!(text.contains("UNAUTHENTICATED") && !text.contains("two"), "{text}");
    let body = app.graphql(Some(&reader.token), "{ viewer { id } }", json!({})).await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
