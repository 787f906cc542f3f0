//! Answers and refusals as HTTP responses.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{
    Limits,
    answer::{Answer, refusal_body},
    error::Refused,
    http::accept::Media,
    rate::RateStatus,
    request_id::X_REQUEST_ID,
    ws,
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const QUERY_COST: HeaderName = HeaderName::from_static("x-query-cost");

/// The response to a request that was executed.
pub(crate) fn answer(answer: Answer, media: Media) -> Response {
    let Answer { json, cost, rate, headers, .. } = answer;
    let mut response = body(StatusCode::OK, media, json);
    let out = response.headers_mut();
    out.insert(QUERY_COST, HeaderValue::from(cost));
    if let Some(rate) = rate {
        rate_headers(out, rate);
    }
    for (name, value) in &headers {
        out.append(name, value.clone());
    }
    response
}

/// The response to a request that was refused.
pub(crate) fn refused(refused: &Refused, media: Media, request_id: &str, limits: &Limits) -> Response {
    // What is refused before there is a stream is not one.
    let media = if media == Media::EventStream { Media::Json } else { media };
    let status = refused.status(media.is_legacy());
    let mut response = body(status, media, refusal_body(refused, request_id, limits));
    let out = response.headers_mut();
    if let Some(seconds) = refused.retry_after {
        out.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = refused.allow {
        out.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        // Nothing but the handshake of a WebSocket is refused so.
        out.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        out.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        out.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(ws::VERSION));
    }
    if refused.challenge {
        out.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    }
    if let Some(rate) = refused.rate {
        rate_headers(out, rate);
    }
    response
}

fn body(status: StatusCode, media: Media, json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    response
}

fn rate_headers(out: &mut HeaderMap, rate: RateStatus) {
    out.insert(RATE_LIMIT, HeaderValue::from(rate.limit));
    out.insert(RATE_REMAINING, HeaderValue::from(rate.remaining));
    out.insert(RATE_RESET, HeaderValue::from(rate.reset_s));
}

/// What every response of the endpoint carries.
pub(crate) fn common_headers(response: &mut Response, request_id: &str) {
    let out = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        out.insert(X_REQUEST_ID, value);
    }
    out.append(header::VARY, HeaderValue::from_static("accept"));
    out.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
