//! Every limit of the front as a setting, with the defaults of the published contract.

use serde::{Deserialize, Serialize};

/// What a request may ask for at most. Sizes are bytes, times are milliseconds unless the name says otherwise.
///
/// Every field has a default, so a settings file names only what differs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Size of a request body, and of one WebSocket message.
    pub body_bytes: usize,
    /// Time to receive a request body, from its first poll to its last byte.
    pub body_timeout_ms: u64,
    /// Size of the query string of a GET request; longer ones are answered 414.
    pub query_string_bytes: usize,
    /// Size of a document.
    pub document_bytes: usize,
    /// Tokens of a document.
    pub document_tokens: usize,
    /// Brackets of any kind open at once in a document.
    pub nesting: usize,
    /// Fields on the longest path from the root to a leaf.
    pub depth: usize,
    /// Fields of one operation after its fragments are expanded.
    pub fields: usize,
    /// Aliases of one operation after its fragments are expanded.
    pub aliases: usize,
    /// Fields at the root of one operation after its fragments are expanded.
    pub root_fields: usize,
    /// How often one response name may be selected in one selection set.
    pub copies: usize,
    /// Directives at one place.
    pub directives: usize,
    /// Cost of the selected operation, in points.
    pub cost: u64,
    /// Page size the cost assumes where a paged field has neither `first` nor `last`. A part of the schema, and no setting.
    #[serde(skip)]
    pub page_default: u64,
    /// Largest page a field can answer; larger arguments are left for the field to refuse. A part of the schema, and no setting.
    #[serde(skip)]
    pub page_max: u64,
    /// Errors in one answer; the rest are dropped.
    pub errors: usize,
    /// Characters of one error message.
    pub error_chars: usize,
    /// Time for the execution of one query or mutation.
    pub request_timeout_ms: u64,
    /// Cost points a key may spend in a minute; also the size of its bucket. Zero switches rate limits off.
    pub rate_points_per_minute: u64,
    /// Keys whose spending is remembered.
    pub rate_keys: usize,
    /// Cost of all operations in flight beyond which queries and subscriptions are shed. Zero switches shedding off.
    pub in_flight_cost: u64,
    /// Memory for validated documents (estimated).
    pub cache_bytes: u64,
    /// Answers of at least this size are compressed when the client accepts it.
    pub compress_from_bytes: u64,
    /// Whether `__schema` and `__type` may be asked for.
    pub introspection: bool,
    /// Limits of WebSocket and event-stream connections.
    pub streams: StreamLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            body_timeout_ms: 15_000,
            query_string_bytes: 16 << 10,
            document_bytes: 100_000,
            document_tokens: 2_000,
            nesting: 64,
            depth: 15,
            fields: 2_000,
            aliases: 50,
            root_fields: 20,
            copies: 20,
            directives: 5,
            cost: 10_000,
            page_default: 25,
            page_max: 100,
            errors: 20,
            error_chars: 300,
            request_timeout_ms: 10_000,
            rate_points_per_minute: 5_000,
            rate_keys: 100_000,
            in_flight_cost: 200_000,
            cache_bytes: 32 << 20,
            compress_from_bytes: 4_096,
            introspection: true,
            streams: StreamLimits::default(),
        }
    }
}

/// What one long-lived connection may hold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StreamLimits {
    /// Time from the opening of a socket to its `connection_init`.
    pub init_timeout_ms: u64,
    /// Operations at once on one socket.
    pub operations: usize,
    /// Messages waiting to be written to one socket before it counts as slow.
    pub queue: usize,
    /// Time one message may wait for a slow reader before the connection is closed.
    pub slow_reader_ms: u64,
    /// Time between two server pings on a socket; a socket that answers none of them in the next interval is closed.
    pub ping_interval_ms: u64,
    /// Time between two comments on an idle event stream.
    pub comment_interval_ms: u64,
    /// Sockets and event streams at once in this process.
    pub connections: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            init_timeout_ms: 10_000,
            operations: 100,
            queue: 128,
            slow_reader_ms: 10_000,
            ping_interval_ms: 30_000,
            comment_interval_ms: 12_000,
            connections: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_names_only_what_differs() {
        let limits: Limits = serde_json::from_str(r#"{"depth": 9, "streams": {"operations": 3}}"#).unwrap();
        assert_eq!(limits.depth, 9);
        assert_eq!(limits.streams.operations, 3);
        assert_eq!(limits.streams.queue, StreamLimits::default().queue);
        assert_eq!(limits.cost, 10_000);
        assert!(serde_json::from_str::<Limits>(r#"{"deepness": 9}"#).is_err());
    }
}
