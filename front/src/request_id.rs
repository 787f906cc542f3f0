//! Request ids: the client's where it is usable, else a fresh one.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header a request id comes and goes in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A fresh id: time-ordered, 32 hexadecimal digits.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a request id names a request in the log; it is never kept")]
pub fn fresh() -> Arc<str> {
    Arc::from(&*Uuid::now_v7().as_simple().encode_lower(&mut Uuid::encode_buffer()))
}

/// The id of a request: up to 64 letters, digits, `-`, `_` and `.` from the client, else a fresh one.
#[must_use]
pub fn of(headers: &HeaderMap) -> Arc<str> {
    let usable = |text: &&str| {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (1..=64).contains(&text.len()) && text.bytes().all(safe)
    };
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(usable);
    given.map_or_else(fresh, Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_ids_are_kept_and_others_replaced() {
        let id = |text: &str| of(&HeaderMap::from_iter([(X_REQUEST_ID, text.parse().unwrap())])).to_string();
        assert_eq!(id("a-1_b.c"), "a-1_b.c");
        assert_eq!(id("bad id\"").len(), 32);
        assert_eq!(id(&"x".repeat(65)).len(), 32);
        assert_ne!(fresh(), fresh());
    }
}
