//! The GraphQL request pipeline: limits, validation, documents, negotiation; shared by HTTP, WebSocket and SSE.
//!
//! async-graphql executes; it does not face the network. A request passes, in this order:
//!
//! 1. [`http`](Front::router): method, media types, size and time of the body, the token ([`Host::authenticate`]);
//! 2. the document: from the cache by its text, else a linear [`scan`], parse, limits on its shape, full validation;
//! 3. the operation: its name, its variables, its cost;
//! 4. the budget: points of the key, load of the process;
//! 5. execution, with panics caught and time bounded; then errors are shaped, and faults masked.
//!
//! The crate knows nothing of the application: what it needs from it is the trait [`Host`].
//!
//! ```ignore
//! let front = Front::new(host, schema, &sdl, Limits::default())?;
//! let router = front.router().route("/healthz", get(health));
//! let shutdown = CancellationToken::new();
//! let serving = serve(listener, router, ListenerLimits::default(), shutdown.clone());
//! // When the process is asked to end: streams first, as requests do not wait for them.
//! front.close_streams();
//! front.streams_closed().await;
//! shutdown.cancel();
//! ```
//!
//! Resolvers find `Arc<RequestMeta>` in the data of a request, and subscriptions an [`EventCursor`]. An error of a
//! resolver carries `extensions.code` from [`ErrorCode`]; one without is a fault, which is logged and masked.

mod admit;
mod answer;
mod argument;
mod cache;
mod coerce;
mod cost;
mod digest;
mod document;
mod error;
mod execute;
mod front;
mod host;
mod http;
mod introspect;
mod limits;
mod listener;
mod load;
mod params;
mod persisted;
mod rate;
pub mod request_id;
mod run;
mod scan;
mod sse;
mod syntax;
mod ws;

pub use answer::Answer;
pub use digest::Digest;
pub use document::OperationKind;
pub use error::{ErrorCode, GraphqlError, Phase, Refused};
pub use front::{Caller, Front, SchemaError};
pub use host::{
    Ended, EventCursor, Host, Peer, RateKey, Refusal, RequestMeta, RequestRecord, Transport, bearer,
};
pub use limits::{Limits, StreamLimits};
pub use listener::{ListenerLimits, serve};
pub use params::GraphqlParams;
pub use persisted::{ManifestError, PersistedDocuments, PersistedMode, UnfitDocument};
pub use rate::RateStatus;
pub use scan::scan;
