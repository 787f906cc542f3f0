//! Messages of `graphql-transport-ws`.

use axum::extract::ws::Message as Frame;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::params::GraphqlParams;

/// Why a socket is closed: a code of the protocol and a reason for a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Close(pub(super) u16, pub(super) &'static str);

impl Close {
    pub(super) const GOING_AWAY: Self = Self(1001, "The server is shutting down; connect again.");
    pub(super) const TOO_BIG: Self = Self(1009, "A message was too large.");
    pub(super) const INTERNAL: Self = Self(4500, "Internal server error");
    pub(super) const BAD_MESSAGE: Self = Self(4400, "A message was not one of graphql-transport-ws.");
    pub(super) const UNAUTHORIZED: Self = Self(4401, "Unauthorized");
    pub(super) const FORBIDDEN: Self = Self(4403, "Forbidden");
    pub(super) const NO_SUBPROTOCOL: Self = Self(4406, "Subprotocol not acceptable");
    pub(super) const INIT_TIMEOUT: Self = Self(4408, "Connection initialisation timeout");
    pub(super) const ID_IN_USE: Self = Self(4409, "Subscriber already exists for this id");
    pub(super) const TOO_MANY: Self = Self(4429, "Too many initialisation requests");
    pub(super) const SLOW: Self = Self(1008, "The client reads too slowly.");
    pub(super) const SILENT: Self = Self(1008, "The client answered no ping.");
}

/// A message of a client.
#[derive(Debug)]
pub(super) enum Received {
    Init(Map<String, Value>),
    Ping,
    Pong,
    Subscribe { id: String, params: Box<GraphqlParams> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a serde_json::value::RawValue>,
}

/// Longest id of an operation; clients use counters and UUIDs.
const MAX_ID_BYTES: usize = 128;

impl Received {
    /// Reads a text message.
    ///
    /// # Errors
    /// 4400 for what is not a message of the protocol.
    pub(super) fn parse(text: &str) -> Result<Self, Close> {
        let bad = |_| Close::BAD_MESSAGE;
        if !text.trim_start().starts_with('{') {
            return Err(Close::BAD_MESSAGE);
        }
        let Envelope { kind, id, payload } = serde_json::from_str(text).map_err(bad)?;
        let id = || id.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES).ok_or(Close::BAD_MESSAGE);
        let object = |payload: Option<&serde_json::value::RawValue>| match payload {
            None => Ok(Map::new()),
            Some(raw) => serde_json::from_str::<Option<Map<String, Value>>>(raw.get())
                .map(Option::unwrap_or_default)
                .map_err(bad),
        };
        match kind.as_str() {
            "connection_init" => Ok(Self::Init(object(payload)?)),
            "ping" => object(payload).map(|_| Self::Ping),
            "pong" => object(payload).map(|_| Self::Pong),
            "complete" => Ok(Self::Complete { id: id()? }),
            "subscribe" => {
                let payload = payload.ok_or(Close::BAD_MESSAGE)?.get();
                let params = GraphqlParams::from_json(payload.as_bytes()).map_err(|_| Close::BAD_MESSAGE)?;
                if params.query.is_none()
                    && params.document_id.is_none()
                    && matches!(params.apollo_hash(), Ok(None))
                {
                    return Err(Close::BAD_MESSAGE);
                }
                Ok(Self::Subscribe { id: id()?, params: Box::new(params) })
            }
            _ => Err(Close::BAD_MESSAGE),
        }
    }
}

/// The token of a `connection_init` payload: `authorization` (any case; with or without `Bearer`), also inside
/// `headers`, or `token`.
pub(super) fn token(payload: &Map<String, Value>) -> Option<&str> {
    fn find(object: &Map<String, Value>) -> Option<&str> {
        object.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1.as_str()
    }
    let text = find(payload)
        .or_else(|| payload.get("headers").and_then(Value::as_object).and_then(find))
        .or_else(|| payload.get("token").and_then(Value::as_str))?;
    let text = text.trim();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => Some(text),
    }
}

pub(super) fn ack() -> Frame {
    Frame::text(r#"{"type":"connection_ack"}"#)
}

pub(super) fn pong() -> Frame {
    Frame::text(r#"{"type":"pong"}"#)
}

pub(super) fn ping() -> Frame {
    Frame::text(r#"{"type":"ping"}"#)
}

pub(super) fn complete(id: &str) -> Frame {
    Frame::text(format!(r#"{{"id":{},"type":"complete"}}"#, quoted(id)))
}

/// A `next` message around a response that is JSON already.
pub(super) fn next(id: &str, response: &[u8]) -> Frame {
    enclose(id, "next", response)
}

/// An `error` message around a list of errors that is JSON already.
pub(super) fn error(id: &str, errors: &[u8]) -> Frame {
    enclose(id, "error", errors)
}

fn enclose(id: &str, kind: &str, payload: &[u8]) -> Frame {
    // JSON writers write UTF-8; a lossy copy would only be made of what no writer of ours writes.
    let payload = String::from_utf8_lossy(payload);
    Frame::text(format!(r#"{{"id":{},"type":"{kind}","payload":{payload}}}"#, quoted(id)))
}

fn quoted(id: &str) -> Value {
    Value::String(id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_of_the_protocol() {
        assert!(matches!(Received::parse(r#"{"type":"connection_init"}"#), Ok(Received::Init(_))));
        assert!(matches!(
            Received::parse(r#"{"type":"connection_init","payload":null}"#),
            Ok(Received::Init(_))
        ));
        assert!(matches!(Received::parse(r#"{"type":"ping","payload":{"a":1}}"#), Ok(Received::Ping)));
        assert!(matches!(Received::parse(r#"{"id":"1","type":"complete"}"#), Ok(Received::Complete { .. })));
        let text = r#"{"id":"1","type":"subscribe","payload":{"query":"{a}","variables":null}}"#;
        assert!(matches!(Received::parse(text), Ok(Received::Subscribe { .. })));
    }

    #[test]
    fn anything_else_closes() {
        for text in [
            "nonsense",
            "null",
            "[]",
            r#"["connection_init"]"#,
            r#"{"type":"zzz"}"#,
            r#"{"type":"subscribe"}"#,
            "{}",
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":"","type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":1,"type":"complete"}"#,
            r#"{"id":"1","type":"subscribe","payload":{}}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":7}}"#,
            r#"{"type":"ping","payload":[]}"#,
        ] {
            assert_eq!(Received::parse(text).unwrap_err(), Close::BAD_MESSAGE, "{text}");
        }
    }

    #[test]
    fn tokens_of_the_first_message() {
        let read = |payload: Value| token(payload.as_object().unwrap()).map(str::to_owned);
        assert_eq!(read(json!({"Authorization": "Bearer a"})).as_deref(), Some("a"));
        assert_eq!(read(json!({"authorization": "a"})).as_deref(), Some("a"));
        assert_eq!(read(json!({"headers": {"authorization": "bearer a"}})).as_deref(), Some("a"));
        assert_eq!(read(json!({"token": "a"})).as_deref(), Some("a"));
        assert_eq!(read(json!({"x": 1})), None);
    }

    #[test]
    fn ids_are_quoted() {
        let Frame::Text(text) = complete("a\"b") else { panic!("not a text message") };
        assert_eq!(text.as_str(), r#"{"id":"a\"b","type":"complete"}"#);
    }
}
