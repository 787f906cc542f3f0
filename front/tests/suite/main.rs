//! The front from outside: requests in, responses out, through the real router and over real sockets.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::disallowed_methods, reason = "tests end the tasks they start")]

mod abuse;
mod budget;
mod client;
mod coalescing;
mod documents;
mod events;
mod execution;
mod header;
mod http;
mod http2;
mod listener;
mod order;
mod persisted;
mod websocket;

#[path = "../support/mod.rs"]
mod support;
