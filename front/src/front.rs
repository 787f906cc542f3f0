//! The front: what it is made of, and what passes between its stages.

use std::{sync::Arc, time::Instant};

use apollo_compiler::{Schema, validation::Valid};
use async_graphql::{Executor, Variables};

use crate::{
    Limits,
    cache::DocumentCache,
    document::Document,
    execute::{Begun, Execution, Executions, Question},
    host::{Host, Peer, RateKey, Transport},
    introspect::Introspection,
    load::{Load, LoadSlot},
    persisted::{PersistedDocuments, PersistedMode, UnfitDocument},
    rate::RateLimiter,
};

/// The request pipeline of one schema. Clones share everything.
pub struct Front<H: Host, S>(pub(crate) Arc<Inner<H, S>>);

impl<H: Host, S> Clone for Front<H, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub(crate) struct Inner<H: Host, S> {
    pub(crate) host: H,
    pub(crate) executor: S,
    pub(crate) limits: Limits,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    pub(crate) closing: tokio_util::sync::CancellationToken,
    /// Sockets and event streams, each in a task of its own.
    pub(crate) tasks: tokio_util::task::TaskTracker,
    pub(crate) schema: Valid<Schema>,
    pub(crate) introspection: Introspection,
    pub(crate) cache: DocumentCache,
    pub(crate) persisted: PersistedDocuments,
    pub(crate) rate: Option<RateLimiter>,
    pub(crate) load: Arc<Load>,
    pub(crate) executions: Executions<H::Audience>,
}

/// A schema description the front cannot use.
#[derive(Debug, thiserror::Error)]
#[error("the schema description is not valid: {0}")]
pub struct SchemaError(String);

/// Who sends a request, and how.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Id of the request.
    pub request_id: Arc<str>,
    /// How the request came.
    pub transport: Transport,
    /// Where the request came from.
    pub peer: Peer,
    /// The last event the client has seen.
    pub last_event_id: Option<Arc<str>>,
    /// Whether the request may have no effect (HTTP GET).
    pub safe: bool,
    /// Whether the caller can read a stream of answers.
    pub streams: bool,
    /// The trace that the client is in, as the header `traceparent` tells it.
    pub traceparent: Option<Arc<str>>,
    /// When the request arrived.
    pub arrived: Instant,
}

impl Caller {
    /// A call inside the process.
    #[must_use]
    pub fn direct() -> Self {
        let request_id = crate::request_id::fresh();
        let (transport, peer) = (Transport::Direct, Peer::default());
        Self {
            request_id,
            transport,
            peer,
            last_event_id: None,
            safe: false,
            streams: false,
            traceparent: None,
            arrived: Instant::now(),
        }
    }
}

/// A request that passed every check and is ready to run.
pub(crate) struct Admitted<H: Host> {
    pub(crate) execution: Execution<H>,
    /// Of a subscription.
    pub(crate) begun: Option<Begun>,
    pub(crate) charge: Charge,
    pub(crate) slot: LoadSlot,
    /// The variables of a request that wants its cost by path.
    pub(crate) explain: Option<Variables>,
    /// What it asks, where others may ask the same.
    pub(crate) question: Option<Question<H::Audience>>,
}

/// What was taken from a bucket.
#[derive(Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) key: Option<RateKey>,
    pub(crate) points: u64,
}

impl<H: Host, S: Executor> Front<H, S> {
    /// A front for a schema. `sdl` describes what `executor` executes; documents are validated against it. The
    /// executor should be built with `ValidationMode::Fast` and without limits of its own.
    ///
    /// # Errors
    /// When `sdl` is not a valid schema.
    pub fn new(host: H, executor: S, sdl: &str, limits: Limits) -> Result<Self, SchemaError> {
        let persisted = PersistedDocuments::new(PersistedMode::Off, limits.cache_bytes / 4);
        Self::with_documents(host, executor, sdl, limits, persisted)
    }

    /// A front with persisted documents.
    ///
    /// # Errors
    /// When `sdl` is not a valid schema.
    pub fn with_documents(
        host: H,
        executor: S,
        sdl: &str,
        limits: Limits,
        persisted: PersistedDocuments,
    ) -> Result<Self, SchemaError> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .map_err(|failed| SchemaError(failed.errors.to_string()))?;
        Ok(Self(Arc::new(Inner {
            cache: DocumentCache::new(limits.cache_bytes),
            rate: RateLimiter::new(&limits),
            load: Load::new(limits.in_flight_cost),
            executions: Executions::default(),
            streams: Arc::new(tokio::sync::Semaphore::new(limits.streams.connections)),
            closing: tokio_util::sync::CancellationToken::new(),
            tasks: tokio_util::task::TaskTracker::new(),
            host,
            executor,
            limits,
            introspection: Introspection::of(&schema),
            persisted,
            schema,
        })))
    }

    /// The documents of manifests that can't run: clients may be ahead of their server.
    #[must_use]
    pub fn unfit_documents(&self) -> Vec<UnfitDocument> {
        let Inner { host, schema, limits, persisted, .. } = &*self.0;
        let own = |name: &str, value: &_| host.scalar(name, value);
        persisted.unfit(|text| Document::prepare(schema, &own, text, limits).map(drop))
    }

    /// The host this front was given.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.0.host
    }

    /// Ends sockets and event streams, so that a graceful shutdown does not wait for them. New ones are refused.
    pub fn close_streams(&self) {
        self.0.closing.cancel();
        self.0.tasks.close();
    }

    /// Waits until every socket and event stream has ended; [`close_streams`](Self::close_streams) makes them end.
    pub async fn streams_closed(&self) {
        self.0.tasks.wait().await;
    }
}
