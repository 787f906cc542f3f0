//! Persisted documents over HTTP.

use std::io::Write as _;

use axum::Router;
use guildhall_front::{Digest, Front, Limits, ManifestError, PersistedDocuments, PersistedMode};
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::{
    client::{Reply, get, post, send},
    support,
};

const KNOWN: &str = "query Known { hello }";

fn manifest(documents: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "{documents}").unwrap();
    file
}

fn front(mode: PersistedMode, documents: &Value) -> Front<support::TestHost, support::TestSchema> {
    let mut known = PersistedDocuments::new(mode, 1 << 20);
    let count = known.load(manifest(documents).path()).unwrap();
    assert_eq!(count, documents.as_object().unwrap().len());
    let schema = support::schema();
    let sdl = schema.sdl();
    let limits = Limits { rate_points_per_minute: 0, ..Limits::default() };
    Front::with_documents(support::TestHost::default(), schema, &sdl, limits, known).unwrap()
}

fn with(mode: PersistedMode) -> Router {
    front(mode, &json!({"ab12": KNOWN})).router()
}

async fn ask(router: &Router, body: Value) -> Reply {
    send(router, post(body.to_string())).await
}

#[tokio::test]
async fn documents_of_the_manifest_run_by_id() {
    for mode in [PersistedMode::Off, PersistedMode::Observe, PersistedMode::Enforce] {
        let router = with(mode);
        for id in ["ab12".to_owned(), format!("sha256:{}", Digest::of(KNOWN)), Digest::of(KNOWN).to_string()]
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

#[test]
fn an_id_names_one_document() {
    let (first, second) = (manifest(&json!({"ab12": KNOWN})), manifest(&json!({"ab12": "{ hello }"})));
    let mut documents = PersistedDocuments::new(PersistedMode::Off, 1 << 20);
    documents.load(first.path()).unwrap();
    assert_eq!(documents.load(first.path()).unwrap(), 1, "the same document again");
    let error = documents.load(second.path()).unwrap_err();
    assert!(matches!(error, ManifestError::Conflict { .. }), "{error}");
    let said = error.to_string();
    for part in ["`ab12`", first.path().to_str().unwrap(), second.path().to_str().unwrap()] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    // JSON has objects with a name that is there twice, and readers that take the last one.
    for text in [
        r#"{"cd34": "{ hello }", "cd34": "{ a: hello }"}"#,
        r#"{"operations": [{"id": "cd34", "body": "{ hello }"}, {"id": "cd34", "body": "{ a: hello }"}]}"#,
    ] {
        let mut file = NamedTempFile::new().unwrap();
        write!(file, "{text}").unwrap();
        let mut documents = PersistedDocuments::new(PersistedMode::Off, 1 << 20);
        let error = documents.load(file.path()).unwrap_err();
        assert!(matches!(error, ManifestError::Conflict { .. }), "{error}");
    }
}

#[test]
fn documents_that_cannot_run_are_told_and_stop_nothing() {
    let deep = format!("{{ {}a{} }}", "a { ".repeat(100), " }".repeat(100));
    let documents = json!({"good": KNOWN, "ahead": "{ ofTomorrow }", "broken": "{ hello", "deep": deep});
    let unfit = front(PersistedMode::Enforce, &documents).unfit_documents();
    let ids: Vec<&str> = unfit.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, ["ahead", "broken", "deep"]);
    assert!(unfit[0].reason.contains("ofTomorrow"), "{unfit:?}");
    assert!(unfit.iter().all(|document| !document.reason.is_empty()), "{unfit:?}");
}

#[tokio::test]
async fn a_request_means_one_document() {
    let (known, other) = (Digest::of(KNOWN).to_string(), Digest::of("{ hello }").to_string());
    let apollo = |hash: &str| json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let ids = ["ab12".to_owned(), known.clone(), format!("sha256:{known}"), known.to_uppercase()];
    for mode in [PersistedMode::Off, PersistedMode::Observe, PersistedMode::Enforce] {
        let router = with(mode);
        for id in &ids {
            for body in [
                json!({"documentId": id, "query": KNOWN}),
                json!({"documentId": id, "extensions": apollo(&known)}),
                json!({"documentId": id, "query": KNOWN, "extensions": apollo(&known)}),
            ] {
                assert_eq!(ask(&router, body).await.text, r#"{"data":{"hello":"world"}}"#, "{id}");
            }
            for (body, names) in [
                (json!({"documentId": id, "query": "{ hello }"}), ["documentId", "query"]),
                (json!({"documentId": id, "extensions": apollo(&other)}), ["documentId", "sha256Hash"]),
                (json!({"query": KNOWN, "extensions": apollo(&other)}), ["sha256Hash", "query"]),
            ] {
                let reply = ask(&router, body).await;
                assert_eq!((reply.status, &*reply.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{id}");
                for name in names {
                    assert!(reply.message().contains(&format!("\"{name}\"")), "{}", reply.text);
                }
            }
        }
        let reply = send(&router, get("documentId=ab12&query=%7Bhello%7D")).await;
        assert_eq!((reply.status, &*reply.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
        let reply = send(&router, get("documentId=ab12&query=query%20Known%20%7B%20hello%20%7D")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    // A hash says what it is of, whether the document is known or not. Another id that is unknown is sent again with its
    // document, as clients do.
    let router = with(PersistedMode::Off);
    for (id, status) in [(&*other, StatusCode::BAD_REQUEST), ("unknown", StatusCode::OK)] {
        assert_eq!(
            ask(&router, json!({"documentId": id, "query": "{ a: hello }"})).await.status,
            status,
            "{id}"
        );
    }
}

#[tokio::test]
async fn what_cannot_name_a_document_is_refused_and_not_ignored() {
    let router = with(PersistedMode::Off);
    let digits = "0".repeat(63);
    for (extension, part) in [
        (json!("x"), "\"persistedQuery\" must be an object"),
        (json!([]), "\"persistedQuery\" must be an object"),
        (json!(true), "\"persistedQuery\" must be an object"),
        (json!({}), "\"sha256Hash\""),
        (json!({"version": 1}), "\"sha256Hash\""),
        (json!({"version": 1, "sha256Hash": null}), "\"sha256Hash\""),
        (json!({"version": 1, "sha256Hash": 7}), "\"sha256Hash\""),
        (json!({"version": 1, "sha256Hash": digits}), "\"sha256Hash\""),
        (json!({"version": 1, "sha256Hash": format!("{digits}g")}), "\"sha256Hash\""),
        (json!({"version": 1, "sha256Hash": format!("sha256:{}", Digest::of(KNOWN))}), "\"sha256Hash\""),
    ] {
        for body in [
            json!({"query": KNOWN, "extensions": {"persistedQuery": extension}}),
            json!({"documentId": "ab12", "extensions": {"persistedQuery": extension}}),
            json!({"extensions": {"persistedQuery": extension}}),
        ] {
            let reply = ask(&router, body).await;
            assert_eq!(
                (reply.status, &*reply.code()),
                (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
                "{extension}"
            );
            assert!(reply.message().contains(part), "{}", reply.text);
        }
    }
    let nothing = json!({"query": KNOWN, "extensions": {"persistedQuery": null}});
    assert_eq!(ask(&router, nothing).await.status, StatusCode::OK);

    for body in [json!({"documentId": ""}), json!({"documentId": "", "query": KNOWN})] {
        let reply = ask(&router, body).await;
        assert_eq!((reply.status, &*reply.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
        assert!(reply.message().contains("\"documentId\""), "{}", reply.text);
    }
    assert_eq!(send(&router, get("documentId=")).await.code(), "BAD_REQUEST");
}
