//! Streams of servers that may die at any moment: event streams, and sockets.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// How a subscription comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transport {
    /// As server-sent events.
    Events,
    /// Over a WebSocket.
    Socket,
}

impl Transport {
    /// Each for every other one.
    pub(super) fn of(number: usize) -> Self {
        if number.is_multiple_of(2) { Self::Events } else { Self::Socket }
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The subscription is at its end.
    Complete,
    /// The server died or shut down, or its database was busy: it is asked again.
    Broken,
}

/// Where streams are opened, and by whom.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) url: String,
    pub(super) token: String,
}

impl Source {
    /// Follows a subscription of one field; `told` gets what it tells.
    pub(super) async fn read(
        &self,
        transport: Transport,
        document: &str,
        variables: Value,
        told: impl FnMut(&Value),
    ) -> End {
        let body = json!({ "query": document, "variables": variables });
        let read = match transport {
            Transport::Events => self.events(body, told).await,
            Transport::Socket => self.socket(body, told).await,
        };
        read.unwrap_or(End::Broken)
    }

    /// `None` when it breaks off.
    async fn events(&self, body: Value, mut told: impl FnMut(&Value)) -> Option<End> {
        let request = reqwest::Client::new()
            .post(format!("{}/graphql", self.url))
            .header("accept", "text/event-stream")
            .bearer_auth(&self.token)
            .json(&body);
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        let (mut bytes, mut buffer) = (answer.bytes_stream(), Vec::new());
        while let Some(Ok(more)) = bytes.next().await {
            buffer.extend_from_slice(&more);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = buffer.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                match field("event:") {
                    Some("next") => told(&field_of(&serde_json::from_str(field("data:")?).unwrap())?),
                    Some("complete") => return Some(End::Complete),
                    _ => {}
                }
            }
        }
        None
    }

    /// `None` when it breaks off.
    async fn socket(&self, body: Value, mut told: impl FnMut(&Value)) -> Option<End> {
        let url = format!("{}/graphql", self.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (mut socket, _) = connect_async(request).await.ok()?;
        let authorization = json!({ "authorization": format!("Bearer {}", self.token) });
        let init = json!({ "type": "connection_init", "payload": authorization });
        socket.send(Message::text(init.to_string())).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            match message["type"].as_str().unwrap() {
                "connection_ack" => {
                    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": body });
                    socket.send(Message::text(subscribe.to_string())).await.ok()?;
                }
                "next" => told(&field_of(&message["payload"])?),
                "complete" => return Some(End::Complete),
                "error" => return None,
                _ => {}
            }
        }
        None
    }
}

/// What the only field of an answer says; `None` of one that went wrong.
fn field_of(answer: &Value) -> Option<Value> {
    let field = answer["data"].as_object()?.values().next()?;
    field.is_object().then(|| field.clone())
}
