//! What the header of a request must be before anybody looks at the request.

use std::net::Ipv6Addr;

use http::{HeaderMap, Request, StatusCode, Version, header, uri::Authority};

use super::ListenerLimits;
use crate::error::{ErrorCode, GraphqlError, Refused};

/// What is wrong with a header, if anything is.
pub(super) fn refusal<B>(request: &Request<B>, limits: &ListenerLimits) -> Option<Refused> {
    let headers = request.headers();
    too_much(headers, limits).or_else(|| transfer_coding(headers)).or_else(|| host(request))
}

fn too_much(headers: &HeaderMap, limits: &ListenerLimits) -> Option<Refused> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let (what, limit, actual) = if headers.len() > limits.headers {
        ("header fields", limits.headers, headers.len())
    } else if bytes > limits.header_bytes {
        ("bytes of header fields", limits.header_bytes, bytes)
    } else {
        return None;
    };
    let message = format!("The request has more than {limit} {what}.");
    let error = GraphqlError::new(ErrorCode::BadRequest, message).with("limit", limit).with("actual", actual);
    Some(Refused::transport(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, error))
}

/// A coding that is not undone would be read as if it were the body; hyper looks at the last one only (RFC 9112 §6.1).
fn transfer_coding(headers: &HeaderMap) -> Option<Refused> {
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter().peekable();
    values.peek()?;
    let mut codings = values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    let first = codings.next();
    if first.is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked")) && codings.next().is_none() {
        return None;
    }
    let error =
        GraphqlError::new(ErrorCode::BadRequest, "The one transfer coding understood is `chunked`, once.");
    Some(Refused::transport(StatusCode::NOT_IMPLEMENTED, error))
}

/// Two servers that read one request as of two hosts are a hole, so that it has one (RFC 9112 §3.2). In HTTP/2 it is
/// `:authority`, and the field may be left out.
fn host<B>(request: &Request<B>) -> Option<Refused> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let message = match (values.next(), values.next()) {
        (None, _) if request.version() == Version::HTTP_11 => "The request has no `Host` field.",
        (Some(_), Some(_)) => "The request has more than one `Host` field.",
        (Some(host), None) if !is_host(host.as_bytes()) => {
            "The `Host` field is no host with an optional port."
        }
        _ => return None,
    };
    Some(Refused::malformed(message))
}

/// Whether this is `host[:port]`. It may be empty: so a client says that its target has no host.
fn is_host(value: &[u8]) -> bool {
    if value.is_empty() {
        return true;
    }
    let Ok(authority) = Authority::try_from(value) else { return false };
    let (text, host) = (authority.as_str(), authority.host());
    // A text before the host would be a user's name.
    let Some(port) = text.strip_prefix(host) else { return false };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = address.map_or(!host.is_empty(), |address| address.parse::<Ipv6Addr>().is_ok());
    is_host && port.strip_prefix(':').map_or(port.is_empty(), is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_an_optional_port_and_nothing_else() {
        for host in
            ["", "x", "x:", "x:80", "a.example:65535", "127.0.0.1:8080", "[::1]", "[::1]:80", "a_b-c.d"]
        {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a b", "a/b", "a?b", "a#b", "user@a", "user:x@a", ":80", "a:b", "a:80:80", "a:65536", "a:+80",
            "::1", "[::1", "::1]", "[x]", "[]", "[::1]x", "a\\b", "a\"b", "\u{e4}", "http://a", "@",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
