//! What whoever runs the server sets and sees: limits, persisted documents, metrics.

use axum::body::Body;
use guildhall::app::{App, Options};
use guildhall::clock::Clock;
use guildhall_front::{Limits, PersistedDocuments, PersistedMode};
use http::{Request, header};
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::process::Server;
use crate::support::{Backend, TestApp, start_of_time};

/// The status and body of one request to a server with these options.
pub(crate) async fn ask(options: Options, body: Value) -> (u16, Value) {
    let folder = tempfile::tempdir().unwrap();
    let database = guildhall::db::Settings::Sqlite { path: folder.path().join("guildhall.db"), readers: 2 };
    let (clock, _hand) = Clock::fixed(start_of_time(), 1);
    let app = App::open(folder.path(), &database, clock, options).await.unwrap();
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = app.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_limit_that_was_set_holds_and_is_told() {
    let limits = Limits { depth: 2, ..Options::default().limits };
    let (status, answer) = ask(
        Options { limits, ..Options::default() },
        json!({ "query": "{ organizations(first: 1) { nodes { name } } }" }),
    )
    .await;
    assert_eq!(status, 400);
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!((&extensions["limit"], &extensions["actual"]), (&json!(2), &json!(3)), "{answer:#}");
}

/// The forms of manifest that client generators write, each with the id that their clients then send.
#[rstest]
#[case::code_generator(r#"{ "sha256:ID": "TEXT" }"#, json!({ "documentId": "sha256:ID" }))]
#[case::relay(r#"{ "ID": "TEXT" }"#, json!({ "documentId": "ID" }))]
#[case::apollo(
    r#"{ "format": "apollo-persisted-query-manifest", "version": 1,
         "operations": [{ "id": "ID", "name": "Who", "type": "query", "body": "TEXT" }] }"#,
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "ID" } } })
)]
#[tokio::test]
async fn only_documents_of_the_manifest_run_where_that_is_enforced(
    #[case] manifest: &str,
    #[case] request: Value,
) {
    let text = "query Who { deployment { __typename } }";
    let id = guildhall_front::Digest::of(text).to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    std::fs::write(&path, manifest.replace("ID", &id).replace("TEXT", text)).unwrap();
    let options = || {
        let mut documents = PersistedDocuments::new(PersistedMode::Enforce, 1 << 20);
        assert_eq!(documents.load(&path).unwrap(), 1);
        Options { documents, ..Options::default() }
    };
    let request: Value = serde_json::from_str(&request.to_string().replace("ID", &id)).unwrap();
    assert_eq!(
        ask(options(), request).await,
        (200, json!({ "data": { "deployment": { "__typename": "Deployment" } } }))
    );
    assert_eq!(ask(options(), json!({ "query": text })).await.0, 200);
    let (status, answer) = ask(options(), json!({ "query": "{ deployment { version } }" })).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (403, &json!("FORBIDDEN")));
}

/// They are refused for want of a token or of variables, if at all, and never as documents.
#[tokio::test]
async fn guildhalls_own_documents_are_valid_here() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    for text in guildhall_client::documents() {
        let answer = app.graphql(None, &text, json!({})).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert!(
            ["", "BAD_USER_INPUT", "UNAUTHENTICATED", "BAD_REQUEST"].contains(&code),
            "{text}\n{answer:#}"
        );
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(code != "BAD_REQUEST" || message.starts_with("Subscriptions need"), "{text}\n{answer:#}");
    }
}

/// Built-in provisioners and a person at a terminal, who is told why a document of another's does not run.
#[tokio::test]
async fn guildhalls_own_programs_work_where_documents_are_enforced() {
    let settings = [("GUILDHALL_PERSISTED_DOCUMENTS", "enforce"), ("GUILDHALL_BUILTIN_PROVISIONERS", "1")];
    let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
    let Some(mut server) = Server::start_with(Backend::Sqlite, settings).await else { return };
    let said = server.program.says("the provisioner is ready").await;
    assert_eq!(said.matches("only Guildhall's own command line").count(), 1, "{said}");
    let olga = server.owner().await;
    olga.ok(&["org", "list"]).await;
    let refused = olga.refused(5, &["api", "graphql", "-f", "query={ deployment { version } }"]).await;
    assert!(refused.contains("Only registered documents run here"), "{refused}");
}

#[tokio::test]
async fn documents_that_cannot_run_are_named_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ahead.json");
    let documents: serde_json::Map<_, _> =
        (0..25).map(|i| (format!("id{i}"), json!(format!("{{ ofTomorrow{i} }}")))).collect();
    std::fs::write(&path, Value::Object(documents).to_string()).unwrap();
    let settings = vec![
        ("GUILDHALL_PERSISTED_MANIFEST", path.to_str().unwrap().to_owned()),
        ("GUILDHALL_BUILTIN_PROVISIONERS", "0".to_owned()),
    ];
    let Some(mut server) = Server::start_with(Backend::Sqlite, settings).await else { return };
    let said = server.program.says("further persisted documents can't run here").await;
    assert_eq!(said.matches("a persisted document can't run here").count(), 20, "{said}");
    for part in ["ahead.json", "id0", "ofTomorrow0", "more=5"] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
}

#[tokio::test]
async fn a_manifest_of_the_documents_of_this_version_is_printed() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_guildhall"))
        .args(["schema", "--client-documents"])
        .output()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    std::fs::write(&path, output.stdout).unwrap();
    let mut documents = PersistedDocuments::new(PersistedMode::Enforce, 1 << 20);
    let texts = guildhall_client::documents();
    assert_eq!(documents.load(&path).unwrap(), texts.len());
    assert!(texts.iter().all(|text| documents.knows(text)));
}

#[rstest]
#[tokio::test]
async fn metrics_count_requests_by_names_of_bounded_number(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    for i in 0..250 {
        app.ok(&olga, &format!("query Q{i} {{ viewer {{ username }} }}"), json!({})).await;
    }
    app.graphql(Some(&olga.token), "query Wrong { nothing }", json!({})).await;
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = app.app.metrics_router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for line in [
        "guildhall_requests_total{operation=\"Q0\",kind=\"query\",code=\"\"} 1",
        "guildhall_requests_total{operation=\"other\",kind=\"query\",code=\"\"} 50",
        "guildhall_statements_total{operation=\"Q0\",kind=\"query\"} ",
        "guildhall_request_duration_seconds_bucket{le=\"0.001\",operation=\"Q0\",kind=\"query\"} ",
        "guildhall_jobs{state=\"PENDING\"} 0",
        "guildhall_database_read_connections{state=\"open\"} ",
        "guildhall_process_resident_memory_bytes ",
        "code=\"GRAPHQL_VALIDATION_FAILED\"} 1",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    let names =
        text.lines().filter(|line| line.starts_with("guildhall_requests_total{operation=\"Q")).count();
    assert_eq!(names, 200);

    // Not where everybody asks.
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.0, 404);
}
