//! What happens reaches who follows it: once each, in order, from any place on, at every server, and nobody who must not
//! see it.

mod cursors;
mod events;
mod idle;
mod logs;
mod order;
mod readers;
mod replicas;
mod sockets;

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::support::TestApp;

/// How long anything may take: much longer than it does.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open event stream.
#[derive(Debug)]
pub(crate) struct Stream {
    body: BodyDataStream,
    text: String,
}

/// What an event stream sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sent {
    /// An event with its id and the answer.
    Next(Option<String>, Value),
    /// The end.
    Complete,
}

impl Sent {
    /// The data of the only field.
    fn data(&self) -> &Value {
        let Self::Next(_, answer) = self else { panic!("the stream has ended") };
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].as_object().unwrap().values().next().unwrap()
    }

    /// The code of the error.
    fn code(&self) -> &str {
        let Self::Next(_, answer) = self else { panic!("the stream has ended") };
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer:#}"))
    }

    fn id(&self) -> &str {
        let Self::Next(Some(id), _) = self else { panic!("no id: {self:?}") };
        id
    }
}

impl TestApp {
    /// Follows a subscription, from the event of this id on.
    pub(crate) async fn follow(
        &self,
        token: &str,
        document: &str,
        variables: Value,
        last_event_id: Option<&str>,
    ) -> Stream {
        self.try_follow(Some(token), document, variables, last_event_id).await.unwrap()
    }

    /// The same of somebody whom the server may refuse at the door; answers what it says then.
    pub(crate) async fn try_follow(
        &self,
        token: Option<&str>,
        document: &str,
        variables: Value,
        last_event_id: Option<&str>,
    ) -> Result<Stream, Value> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = self.app.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        if !response.status().is_success() {
            let refusal = response.into_body().collect().await.unwrap().to_bytes();
            return Err(serde_json::from_slice(&refusal).unwrap());
        }
        Ok(Stream { body: response.into_body().into_data_stream(), text: String::new() })
    }

    /// The place after everything that has happened.
    async fn event_cursor(&self, token: &str) -> String {
        let body = self.graphql(Some(token), "{ eventCursor }", json!({})).await;
        body["data"]["eventCursor"].as_str().unwrap_or_else(|| panic!("{body:#}")).to_owned()
    }
}

impl Stream {
    /// The next that is sent.
    pub(crate) async fn next(&mut self) -> Sent {
        timeout(PATIENCE, self.sent()).await.expect("nothing is sent")
    }

    /// Whether nothing is sent for so long.
    pub(crate) async fn is_silent(&mut self, time: Duration) -> bool {
        timeout(time, self.sent()).await.is_err()
    }

    async fn sent(&mut self) -> Sent {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let kind = field("event:").map(str::to_owned);
                let (id, data) =
                    (field("id:").map(str::to_owned), field("data:").unwrap_or_default().to_owned());
                self.text = rest.to_owned();
                match kind.as_deref() {
                    Some("next") => return Sent::Next(id, serde_json::from_str(&data).unwrap()),
                    Some("complete") => return Sent::Complete,
                    _ => {}
                }
            }
            match self.body.next().await {
                Some(bytes) => self.text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap()),
                None => return Sent::Complete,
            }
        }
    }
}

/// Looks again and again until it is so.
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let seen = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
