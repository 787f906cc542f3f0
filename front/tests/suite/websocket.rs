//! Sockets, over a real connection.

use std::sync::atomic::Ordering;

use futures_util::{SinkExt as _, StreamExt as _};
use guildhall_front::{Ended, Limits, ListenerLimits, StreamLimits};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::{
    client::{Server, listen, soon},
    support::free,
};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(server: &Server) -> Self {
        let mut request = format!("ws://{}/graphql", server.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        Self(soon(connect_async(request)).await.unwrap().0)
    }

    async fn acked(server: &Server) -> Self {
        let mut socket = Self::open(server).await;
        socket.send(json!({"type": "connection_init"})).await;
        assert_eq!(socket.next().await, json!({"type": "connection_ack"}));
        socket
    }

    async fn send(&mut self, message: Value) {
        soon(self.0.send(Message::text(message.to_string()))).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    async fn next(&mut self) -> Value {
        loop {
            match soon(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The code the server closes with.
    async fn closed(&mut self) -> u16 {
        soon(async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                    Some(Ok(_)) => {}
                    other => panic!("the socket ended without a reason: {other:?}"),
                }
            }
        })
        .await
    }
}

async fn server(streams: StreamLimits) -> Server {
    listen(Limits { streams, ..free() }, ListenerLimits::default()).await
}

#[tokio::test]
async fn operations_run_side_by_side_and_ids_are_free_again() {
    let server = server(StreamLimits::default()).await;
    let mut socket = Socket::acked(&server).await;
    socket.subscribe("idle", "subscription { idle }").await;
    for _ in 0..20 {
        socket.subscribe("1", "subscription { ticks(count: 1) }").await;
        assert_eq!(
            socket.next().await,
            json!({"id": "1", "type": "next", "payload": {"data": {"ticks": 1}}})
        );
        assert_eq!(socket.next().await, json!({"id": "1", "type": "complete"}));
    }
    socket.subscribe("2", "{ nope }").await;
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("2")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    socket.subscribe("3", "subscription { panicking }").await;
    assert_eq!(socket.next().await["payload"]["data"]["panicking"], 0);
    assert_eq!(socket.next().await["payload"]["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(socket.next().await["type"], "complete");
    socket.subscribe("idle", "{ hello }").await;
    assert_eq!(socket.closed().await, 4409);
}

#[tokio::test]
async fn operations_of_a_socket_are_limited() {
    let server = server(StreamLimits { operations: 2, ..StreamLimits::default() }).await;
    let mut socket = Socket::acked(&server).await;
    for id in ["1", "2", "3"] {
        socket.subscribe(id, "subscription { idle }").await;
    }
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("3")));
    assert_eq!(message["payload"][0]["extensions"]["limit"], 2);
    socket.send(json!({"id": "1", "type": "complete"})).await;
    socket.subscribe("4", "{ hello }").await;
    assert_eq!(socket.next().await["payload"]["data"]["hello"], "world");
}

#[tokio::test]
async fn sockets_are_closed_for_what_the_protocol_says() {
    let server = server(StreamLimits { init_timeout_ms: 50, ..StreamLimits::default() }).await;
    assert_eq!(Socket::open(&server).await.closed().await, 4408);
    let mut socket = Socket::open(&server).await;
    socket.subscribe("1", "{ hello }").await;
    assert_eq!(socket.closed().await, 4401);
    let mut socket = Socket::open(&server).await;
    socket.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer bad"}})).await;
    assert_eq!(socket.closed().await, 4403);
    for (message, code) in [
        (json!({"type": "connection_init"}), 4429),
        (json!("nonsense"), 4400),
        (json!({"type": "zzz"}), 4400),
    ] {
        let mut socket = Socket::acked(&server).await;
        socket.send(message).await;
        assert_eq!(socket.closed().await, code);
    }
    let mut socket = Socket::acked(&server).await;
    soon(socket.0.send(Message::binary(vec![1, 2, 3]))).await.unwrap();
    assert_eq!(socket.closed().await, 4400);
}

#[tokio::test]
async fn the_token_of_the_first_message_counts() {
    let server = server(StreamLimits::default()).await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({"type": "connection_init", "payload": {"Authorization": "Bearer good"}})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    socket.subscribe("1", "{ secret }").await;
    assert_eq!(socket.next().await["payload"]["data"]["secret"], "42");
}

#[tokio::test]
async fn every_operation_is_recognised_anew() {
    let server = server(StreamLimits::default()).await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer fading"}})).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    socket.subscribe("1", "{ secret }").await;
    assert_eq!(socket.next().await["payload"]["data"]["secret"], "42");
    assert_eq!(socket.next().await["type"], "complete");
    server.front.host().faded.store(true, Ordering::Relaxed);
    for document in ["{ hello }", "subscription { ticks(count: 1) }"] {
        socket.subscribe("2", document).await;
        let message = socket.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("2")), "{message:#}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn the_server_pings_and_closes_silent_sockets() {
    let server = server(StreamLimits { ping_interval_ms: 30, ..StreamLimits::default() }).await;
    let mut socket = Socket::acked(&server).await;
    assert_eq!(socket.next().await, json!({"type": "ping"}));
    socket.send(json!({"type": "pong"})).await;
    assert_eq!(socket.next().await, json!({"type": "ping"}));
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn sessions_end_sockets() {
    for (why, code) in [(Some(Ended::Expired), 4401), (Some(Ended::Suspended), 4403), (None, 1001)] {
        let server = server(StreamLimits::default()).await;
        let mut socket = Socket::acked(&server).await;
        socket.subscribe("1", "subscription { idle }").await;
        match why {
            Some(why) => drop(server.front.host().ended.send_replace(Some(why))),
            None => server.front.close_streams(),
        }
        assert_eq!(socket.closed().await, code);
        drop(socket);
        server.front.close_streams();
        soon(server.front.streams_closed()).await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_does_not_hold_memory() {
    let server = server(StreamLimits { slow_reader_ms: 50, queue: 4, ..StreamLimits::default() }).await;
    let mut socket = Socket::acked(&server).await;
    socket.subscribe("1", "subscription { flood(bytes: 100000) }").await;
    // The end of the operation is reported to the host, although nobody reads.
    let records = server.front.host().records.clone();
    soon(async {
        while !records.lock().unwrap().iter().any(|line| line.starts_with("websocket")) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(socket);
}

#[tokio::test]
async fn an_operation_that_means_two_documents_is_refused() {
    let server = listen(Limits::default(), ListenerLimits::default()).await;
    let mut socket = Socket::acked(&server).await;
    let other = guildhall_front::Digest::of("{ a: hello }").to_string();
    for (id, payload) in [
        ("1", json!({"query": "{ hello }", "documentId": other})),
        ("2", json!({"query": "{ hello }", "extensions": {"persistedQuery": {"sha256Hash": other}}})),
        ("3", json!({"documentId": ""})),
    ] {
        socket.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
        let message = socket.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message:#}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "BAD_REQUEST", "{message:#}");
    }
}
