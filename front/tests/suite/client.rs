//! How the tests talk to the front.

use std::time::Duration;

use ::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::{Router, body::Body};
use guildhall_front::{Limits, ListenerLimits, serve};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::ServiceExt as _;

use crate::support::{self, TestFront};

pub(crate) const NEW: &str = "application/graphql-response+json";
pub(crate) const OLD: &str = "application/json";

/// A response with its body read.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or("-").to_owned()
    }

    /// The message of the first error.
    pub(crate) fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or("-").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn router() -> Router {
    support::front(support::free()).router()
}

pub(crate) fn router_with(limits: Limits) -> Router {
    support::front(limits).router()
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A POST of a JSON body with the new media type.
pub(crate) fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header(header::CONTENT_TYPE, OLD)
        .header(header::ACCEPT, NEW)
        .body(body.into())
        .unwrap()
}

pub(crate) async fn query(router: &Router, text: &str) -> Reply {
    send(router, post(json!({"query": text}).to_string())).await
}

pub(crate) async fn query_with(router: &Router, text: &str, variables: Value) -> Reply {
    send(router, post(json!({"query": text, "variables": variables}).to_string())).await
}

pub(crate) fn get(query: &str) -> Request<Body> {
    Request::builder()
        .method(Method::GET)
        .uri(format!("/graphql?{query}"))
        .header(header::ACCEPT, NEW)
        .body(Body::empty())
        .unwrap()
}

/// A front that listens; it ends with this value.
pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) front: TestFront,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: AbortOnDropHandle<()>,
}

pub(crate) async fn listen(limits: Limits, listener_limits: ListenerLimits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (front, shutdown) = (support::front(limits), CancellationToken::new());
    let task = tokio::spawn(serve(listener, front.router(), listener_limits, shutdown.clone()));
    Server { address, front, shutdown, task: AbortOnDropHandle::new(task) }
}

/// Bounds whatever a test waits for.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it happens within ten seconds")
}
