//! Errors as clients see them: a closed list of codes, a message that says what to do, and where it happened.

use std::borrow::Cow;

use async_graphql::{PathSegment, Pos};
use http::StatusCode;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The closed list of values of `extensions.code`.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is written in an answer.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The document is not GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED",
    /// The document does not fit the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED",
    /// A variable or an argument has a value that cannot be used.
    BadUserInput = "BAD_USER_INPUT",
    /// The request is not a GraphQL request.
    BadRequest = "BAD_REQUEST",
    /// The document has no operation of that name, or several and none was named.
    OperationResolutionFailure = "OPERATION_RESOLUTION_FAILURE",
    /// The document id is unknown.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
    /// A token is missing, wrong or expired.
    Unauthenticated = "UNAUTHENTICATED",
    /// The actor may not do this.
    Forbidden = "FORBIDDEN",
    /// There is no such object, or it is not visible.
    NotFound = "NOT_FOUND",
    /// The object has changed or exists already.
    Conflict = "CONFLICT",
    /// The key has spent its points.
    RateLimited = "RATE_LIMITED",
    /// A limit on the shape or the cost of an operation.
    QueryTooComplex = "QUERY_TOO_COMPLEX",
    /// A body or a document is too large.
    DocumentTooLarge = "DOCUMENT_TOO_LARGE",
    /// The operation took too long.
    Timeout = "TIMEOUT",
    /// The server is overloaded or shutting down.
    Unavailable = "UNAVAILABLE",
    /// A fault of the server; the cause is in its log under the request id.
    InternalServerError = "INTERNAL_SERVER_ERROR",
}

impl ErrorCode {
    /// The code with this text, if it is one of the list.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// One entry of `errors`.
#[derive(Clone, Debug)]
pub struct GraphqlError {
    /// Sentence for a person.
    pub message: Cow<'static, str>,
    /// Code of the contract.
    pub code: ErrorCode,
    /// Places in the document, one-based.
    pub locations: Vec<Pos>,
    /// Response path of the field at fault; empty for request errors.
    pub path: Vec<PathSegment>,
    /// Further extensions (`limit`, `actual`, `coordinate`, …), in the order they are written.
    pub details: Vec<(Cow<'static, str>, Value)>,
}

impl GraphqlError {
    /// An error without a place.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), code, locations: Vec::new(), path: Vec::new(), details: Vec::new() }
    }

    /// The same error with a place in the document.
    #[must_use]
    pub fn at(mut self, pos: Option<Pos>) -> Self {
        self.locations.extend(pos);
        self
    }

    /// The same error with a further extension.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// A limit that was passed: code `QUERY_TOO_COMPLEX` with `limit` and `actual`.
    pub fn limit(message: impl Into<Cow<'static, str>>, limit: usize, actual: usize) -> Self {
        Self::new(ErrorCode::QueryTooComplex, message).with("limit", limit).with("actual", actual)
    }
}

/// How a refused request is reported over HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// The HTTP request itself was refused: this status under every media type.
    Transport(StatusCode),
    /// The GraphQL request was refused: this status under `application/graphql-response+json`, 200 under
    /// `application/json`, as the specification asks.
    Document(StatusCode),
}

/// A request that was not executed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What was wrong; never empty.
    pub errors: Vec<GraphqlError>,
    /// How it is reported over HTTP.
    pub phase: Phase,
    /// Seconds after which it is worth trying again.
    pub retry_after: Option<u64>,
    /// Value of the `Allow` header of a 405.
    pub allow: Option<&'static str>,
    /// Whether a `WWW-Authenticate` challenge goes with it.
    pub challenge: bool,
    /// What the key may still spend, where that is why.
    pub rate: Option<crate::rate::RateStatus>,
}

impl Refused {
    /// A refusal of the HTTP request.
    #[must_use]
    pub fn transport(status: StatusCode, error: GraphqlError) -> Self {
        Self::new(vec![error], Phase::Transport(status))
    }

    /// A refusal of the GraphQL request.
    #[must_use]
    pub fn document(errors: Vec<GraphqlError>) -> Self {
        Self::new(errors, Phase::Document(StatusCode::BAD_REQUEST))
    }

    fn new(errors: Vec<GraphqlError>, phase: Phase) -> Self {
        Self { errors, phase, retry_after: None, allow: None, challenge: false, rate: None }
    }

    /// A malformed request: 400 and `BAD_REQUEST`.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::transport(StatusCode::BAD_REQUEST, GraphqlError::new(ErrorCode::BadRequest, message))
    }

    /// What is told of a panic: 500, and where the cause is.
    pub(crate) fn masked() -> Self {
        let error = GraphqlError::new(ErrorCode::InternalServerError, MASKED);
        Self::transport(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

impl Refused {
    /// The HTTP status; `legacy` is the media type `application/json`.
    #[must_use]
    pub fn status(&self, legacy: bool) -> StatusCode {
        match self.phase {
            Phase::Transport(status) => status,
            Phase::Document(_) if legacy => StatusCode::OK,
            Phase::Document(status) => status,
        }
    }

    /// Codes of its errors.
    #[must_use]
    pub fn codes(&self) -> Vec<ErrorCode> {
        self.errors.iter().map(|error| error.code).collect()
    }
}

impl From<GraphqlError> for Refused {
    fn from(error: GraphqlError) -> Self {
        Self::document(vec![error])
    }
}

/// What a client reads of a fault.
pub(crate) const MASKED: &str =
    "Something went wrong on the server; its log has the cause under the request id.";

/// An error together with the request id it is reported under.
pub(crate) struct Reported<'a> {
    pub(crate) error: &'a GraphqlError,
    pub(crate) request_id: &'a str,
    pub(crate) max_chars: usize,
}

impl Serialize for Reported<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { error, .. } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", clip(&error.message, self.max_chars).as_ref())?;
        if !error.locations.is_empty() {
            map.serialize_entry("locations", &error.locations)?;
        }
        if !error.path.is_empty() {
            map.serialize_entry("path", &error.path)?;
        }
        map.serialize_entry("extensions", &Details(self))?;
        map.end()
    }
}

struct Details<'a>(&'a Reported<'a>);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.0.error.code.as_str())?;
        map.serialize_entry("requestId", self.0.request_id)?;
        for (name, value) in &self.0.error.details {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The first `max` characters of `text`, with an ellipsis for what was cut.
fn clip(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(max.saturating_sub(1)) {
        Some((cut, _)) if text[cut..].chars().nth(1).is_some() => Cow::Owned(format!("{}…", &text[..cut])),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_parse_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::parse("SQL_ERROR"), None);
    }

    #[test]
    fn messages_are_clipped_by_characters() {
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip(&"x".repeat(1_000), 300).chars().count(), 300);
    }

    #[test]
    fn an_error_carries_code_request_id_and_details() {
        let error = GraphqlError::limit("too deep", 15, 16).at(Some(Pos { line: 1, column: 3 }));
        let json =
            serde_json::to_string(&Reported { error: &error, request_id: "r1", max_chars: 300 }).unwrap();
        assert_eq!(
            json,
            r#"{"message":"too deep","locations":[{"line":1,"column":3}],"extensions":{"code":"QUERY_TOO_COMPLEX","requestId":"r1","limit":15,"actual":16}}"#
        );
    }
}
