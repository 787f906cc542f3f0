//! Persisted documents over HTTP.

use std::io::Write as _;

use axum::Router;
use guildhall_front::{Digest, Front, Limits, PersistedDocuments, PersistedMode};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    client::{Reply, post, send},
    support,
};

const KNOWN: &str = "query Known { hello }";

fn with(mode: PersistedMode) -> Router {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "{}", json!({"sha256:abc": KNOWN})).unwrap();
    let mut documents = PersistedDocuments::new(mode, 1 << 20);
    assert_eq!(documents.load(file.path()).unwrap(), 1);
    let schema = support::schema();
    let sdl = schema.sdl();
    let limits = Limits { rate_points_per_minute: 0, ..Limits::default() };
    Front::with_documents(support::TestHost::default(), schema, &sdl, limits, documents).unwrap().router()
}

async fn ask(router: &Router, body: Value) -> Reply {
    send(router, post(body.to_string())).await
}

#[tokio::test]
async fn documents_of_the_manifest_run_by_id() {
    for mode in [PersistedMode::Off, PersistedMode::Observe, PersistedMode::Enforce] {
        let router = with(mode);
        for id in
            ["sha256:abc".to_owned(), format!("sha256:{}", Digest::of(KNOWN)), Digest::of(KNOWN).to_string()]
        {
            assert_eq!(ask(&router, json!({"documentId": id})).await.text, r#"{"data":{"hello":"world"}}"#);
        }
        let reply = ask(&router, json!({"documentId": "sha256:nope"})).await;
        assert_eq!(
            (reply.code().as_str(), reply.message().as_str()),
            ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        );
    }
}

#[tokio::test]
async fn enforcing_refuses_other_documents() {
    let router = with(PersistedMode::Enforce);
    assert_eq!(ask(&router, json!({"query": KNOWN})).await.status, StatusCode::OK);
    let reply = ask(&router, json!({"query": "{ hello }"})).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "FORBIDDEN"));
    assert_eq!(
        ask(&with(PersistedMode::Observe), json!({"query": "{ hello }"})).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn apollos_clients_register_what_they_send_again() {
    let router = with(PersistedMode::Off);
    let text = "{ a: hello }";
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": Digest::of(text).to_string()}});
    assert_eq!(ask(&router, json!({"extensions": extensions})).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(
        ask(&router, json!({"query": text, "extensions": extensions})).await.text,
        r#"{"data":{"a":"world"}}"#
    );
    assert_eq!(ask(&router, json!({"extensions": extensions})).await.text, r#"{"data":{"a":"world"}}"#);
    let wrong = json!({"persistedQuery": {"version": 1, "sha256Hash": Digest::of("x").to_string()}});
    assert_eq!(ask(&router, json!({"query": text, "extensions": wrong})).await.code(), "BAD_REQUEST");
    // Nothing is kept that did not pass validation.
    let invalid = "{ nope }";
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": Digest::of(invalid).to_string()}});
    assert_eq!(
        ask(&router, json!({"query": invalid, "extensions": extensions})).await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert_eq!(ask(&router, json!({"extensions": extensions})).await.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn other_versions_of_apollos_extension_are_refused() {
    let router = with(PersistedMode::Off);
    let text = "{ v: hello }";
    for (version, status) in [
        (json!(1), StatusCode::OK),
        (json!(2), StatusCode::BAD_REQUEST),
        (json!("1"), StatusCode::BAD_REQUEST),
        (json!(null), StatusCode::OK),
    ] {
        let extension = json!({"version": version, "sha256Hash": Digest::of(text).to_string()});
        let reply = ask(&router, json!({"query": text, "extensions": {"persistedQuery": extension}})).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == StatusCode::BAD_REQUEST {
            assert_eq!((reply.code().as_str(), reply.message().contains("must be 1")), ("BAD_REQUEST", true));
        }
    }
    let extension = json!({"sha256Hash": Digest::of(text).to_string()});
    let reply = ask(&router, json!({"extensions": {"persistedQuery": extension}})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}
