//! What a server tells of itself while it runs: traces to a collector, slow requests in its log.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::process::Server;

/// A collector of traces that keeps what it is sent. Ends with its test.
struct Collector {
    address: String,
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "it is ended when it is dropped")]
    async fn start() -> Self {
        let received = Arc::<Mutex<Vec<_>>>::default();
        let kept = received.clone();
        let router = Router::new().route(
            "/v1/traces",
            post(async move |body: Bytes| {
                kept.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, received, serving }
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    Some(match value {
        Any::StringValue(text) => text,
        Any::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

async fn ask(server: &Server, traceparent: Option<&str>, body: Value) -> Value {
    let mut request = reqwest::Client::new().post(format!("{}/graphql", server.url)).json(&body);
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    request.send().await.unwrap().json().await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_request_joins_the_trace_of_its_client(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let collector = Collector::start().await;
    let settings = vec![
        ("GUILDHALL_OTLP_ENDPOINT", collector.address.clone()),
        ("GUILDHALL_BUILTIN_PROVISIONERS", "0".to_owned()),
    ];
    let Some(mut server) = Server::start_with(backend, settings).await else { return };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let query = json!({ "query": "query Setup { deployment { setupRequired } }" });
    ask(&server, Some(&format!("00-{trace}-00f067aa0ba902b7-01")), query.clone()).await;
    // Sampled nowhere by its client, and so not here.
    let unsampled = "5bf92f3577b34da6a3ce929d0e0e4736";
    ask(&server, Some(&format!("00-{unsampled}-00f067aa0ba902b7-00")), query.clone()).await;
    ask(&server, None, json!({ "query": "{ nothing }" })).await;
    ask(&server, Some("nonsense"), query).await;
    server.program.terminate();
    assert!(server.program.ended().await.success(), "{}", server.program.said());

    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spans = collector.spans();
    let of = |id: &str| spans.iter().filter(|span| hex(&span.trace_id) == id).collect::<Vec<_>>();
    let joined = of(trace);
    let [request] = joined.iter().filter(|span| span.name == "query Setup").collect::<Vec<_>>()[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");
    for (key, value) in [
        ("graphql.operation.name", "Setup"),
        ("graphql.operation.type", "query"),
        ("http.response.status_code", "200"),
        ("guildhall.actor", "anonymous"),
        ("guildhall.statements", "1"),
    ] {
        assert_eq!(attribute(request, key).as_deref(), Some(value), "{key}: {request:#?}");
    }
    let statements: Vec<_> = joined.iter().filter(|span| span.parent_span_id == request.span_id).collect();
    assert_eq!(statements.len(), 1, "{joined:#?}");
    assert!(attribute(statements[0], "db.query.text").unwrap().starts_with("SELECT"), "{statements:#?}");
    assert_eq!(of(unsampled).len(), 0);
    let refused = spans.iter().find(|span| span.name == "GraphQL request").expect("the refused one");
    assert!(refused.parent_span_id.is_empty());
    let failed = |span: &Span| span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
    assert!(!spans.iter().any(failed), "a refused request is no fault: {spans:#?}");
    assert_eq!(spans.iter().filter(|span| span.name == "query Setup").count(), 2);
}

#[tokio::test]
async fn slow_requests_are_told_apart_by_their_document() {
    let settings = vec![
        ("GUILDHALL_SLOW_REQUEST_MS", "1".to_owned()),
        ("GUILDHALL_LOG_FORMAT", "json".to_owned()),
        ("GUILDHALL_BUILTIN_PROVISIONERS", "0".to_owned()),
    ];
    let Some(mut server) = Server::start_with(Backend::Sqlite, settings).await else { return };
    // A password is checked in more than a millisecond, whether its user exists or not.
    let text = "mutation Guess { signIn(input: { login: \"nobody\", password: \"a guess\" }) { token } }";
    ask(&server, None, json!({ "query": text })).await;
    let said = server.program.says("slow request").await;
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let slow = lines
        .filter(|line| line["target"] == "guildhall::slow")
        .find(|line| line["operation"] == "Guess")
        .unwrap_or_else(|| panic!("{said}"));
    assert_eq!(slow["level"], "WARN");
    assert_eq!(slow["document"], guildhall_front::Digest::of(text).to_string());
    assert!(slow["milliseconds"].as_f64().unwrap() >= 1.0, "{slow}");
    assert!(!said.contains("a guess"), "what was asked with is not logged: {said}");
}

#[tokio::test]
async fn an_endpoint_that_is_none_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_guildhall"))
        .args(["server", "--otlp-endpoint", "not a url", "--address", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .env_clear()
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("'not a url' for '--otlp-endpoint"), "{said}");
}
