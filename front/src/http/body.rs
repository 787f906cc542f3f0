//! Reads a request body, with a limit on its size and on its time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{
    Limits,
    error::{ErrorCode, GraphqlError, Refused},
};

/// Refuses content types other than JSON in UTF-8.
///
/// # Errors
/// 415.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Refused> {
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let utf8 = |part: &str| match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                matches!(value.trim_matches('"').to_ascii_lowercase().as_str(), "utf-8" | "utf8")
            }
            _ => true,
        };
        essence.eq_ignore_ascii_case("application/json") && parts.all(utf8)
    });
    if !json {
        return Err(unsupported("The body must have the content type application/json, in UTF-8."));
    }
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded { Err(unsupported("Compressed request bodies are not supported.")) } else { Ok(()) }
}

fn unsupported(message: &'static str) -> Refused {
    Refused::transport(StatusCode::UNSUPPORTED_MEDIA_TYPE, GraphqlError::new(ErrorCode::BadRequest, message))
}

/// Reads a body to its end.
///
/// # Errors
/// 413 past the limit on its size, 408 past the limit on its time, 400 when the connection fails.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, Refused> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(length) = announced.filter(|&length| length > limits.body_bytes) {
        return Err(too_large(limits, Some(length)));
    }
    let patience = Duration::from_millis(limits.body_timeout_ms);
    match tokio::time::timeout(patience, Limited::new(body, limits.body_bytes).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limits, None)),
        Ok(Err(_)) => Err(Refused::malformed("The body broke off.")),
        Err(_elapsed) => {
            let message = format!("The body did not arrive within {} ms.", limits.body_timeout_ms);
            let error = GraphqlError::new(ErrorCode::Timeout, message);
            Err(Refused::transport(StatusCode::REQUEST_TIMEOUT, error))
        }
    }
}

/// How long a body is that did not say so is not known: it is read to the limit.
fn too_large(limits: &Limits, actual: Option<usize>) -> Refused {
    let limit = limits.body_bytes;
    let mut error =
        GraphqlError::new(ErrorCode::DocumentTooLarge, format!("The body is larger than {limit} bytes."))
            .with("limit", limit);
    if let Some(actual) = actual {
        error = error.with("actual", actual);
    }
    Refused::transport(StatusCode::PAYLOAD_TOO_LARGE, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf8_only() {
        let fits = |value: &str| {
            check_content_type(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]))
                .is_ok()
        };
        assert!(fits("application/json"));
        assert!(fits("Application/JSON; charset=\"UTF-8\"; x=y"));
        for value in
            ["text/plain", "application/json; charset=utf-16", "application/jsonx", "multipart/form-data", ""]
        {
            assert!(!fits(value), "{value}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn bodies_are_limited_in_size_and_time() {
        let limits = Limits { body_bytes: 10, body_timeout_ms: 20, ..Limits::default() };
        let none = HeaderMap::new();
        assert_eq!(read(&none, Body::from("0123456789"), &limits).await.unwrap(), "0123456789");
        let refused = read(&none, Body::from("0123456789a"), &limits).await.unwrap_err();
        assert_eq!(refused.status(false), StatusCode::PAYLOAD_TOO_LARGE);
        let endless = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(
            read(&none, endless, &limits).await.unwrap_err().status(false),
            StatusCode::REQUEST_TIMEOUT
        );
    }
}
