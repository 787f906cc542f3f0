//! Refusals outside GraphQL, in the shape of GraphQL's: clients have one way to read errors.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use guildhall_front::request_id;
use http::{HeaderValue, StatusCode, header};

use crate::authz::Denied;
use crate::error::Error;

/// What a refusal says, until [`with_request_id`] writes it.
#[derive(Clone)]
struct Told {
    code: &'static str,
    message: String,
    /// Of a fault, what the log is told.
    cause: Option<String>,
}

/// A refusal. [`with_request_id`] gives it its body.
pub(super) fn refusal(status: StatusCode, code: &'static str, message: &str) -> Response {
    told(status, Told { code, message: message.to_owned(), cause: None })
}

fn told(status: StatusCode, told: Told) -> Response {
    let mut response = status.into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"guildhall\", Basic realm=\"guildhall\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(told);
    response
}

/// The answer to an error of an operation, for handlers outside GraphQL.
pub(super) fn answer(error: &Error) -> Response {
    let (status, code) = match error {
        Error::Denied(Denied::Anonymous) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        Error::Denied(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Error::Refused(_) | Error::BadInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "BAD_USER_INPUT"),
        Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
        Error::Conflict(_) => (StatusCode::CONFLICT, "CONFLICT"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        Error::Internal(cause) => {
            let message =
                "something went wrong on the server; its log has the cause under the request id".to_owned();
            let fault = Told { code: "INTERNAL_SERVER_ERROR", message, cause: Some(cause.to_string()) };
            return told(StatusCode::INTERNAL_SERVER_ERROR, fault);
        }
    };
    refusal(status, code, &error.to_string())
}

/// Gives every answer the id of its request, and refusals their body with it.
pub(super) async fn with_request_id(request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let mut response = next.run(request).await;
    if let Some(Told { code, message, cause }) = response.extensions_mut().remove::<Told>() {
        if let Some(cause) = cause {
            tracing::error!(request_id = &*id, cause, "a request failed");
        }
        let extensions = serde_json::json!({ "code": code, "requestId": &*id });
        let body = serde_json::json!({ "errors": [{ "message": message, "extensions": extensions }] });
        let written = (response.status(), axum::Json(body)).into_response();
        // What the refusal says of itself in headers stays: the challenge, the methods that are allowed.
        let (mut parts, body) = written.into_parts();
        let mut headers = std::mem::take(response.headers_mut());
        headers.remove(header::CONTENT_LENGTH);
        headers.extend(parts.headers);
        parts.headers = headers;
        response = Response::from_parts(parts, body);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(request_id::X_REQUEST_ID, value);
    }
    response
}
