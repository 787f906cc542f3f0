//! Every GraphQL document of the pages, run in their order.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{blocks, pages};
use crate::support::{Backend, Person, TestApp};

/// Puts the values of earlier answers in place of `<path>`.
fn fill(value: &mut Value, known: &Value, place: &str) {
    match value {
        Value::String(text) => {
            if let Some(path) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
                let pointer = format!("/{}", path.replace('.', "/"));
                let found = known.pointer(&pointer).filter(|found| !found.is_null());
                *value = found.unwrap_or_else(|| panic!("{place}: nothing has answered <{path}>")).clone();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, known, place)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, known, place)),
        _ => {}
    }
}

/// User errors, wherever they are in an answer.
fn user_errors(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Array(errors) if name == "userErrors" => errors.iter().collect(),
                value => user_errors(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(user_errors).collect(),
        _ => Vec::new(),
    }
}

/// Documents run in the order of their page, as who signed in last; `anonymous` and `daemon` behind the fence say
/// otherwise, and `refused` that user errors are what is meant, `stream` that it is followed to its
/// end, `first` that it is followed to its first event.
#[tokio::test]
async fn every_document_does_what_its_page_says() {
    let mut ran = 0;
    for (page, text) in pages() {
        let blocks = blocks(&page, &text);
        if !blocks.iter().any(|block| block.is("graphql")) {
            continue;
        }
        let app = TestApp::start(Backend::Sqlite).await.unwrap();
        let mut known = json!({ "setup-token": app.app.setup_token().unwrap().expose_secret() });
        known["beginning"] = app.app.event_cursor().await.unwrap().into();
        let mut token: Option<String> = None;
        for (at, block) in blocks.iter().enumerate().filter(|(_, block)| block.is("graphql")) {
            let place = &block.place;
            let mut variables = match blocks.get(at + 1).filter(|next| next.is("json")) {
                Some(next) => {
                    serde_json::from_str(&next.text).unwrap_or_else(|error| panic!("{}: {error}", next.place))
                }
                None => json!({}),
            };
            fill(&mut variables, &known, place);
            let bearer = match &token {
                _ if block.says("anonymous") => None,
                _ if block.says("daemon") => {
                    known.pointer("/createProvisionerKey/secret").and_then(Value::as_str)
                }
                token => token.as_deref(),
            };
            if block.says("first") {
                let mut stream = app.follow(bearer.unwrap_or_default(), &block.text, variables, None).await;
                let sent = stream.next().await;
                assert!(!format!("{sent:?}").contains("errors"), "{place}: {sent:?}");
                ran += 1;
                continue;
            }
            if block.says("stream") {
                let events = follow(&app, bearer, &block.text, &variables).await;
                assert!(
                    events.contains("event: next") && events.contains("event: complete"),
                    "{place}: {events}"
                );
                assert!(!events.contains("\"errors\""), "{place}: {events}");
                ran += 1;
                continue;
            }
            let body = app.graphql(bearer, &block.text, variables).await;
            assert!(body.get("errors").is_none(), "{place}: {body:#}");
            let refused = user_errors(&body["data"]);
            assert_eq!(!refused.is_empty(), block.says("refused"), "{place}: {body:#}");
            ran += 1;
            if !refused.is_empty() {
                continue;
            }
            let data = body["data"].as_object().unwrap().clone();
            if let Some(opened) = data.values().find_map(|payload| payload["token"].as_str()) {
                token = Some(opened.to_owned());
                if known.get("file").is_none() {
                    let person =
                        Person { id: String::new(), username: String::new(), token: opened.to_owned() };
                    known["file"] = app.upload(&person).await.into();
                }
            }
            remember(&mut known, data);
        }
    }
    assert!(ran >= 20, "only {ran} documents were found");
}

/// The whole of an event stream.
async fn follow(app: &TestApp, token: Option<&str>, query: &str, variables: &Value) -> String {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.unwrap_or_default()))
        .body(Body::from(json!({ "query": query, "variables": variables }).to_string()))
        .unwrap();
    let (status, body) = tokio::time::timeout(Duration::from_secs(30), app.send(request)).await.unwrap();
    assert!(status.is_success(), "{status}");
    String::from_utf8(body).unwrap()
}

fn remember(known: &mut Value, data: Map<String, Value>) {
    known.as_object_mut().expect("it was made as an object").extend(data);
}
