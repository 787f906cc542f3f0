//! Event streams.

use std::sync::atomic::Ordering;

use axum::body::Body;
use futures_util::StreamExt as _;
use guildhall_front::{Ended, Limits, StreamLimits};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::{
    client::{router, send, soon},
    support::{self, free},
};

fn subscribe(query: &str) -> Request<Body> {
    Request::post("/graphql/stream")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream")
        .body(Body::from(json!({"query": query}).to_string()))
        .unwrap()
}

#[tokio::test]
async fn a_subscription_is_streamed_and_completes() {
    let reply = soon(send(&router(), subscribe("subscription { ticks(count: 2) }"))).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::OK, "text/event-stream; charset=utf-8")
    );
    let events = [
        "id: 1\nevent: next\ndata: {\"data\":{\"ticks\":1}}\n\n",
        "id: 2\nevent: next\ndata: {\"data\":{\"ticks\":2}}\n\n",
        "event: complete\ndata:\n\n",
    ];
    assert_eq!(reply.text, events.concat());
}

/// What happens from the moment on in which the client knows of its stream is an event of it.
#[tokio::test]
async fn a_subscription_is_prepared_before_it_is_answered() {
    let front = support::front(free());
    let response = front.router().oneshot(subscribe("subscription { ticks(count: 2) }")).await.unwrap();
    // Nothing else has run on this thread since.
    assert_eq!(front.host().prepared.load(Ordering::Relaxed), 1);
    soon(response.into_body().collect()).await.unwrap();
    assert_eq!(front.host().prepared.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event() {
    let mut request = subscribe("subscription { ticks(count: 3) }");
    request.headers_mut().insert("last-event-id", "2".parse().unwrap());
    let reply = soon(send(&router(), request)).await;
    assert_eq!(
        reply.text,
        "id: 3\nevent: next\ndata: {\"data\":{\"ticks\":3}}\n\nevent: complete\ndata:\n\n"
    );
}

#[tokio::test]
async fn queries_and_refusals_are_events_too() {
    let reply = soon(send(&router(), subscribe("{ hello }"))).await;
    assert_eq!(
        reply.text,
        "event: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\nevent: complete\ndata:\n\n"
    );
    let reply = soon(send(&router(), subscribe("{ nope }"))).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(
        reply.text.starts_with("event: next\ndata: {\"errors\":[")
            && reply.text.ends_with("event: complete\ndata:\n\n")
    );
    assert!(!reply.text.contains("\"data\":{"));
    let reply = soon(send(&router(), subscribe("subscription { panicking }"))).await;
    assert!(
        reply.text.contains("INTERNAL_SERVER_ERROR") && reply.text.ends_with("event: complete\ndata:\n\n"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn the_main_endpoint_streams_subscriptions_to_clients_that_read_streams() {
    let mut request = subscribe("subscription { ticks(count: 1) }");
    *request.uri_mut() = "/graphql".parse().unwrap();
    let accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
    request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
    let reply = soon(send(&router(), request)).await;
    assert!(reply.text.contains("event: next"), "{}", reply.text);
}

#[tokio::test]
async fn an_idle_stream_sends_comments() {
    let limits =
        Limits { streams: StreamLimits { comment_interval_ms: 10, ..StreamLimits::default() }, ..free() };
    let response =
        tower::ServiceExt::oneshot(crate::client::router_with(limits), subscribe("subscription { idle }"))
            .await
            .unwrap();
    let mut body = response.into_body().into_data_stream();
    let first = soon(body.next()).await.unwrap().unwrap();
    assert_eq!(first, ":\n\n");
}

#[tokio::test]
async fn a_stream_ends_with_its_session_or_the_server() {
    for suspended in [true, false] {
        let front = support::front(free());
        let response =
            tower::ServiceExt::oneshot(front.router(), subscribe("subscription { idle }")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        if suspended {
            front.host().ended.send_replace(Some(Ended::Suspended));
        } else {
            front.close_streams();
        }
        let text = soon(response.into_body().collect()).await.unwrap().to_bytes();
        assert_eq!(String::from_utf8_lossy(&text).contains("The account was suspended."), suspended);
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped() {
    let streams = StreamLimits { slow_reader_ms: 20, queue: 2, connections: 1, ..StreamLimits::default() };
    let router = crate::client::router_with(Limits { streams, ..free() });
    let unread = tower::ServiceExt::oneshot(router.clone(), subscribe("subscription { flood(bytes: 1000) }"))
        .await
        .unwrap();
    // The only place for a stream is free again once the slow one is gone.
    soon(async {
        while send(&router, subscribe("{ hello }")).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(unread);
}

#[tokio::test]
async fn streams_are_limited_in_number() {
    let streams = StreamLimits { connections: 1, ..StreamLimits::default() };
    let router = crate::client::router_with(Limits { streams, ..free() });
    let open = tower::ServiceExt::oneshot(router.clone(), subscribe("subscription { idle }")).await.unwrap();
    let reply = send(&router, subscribe("subscription { idle }")).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    drop(open);
}
