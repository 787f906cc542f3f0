//! Admission: every check between the arrival of a request and its execution.

use std::sync::Arc;

use async_graphql::{Executor, Variables};
use http::StatusCode;

use crate::{
    coerce::coerce,
    cost::json_of,
    digest::Digest,
    document::{Document, Operation, OperationKind},
    error::{ErrorCode, GraphqlError, Refused},
    execute::Execution,
    front::{Admitted, Caller, Charge, Inner},
    host::{Host, RequestMeta, Transport},
    params::{GraphqlParams, no_document},
    rate::RateStatus,
};

impl<H: Host, S: Executor> Inner<H, S> {
    /// Every check between the arrival of a request and its execution.
    pub(crate) fn admit(
        &self,
        mut params: GraphqlParams,
        identity: &H::Identity,
        caller: &Caller,
    ) -> Result<Admitted<H>, Refused> {
        let meter = self.rate.as_ref().zip(self.host.rate_key(identity, &caller.peer));
        let checked = self.check(&mut params, caller);
        let (document, operation, variables, cost) = checked.inspect_err(|_| {
            // Refusing costs work too; whoever sends nothing but nonsense runs out of points.
            meter.iter().for_each(|(rate, key)| rate.charge(*key, 1, caller.arrived));
        })?;
        let price = if operation.is_dry_run(&variables) { 1 } else { cost };
        let rate = match meter.map(|(rate, key)| rate.take(key, price, caller.arrived)) {
            None => None,
            Some(Ok(status)) => Some(status),
            Some(Err((status, wait))) => return Err(rate_limited(status, price, wait)),
        };
        let Some(slot) = self.load.admit(operation.kind, price) else {
            if let Some((rate, key)) = meter {
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
            priced: operation.asks_price().then(|| (Arc::clone(&operation), variables.clone())),
        });
        let question = self.question(&document, &operation, &variables, identity);
        let explain = params.wants_cost().then(|| variables.clone());
        let identity = identity.clone();
        let execution = Execution { operation, variables, meta, identity, work: Arc::default() };
        // A client knows of its stream before the stream is polled, and misses nothing that happens from then on.
        let is_stream = execution.operation.kind == OperationKind::Subscription;
        let begun = is_stream.then(|| self.begin(&execution));
        let charge = Charge { key: meter.map(|(_, key)| key), points: price };
        Ok(Admitted { execution, begun, charge, slot, explain, question })
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
        let own = |name: &str, value: &_| self.host.scalar(name, value);
        let variables =
            coerce(&self.schema, &own, &operation.variables, &mut given).map_err(Refused::document)?;
        let cost = operation.cost.points(&variables);
        if cost > self.limits.cost && !operation.is_dry_run(&variables) {
            let limit = self.limits.cost;
            let message =
                format!("The operation may cost {cost} points, more than {limit}: ask for smaller pages.");
            let error = GraphqlError::new(ErrorCode::QueryTooComplex, message)
                .with("limit", limit)
                .with("actual", cost);
            let error = if params.wants_cost() {
                error.with("cost", json_of(operation.cost.by_path(&variables)))
            } else {
                error
            };
            return Err(error.into());
        }
        Ok((document, operation, variables, cost))
    }

    /// The validated document of a request: from the cache, or prepared and put there.
    fn document(&self, params: &GraphqlParams) -> Result<Arc<Document>, Refused> {
        let (query, id, hash) = (params.query.as_deref(), params.id()?, params.apollo_hash()?);
        self.agree(query, id, hash)?;
        let text: std::borrow::Cow<'_, str> = match (query, id, hash) {
            (Some(text), _, _) => {
                self.persisted.allow(text)?;
                text.into()
            }
            (None, Some(id), _) => self.persisted.find(id)?.to_string().into(),
            (None, None, Some(hash)) => self.persisted.find(&hash.to_string())?.to_string().into(),
            (None, None, None) => return Err(no_document()),
        };
        let register = query.is_some() && hash.is_some();
        if let Some(cached) = self.cache.get(&text) {
            if register {
                self.persisted.validated(cached.hash, &cached.text, register);
            }
            return Ok(cached);
        }
        let own = |name: &str, value: &_| self.host.scalar(name, value);
        let document = Arc::new(Document::prepare(&self.schema, &own, &text, &self.limits)?);
        self.persisted.validated(document.hash, &document.text, register);
        self.cache.insert(Arc::clone(&document));
        Ok(document)
    }

    /// Refuses a request that means two documents: which one would run is a guess, and whoever stands in between, a cache or a
    /// log, may make another. An id that is unknown and no hash may be of any text.
    fn agree(&self, query: Option<&str>, id: Option<&str>, hash: Option<Digest>) -> Result<(), Refused> {
        if [query.is_some(), id.is_some(), hash.is_some()].into_iter().filter(|given| *given).count() < 2 {
            return Ok(());
        }
        let (text, named) = (query.map(Digest::of), id.and_then(|id| self.persisted.named(id)));
        let differ = |one: Option<Digest>, other| one.zip(other).is_some_and(|(one, other)| one != other);
        let message = if differ(hash, text) {
            "\"sha256Hash\" is not the SHA-256 of \"query\"."
        } else if differ(named, text) {
            "\"documentId\" names another document than \"query\" is."
        } else if differ(named, hash) {
            "\"documentId\" and \"sha256Hash\" name different documents."
        } else {
            return Ok(());
        };
        Err(Refused::malformed(message))
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
