//! The front: admits a request, or says why not.

use std::{sync::Arc, time::Instant};

use apollo_compiler::{Schema, validation::Valid};
use async_graphql::{Executor, Request, Variables};
use http::StatusCode;

use crate::{
    Limits,
    cache::DocumentCache,
    coerce::coerce,
    digest::Digest,
    document::{Document, Operation, OperationKind},
    error::{ErrorCode, GraphqlError, Phase, Refused},
    host::{EventCursor, Host, Peer, RateKey, RequestMeta, Transport},
    introspect::{Introspection, SchemaPart},
    load::{Load, LoadSlot},
    params::{GraphqlParams, no_document},
    persisted::{PersistedDocuments, PersistedMode},
    rate::{RateLimiter, RateStatus},
};

/// The request pipeline of one schema. Clones share everything.
pub struct Front<H, S>(pub(crate) Arc<Inner<H, S>>);

impl<H, S> Clone for Front<H, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub(crate) struct Inner<H, S> {
    pub(crate) host: H,
    pub(crate) executor: S,
    pub(crate) limits: Limits,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    pub(crate) closing: tokio_util::sync::CancellationToken,
    pub(crate) schema: Valid<Schema>,
    pub(crate) introspection: Introspection,
    cache: DocumentCache,
    persisted: PersistedDocuments,
    pub(crate) rate: Option<RateLimiter>,
    load: Arc<Load>,
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
            arrived: Instant::now(),
        }
    }
}

/// A request that passed every check and is ready to run.
pub(crate) struct Admitted<H: Host> {
    pub(crate) request: Request,
    pub(crate) operation: Arc<Operation>,
    pub(crate) schema_part: Option<SchemaPart>,
    pub(crate) meta: Arc<RequestMeta>,
    pub(crate) work: H::Work,
    pub(crate) charge: Charge,
    pub(crate) slot: LoadSlot,
    pub(crate) cursor: Option<EventCursor>,
    /// The variables of a request that wants its cost by path.
    pub(crate) explain: Option<Variables>,
}

/// What was taken from a bucket.
#[derive(Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) key: RateKey,
    pub(crate) points: u64,
    pub(crate) status: Option<RateStatus>,
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
            streams: Arc::new(tokio::sync::Semaphore::new(limits.streams.connections)),
            closing: tokio_util::sync::CancellationToken::new(),
            host,
            executor,
            limits,
            introspection: Introspection::of(&schema),
            persisted,
            schema,
        })))
    }

    /// The host this front was given.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.0.host
    }

    /// Ends sockets and event streams, so that a graceful shutdown does not wait for them. New ones are refused.
    pub fn close_streams(&self) {
        self.0.closing.cancel();
    }
}

impl<H: Host, S: Executor> Inner<H, S> {
    /// Every check between the arrival of a request and its execution.
    pub(crate) fn admit(
        &self,
        mut params: GraphqlParams,
        identity: &H::Identity,
        caller: &Caller,
    ) -> Result<Admitted<H>, Refused> {
        let key = self.host.rate_key(identity, &caller.peer);
        let checked = self.check(&mut params, caller);
        let (document, operation, variables, cost) = checked.inspect_err(|_| {
            // Refusing costs work too; whoever sends nothing but nonsense runs out of points.
            self.rate.iter().for_each(|rate| rate.charge(key, 1, caller.arrived));
        })?;
        let price = if operation.is_dry_run(&variables) { 1 } else { cost };
        let rate = match self.rate.as_ref().map(|rate| rate.take(key, price, caller.arrived)) {
            None => None,
            Some(Ok(status)) => Some(status),
            Some(Err((status, wait))) => return Err(rate_limited(status, price, wait)),
        };
        let Some(slot) = self.load.admit(operation.kind, price) else {
            if let Some(rate) = &self.rate {
                rate.refund(key, price, caller.arrived);
            }
            return Err(overloaded());
        };
        let meta = Arc::new(RequestMeta {
            request_id: Arc::clone(&caller.request_id),
            transport: match (caller.transport, operation.kind) {
                (Transport::Http, OperationKind::Subscription) => Transport::EventStream,
                (transport, _) => transport,
            },
            peer: caller.peer.clone(),
            operation_name: operation.name.clone(),
            kind: operation.kind,
            document: document.hash,
            cost,
            rate,
            last_event_id: caller.last_event_id.clone(),
            started: caller.arrived,
        });
        let explain = params.wants_cost().then(|| variables.clone());
        let mut request = Request::new(String::new());
        let mut executable = operation.executable(&self.schema, &variables);
        let schema_part = operation.asks_schema.then(|| SchemaPart::take(&mut executable, &variables));
        request.set_parsed_query(executable);
        request.operation_name = operation.name.as_deref().map(str::to_owned);
        request.variables = variables;
        request.data.insert(Arc::clone(&meta));
        let cursor = (operation.kind == OperationKind::Subscription).then(EventCursor::default);
        if let Some(cursor) = &cursor {
            request.data.insert(cursor.clone());
        }
        let (request, work) = self.host.prepare(request, identity, &meta);
        let charge = Charge { key, points: price, status: rate };
        Ok(Admitted { request, operation, schema_part, meta, work, charge, slot, cursor, explain })
    }

    fn check(&self, params: &mut GraphqlParams, caller: &Caller) -> Result<Checked, Refused> {
        let document = self.document(params)?;
        let operation = Arc::clone(document.operation(params.operation())?);
        if caller.safe && operation.kind == OperationKind::Mutation {
            let error = GraphqlError::new(ErrorCode::BadRequest, "Mutations need POST; GET is for queries.");
            let refused = Refused::transport(StatusCode::METHOD_NOT_ALLOWED, error);
            return Err(Refused { allow: Some("POST"), ..refused });
        }
        if !caller.streams && operation.kind == OperationKind::Subscription {
            let message = "Subscriptions need a stream: a WebSocket, or \"Accept: text/event-stream\".";
            let error = GraphqlError::new(ErrorCode::BadRequest, message);
            return Err(Refused::transport(StatusCode::NOT_ACCEPTABLE, error));
        }
        let mut given = params.variables.take().unwrap_or_default();
        let variables = coerce(&self.schema, &operation.variables, &mut given).map_err(Refused::document)?;
        let cost = operation.cost.points(&variables);
        if cost > self.limits.cost && !operation.is_dry_run(&variables) {
            let limit = self.limits.cost;
            let message =
                format!("The operation may cost {cost} points, more than {limit}: ask for smaller pages.");
            let error = GraphqlError::new(ErrorCode::QueryTooComplex, message)
                .with("limit", limit)
                .with("actual", cost);
            let error = if params.wants_cost() {
                error.with("cost", operation.cost.breakdown(&variables))
            } else {
                error
            };
            return Err(error.into());
        }
        Ok((document, operation, variables, cost))
    }

    /// The validated document of a request: from the cache, or prepared and put there.
    fn document(&self, params: &GraphqlParams) -> Result<Arc<Document>, Refused> {
        let id = params.document_id.as_deref().or_else(|| params.apollo_hash());
        let text: std::borrow::Cow<'_, str> = match (params.query.as_deref(), id) {
            (Some(text), _) => {
                self.persisted.allow(text)?;
                text.into()
            }
            (None, Some(id)) => self.persisted.find(id)?.to_string().into(),
            (None, None) => return Err(no_document()),
        };
        let register = params.query.as_ref().and(params.apollo_hash());
        if let Some(cached) = self.cache.get(&text) {
            if register.is_some() {
                self.register(&cached, register)?;
            }
            return Ok(cached);
        }
        let document = Arc::new(Document::prepare(&self.schema, &text, &self.limits)?);
        self.register(&document, register)?;
        self.cache.insert(Arc::clone(&document));
        Ok(document)
    }

    fn register(&self, document: &Document, hash: Option<&str>) -> Result<(), Refused> {
        if hash.is_some_and(|hash| Digest::parse(hash) != Some(document.hash)) {
            return Err(Refused::malformed("\"sha256Hash\" is not the SHA-256 of \"query\"."));
        }
        self.persisted.validated(document.hash, &document.text, hash.is_some());
        Ok(())
    }
}

type Checked = (Arc<Document>, Arc<Operation>, Variables, u64);

fn rate_limited(status: RateStatus, cost: u64, wait: u64) -> Refused {
    let message = format!(
        "The operation may cost {cost} points, but {} of {} are left this minute: try again in {wait} s.",
        status.remaining, status.limit
    );
    let error = GraphqlError::new(ErrorCode::RateLimited, message)
        .with("limit", status.limit)
        .with("remaining", status.remaining)
        .with("actual", cost);
    let refused = Refused::transport(StatusCode::TOO_MANY_REQUESTS, error);
    Refused { retry_after: Some(wait), rate: Some(status), ..refused }
}

fn overloaded() -> Refused {
    let error =
        GraphqlError::new(ErrorCode::Unavailable, "The server has too much to do: try again in a moment.");
    Refused { retry_after: Some(1), ..Refused::transport(StatusCode::SERVICE_UNAVAILABLE, error) }
}

impl Refused {
    /// The HTTP status; `legacy` is the media type `application/json`.
    #[must_use]
    pub fn status(&self, legacy: bool) -> StatusCode {
        match self.phase {
            Phase::Transport(status) => status,
            Phase::Document(_) if legacy => StatusCode::OK,
            Phase::Document(status) => status,
        }
    }

    /// Codes of its errors.
    #[must_use]
    pub fn codes(&self) -> Vec<ErrorCode> {
        self.errors.iter().map(|error| error.code).collect()
    }
}
