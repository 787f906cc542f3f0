//! Which content codings an answer may have, by the `Accept-Encoding` header.

use axum::extract::Request;
use http::{HeaderValue, header};

/// The request without the members of `Accept-Encoding` that refuse an uncoded answer.
///
/// Compression looks at the header after the request has been executed, and where nothing of it can be met it makes the
/// finished answer a 406: a client would take what was done for refused. RFC 9110 lets a server disregard the header
/// (§12.5.3), so that such a client gets the answer uncoded, with its own status.
pub(super) fn without_refusals(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let members = || {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(','))
    };
    if !members().any(refuses_uncoded) {
        return request;
    }
    let others: Vec<&str> = members().filter(|member| !refuses_uncoded(member)).collect();
    let others = HeaderValue::from_str(&others.join(","));
    match others {
        Ok(value) => drop(headers.insert(header::ACCEPT_ENCODING, value)),
        Err(_) => drop(headers.remove(header::ACCEPT_ENCODING)),
    }
    request
}

/// Whether a member is `identity` or `*` with a weight of nought.
fn refuses_uncoded(member: &str) -> bool {
    let Some((coding, weight)) = member.split_once(';') else { return false };
    let coding = coding.trim();
    let weight = weight.trim();
    let quality = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="));
    (coding == "*" || coding.eq_ignore_ascii_case("identity"))
        && quality.is_some_and(|quality| quality.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}
