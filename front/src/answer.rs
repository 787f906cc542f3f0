//! From what the executor answers to what the client is sent: errors shaped and masked, fields in order.

use std::borrow::Cow;

use async_graphql::{Response, ServerError, Value};
use http::HeaderMap;
use serde_json::Value as Json;

use crate::{
    Limits,
    error::{ErrorCode, GraphqlError, MASKED, Refused, Reported},
    rate::RateStatus,
};

/// The answer to a request that was executed.
#[derive(Debug)]
pub struct Answer {
    /// The response as JSON.
    pub json: Vec<u8>,
    /// Codes of its errors.
    pub codes: Vec<ErrorCode>,
    /// Points the operation did cost.
    pub cost: u64,
    /// What the key may still spend.
    pub rate: Option<RateStatus>,
    /// Headers that resolvers have set.
    pub headers: HeaderMap,
}

/// What the executor answered, with its errors shaped.
pub(crate) struct Shaped {
    errors: Vec<GraphqlError>,
    /// `None` for a request that was not executed.
    data: Option<Value>,
}

impl Shaped {
    /// Shapes a response. Errors without a code of the contract are faults: logged, and masked.
    pub(crate) fn of(response: Response, request_id: &str, limits: &Limits) -> Self {
        let Response { errors, data, .. } = response;
        // Every error of a field has a path; without one, nothing was executed.
        let executed = data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        let errors =
            errors.into_iter().take(limits.errors.max(1)).map(|error| shape(error, request_id)).collect();
        Self { errors, data: executed.then_some(data) }
    }

    pub(crate) fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }

    /// The same with its data as JSON.
    pub(crate) fn written(self) -> Written {
        let data = self.data.map(|data| {
            let mut out = Vec::with_capacity(1_024);
            write_json(&mut out, &data);
            out
        });
        Written { errors: self.errors, data }
    }
}

/// What the executor answered, as far as it is the same for all who hear it.
pub(crate) struct Written {
    errors: Vec<GraphqlError>,
    data: Option<Vec<u8>>,
}

impl Written {
    pub(crate) fn codes(&self) -> Vec<ErrorCode> {
        self.errors.iter().map(|error| error.code).collect()
    }

    /// The response as JSON.
    pub(crate) fn response(&self, request_id: &str, limits: &Limits, extensions: Option<&Json>) -> Vec<u8> {
        write(&self.errors, self.data.as_deref(), request_id, limits, extensions)
    }
}

/// The body of a refused request.
pub(crate) fn refusal_body(refused: &Refused, request_id: &str, limits: &Limits) -> Vec<u8> {
    write(&refused.errors, None, request_id, limits, None)
}

/// The errors of a refused request alone, as `graphql-transport-ws` wants them.
pub(crate) fn errors_json(errors: &[GraphqlError], request_id: &str, limits: &Limits) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_errors(&mut out, errors, request_id, limits);
    out
}

fn write(
    errors: &[GraphqlError],
    data: Option<&[u8]>,
    request_id: &str,
    limits: &Limits,
    extensions: Option<&Json>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.map_or(512, |data| data.len() + 64));
    out.push(b'{');
    if !errors.is_empty() {
        out.extend_from_slice(b"\"errors\":");
        write_errors(&mut out, errors, request_id, limits);
    }
    if let Some(data) = data {
        separate(&mut out);
        out.extend_from_slice(b"\"data\":");
        out.extend_from_slice(data);
    }
    if let Some(extensions) = extensions {
        separate(&mut out);
        out.extend_from_slice(b"\"extensions\":");
        write_json(&mut out, extensions);
    }
    out.push(b'}');
    out
}

fn separate(out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
}

fn write_errors(out: &mut Vec<u8>, errors: &[GraphqlError], request_id: &str, limits: &Limits) {
    let reported = errors.iter().take(limits.errors.max(1));
    let reported: Vec<_> =
        reported.map(|error| Reported { error, request_id, max_chars: limits.error_chars }).collect();
    write_json(out, &reported);
}

/// Writing JSON to memory fails for maps with keys that are not strings only, and none of ours has such keys.
fn write_json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        tracing::error!(%error, "a value could not be written as JSON");
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

fn shape(error: ServerError, request_id: &str) -> GraphqlError {
    let extension = |name: &str| error.extensions.as_ref().and_then(|extensions| extensions.get(name));
    let known = match extension("code") {
        Some(Value::String(code)) => ErrorCode::parse(code),
        Some(Value::Enum(code)) => ErrorCode::parse(code),
        _ => None,
    };
    let (code, message) = match (known, input_problem(&error)) {
        (Some(code), _) => (code, error.message.clone()),
        (None, Some(message)) => (ErrorCode::BadUserInput, message.to_owned()),
        (None, None) => {
            let path = serde_json::to_string(&error.path).unwrap_or_default();
            tracing::error!(request_id, path, cause = error.message, "a resolver failed");
            (ErrorCode::InternalServerError, MASKED.to_owned())
        }
    };
    let details = error.extensions.as_ref().filter(|_| known.is_some()).map(details).unwrap_or_default();
    GraphqlError { message: Cow::Owned(message), code, locations: error.locations, path: error.path, details }
}

/// The part without values of the executor's own complaints about arguments (custom scalars, validators).
pub(crate) fn input_problem(error: &ServerError) -> Option<&str> {
    if error.source.is_some() {
        return None;
    }
    if error.message.starts_with("Expected input type \"") {
        return Some(error.message.split(", found").next().unwrap_or(&error.message));
    }
    error.message.starts_with("Failed to parse \"").then_some(error.message.as_str())
}

/// The further extensions of an error, in order of their names.
fn details(extensions: &async_graphql::ErrorExtensionValues) -> Vec<(Cow<'static, str>, Json)> {
    let json = serde_json::to_value(extensions).unwrap_or_default();
    match json {
        Json::Object(members) => members
            .into_iter()
            .filter(|(name, _)| name != "code" && name != "requestId")
            .map(|(name, value)| (Cow::Owned(name), value))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Error, ErrorExtensions as _, PathSegment, Pos, value};

    use super::*;

    fn json(response: Response) -> String {
        let limits = Limits::default();
        let written = Shaped::of(response, "r1", &limits).written();
        String::from_utf8(written.response("r1", &limits, None)).unwrap()
    }

    fn failed(error: Error) -> Response {
        let error = error
            .into_server_error(Pos { line: 1, column: 3 })
            .with_path(vec![PathSegment::Field("a".into())]);
        Response::from_errors(vec![error])
    }

    #[test]
    fn fields_keep_their_order() {
        assert_eq!(
            json(Response::new(value!({"z": 1, "a": {"y": 2, "b": 3}}))),
            r#"{"data":{"z":1,"a":{"y":2,"b":3}}}"#
        );
    }

    #[test]
    fn faults_are_masked() {
        let text = json(failed(Error::new("relation \"users\" does not exist")));
        assert!(!text.contains("users"), "{text}");
        assert!(text.contains(r#""extensions":{"code":"INTERNAL_SERVER_ERROR","requestId":"r1"}"#), "{text}");
        assert!(text.ends_with(r#""data":null}"#), "{text}");
        let text = json(failed(Error::new("secret").extend_with(|_, e| e.set("code", "SQL_ERROR"))));
        assert!(!text.contains("secret") && !text.contains("SQL_ERROR"), "{text}");
    }

    #[test]
    fn known_codes_pass_with_their_details() {
        let text = json(failed(Error::new("no").extend_with(|_, e| {
            e.set("requires", "TEMPLATE_READ");
            e.set("code", "FORBIDDEN");
        })));
        assert!(
            text.contains(r#"{"code":"FORBIDDEN","requestId":"r1","requires":"TEMPLATE_READ"}"#),
            "{text}"
        );
    }

    #[test]
    fn complaints_about_arguments_keep_their_words_but_not_the_value() {
        let text = json(failed(Error::new("Expected input type \"DateTime\", found \"secret\".")));
        assert!(text.contains("BAD_USER_INPUT") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn data_is_left_out_when_nothing_ran_and_errors_are_bounded() {
        let errors = (0..50).map(|_| ServerError::new("x", None)).collect();
        let text = json(Response::from_errors(errors));
        assert!(!text.contains("data"), "{text}");
        assert_eq!(text.matches("requestId").count(), 20);
    }
}
