//! What the front asks of us: who is asking, what goes into a request, what is written down about it.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::{Request as GraphqlRequest, Value};
use axum::response::Response;
use guildhall_front::{
    Caller as FrontCaller, Ended, ErrorCode, Host, OperationKind, Peer, RateKey, Refusal, RequestMeta,
    RequestRecord,
};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Site;
use crate::authn::{self, Recognised, Rejected};
use crate::authz::{Actor, Identity, Origin};
use crate::db::{Stats, boxed};
use crate::graphql::context::Request;
use crate::trace;

/// The application behind the front.
pub struct Server {
    site: Site,
}

impl Server {
    pub(super) fn new(site: Site) -> Self {
        Self { site }
    }
}

/// Somebody recognised, with the token to ask again.
#[derive(Clone)]
pub struct Caller {
    recognised: Recognised,
    token: Option<Arc<str>>,
}

/// Somebody by one credential, as long as what they hold does not change.
pub struct Audience(Actor);

impl PartialEq for Audience {
    fn eq(&self, other: &Self) -> bool {
        self.0.holds_the_same(&other.0)
    }
}

impl Eq for Audience {}

impl Hash for Audience {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.user_id().hash(state);
    }
}

impl Host for Server {
    type Identity = Caller;
    type Work = Arc<Stats>;
    type Audience = Audience;

    async fn authenticate(&self, token: Option<&str>, peer: &Peer) -> Result<Caller, Refusal> {
        let user_agent = peer.user_agent.to_string();
        let origin = Origin { ip: peer.address, user_agent, ..Origin::default() };
        match self.site.recognise(token, origin).await {
            Ok(Ok(recognised)) => Ok(Caller { recognised, token: token.map(Arc::from) }),
            Ok(Err(rejected)) => Err(Refusal::unauthenticated(rejected.to_string())),
            Err(error) => {
                tracing::error!(%error, "could not look up a token");
                Err(Refusal::unavailable("who you are can't be looked up now; try again"))
            }
        }
    }

    fn span(&self, caller: &FrontCaller) -> Span {
        let span = tracing::trace_span!(
            target: trace::TARGET,
            parent: None,
            "request",
            otel.name = "GraphQL request",
            otel.kind = "server",
            otel.status_code = Empty,
            graphql.operation.name = Empty,
            graphql.operation.type = Empty,
            http.response.status_code = Empty,
            guildhall.request_id = &*caller.request_id,
            guildhall.transport = caller.transport.as_str(),
            guildhall.actor = Empty,
            guildhall.document = Empty,
            guildhall.cost = Empty,
            guildhall.statements = Empty,
        );
        if let Some(parent) = caller.traceparent.as_deref().filter(|_| !span.is_disabled()) {
            let carrier = HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
            if let Err(error) = span.set_parent(TraceContextPropagator::new().extract(&carrier)) {
                tracing::debug!(%error, "a trace could not be joined");
            }
        }
        span
    }

    fn prepare(
        &self,
        request: GraphqlRequest,
        caller: &Caller,
        meta: &Arc<RequestMeta>,
    ) -> (GraphqlRequest, Arc<Stats>) {
        let origin = Origin {
            request_id: meta.request_id.to_string(),
            ip: meta.peer.address,
            ..caller.recognised.actor.origin().clone()
        };
        let db = self.site.db.counted();
        let stats = db.stats().clone();
        let context = Request::new(db, caller.recognised.actor.at(origin), self.site.services.clone());
        (request.data(Arc::new(context)), stats)
    }

    fn ended(&self, caller: &Caller) -> impl Future<Output = Ended> + Send + 'static {
        let (site, caller) = (self.site.clone(), caller.clone());
        async move {
            let Some(token) = caller.token else { return std::future::pending().await };
            let mut actor = caller.recognised.actor;
            let mut watch = site.services.watches.begin(&actor);
            loop {
                watch.is_another(&actor).await;
                match recognised_again(&site, &token).await {
                    Ok(recognised) => actor = recognised.actor,
                    Err(Rejected::Expired | Rejected::ExpiredApiToken) => return Ended::Expired,
                    Err(Rejected::Suspended) => return Ended::Suspended,
                    Err(Rejected::Unknown | Rejected::UnknownKey | Rejected::UnknownApiToken) => {
                        return Ended::Revoked;
                    }
                }
            }
        }
    }

    fn rate_key(&self, caller: &Caller, peer: &Peer) -> Option<RateKey> {
        match caller.recognised.actor.identity() {
            Identity::User { id, .. } => Some(RateKey::of(id)),
            Identity::Anonymous | Identity::System(_) => Some(RateKey::of(&peer.address)),
            // A daemon that can't report is a job that hangs; its calls are bounded by the jobs it is given.
            Identity::Daemon { .. } => None,
        }
    }

    fn audience(&self, caller: &Caller) -> Option<Audience> {
        let actor = &caller.recognised.actor;
        matches!(actor.identity(), Identity::User { .. }).then(|| Audience(actor.clone()))
    }

    fn scalar(&self, name: &str, value: &Value) -> Result<(), String> {
        crate::graphql::scalar::check(name, value)
    }

    fn observe(&self, record: &RequestRecord<'_, Self>) {
        let operation = record.operation;
        let failed = record.codes.contains(&ErrorCode::InternalServerError);
        let name = operation.and_then(|operation| operation.operation_name.as_deref()).unwrap_or_default();
        let actor = record.identity.map_or("", |caller| caller.recognised.actor.name());
        let (statements, rows) = record.work.map_or((0, 0), |stats| (stats.statements(), stats.rows()));
        let document = operation.map(|operation| operation.document.to_string()).unwrap_or_default();
        let mut codes: Vec<&str> = record.codes.iter().map(|code| code.as_str()).collect();
        codes.dedup();
        let codes = codes.join(",");
        self.site.metrics.observe(record, statements);
        let milliseconds = record.duration.as_secs_f64() * 1000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "guildhall::request",
                    request_id = record.request_id,
                    transport = record.transport.as_str(),
                    operation = name,
                    document,
                    actor,
                    status = record.status,
                    codes,
                    answered_by = record.answered_by,
                    cost = record.cost,
                    statements,
                    rows,
                    bytes = record.bytes,
                    milliseconds,
                )
            };
        }
        // Daemons ask for work all day long, and wait for it: what goes well with them would bury what people do.
        let is_daemon = record
            .identity
            .is_some_and(|caller| matches!(caller.recognised.actor.identity(), Identity::Daemon { .. }));
        let is_routine = is_daemon && record.codes.is_empty();
        let is_stream = operation.is_some_and(|operation| operation.kind == OperationKind::Subscription);
        if self.site.slow_request.is_some_and(|limit| record.duration >= limit) && !is_daemon && !is_stream {
            tracing::warn!(
                target: "guildhall::slow",
                request_id = record.request_id,
                operation = name,
                document,
                statements,
                rows,
                milliseconds,
                "slow request"
            );
        }
        traced(record, name, actor, &document, statements);
        match (failed, is_routine) {
            (true, _) => line!(error),
            (false, true) => line!(debug),
            (false, false) => line!(info),
        }
    }

    fn page(&self) -> Option<Response> {
        Some(super::ide::page())
    }
}

/// Who a token's holder is now, asked until there is an answer.
async fn recognised_again(site: &Site, token: &str) -> Result<Recognised, Rejected> {
    loop {
        match boxed(site.recognise(Some(token), Origin::default())).await {
            Ok(answer) => return answer,
            Err(error) => tracing::warn!(%error, "could not ask again whether a token is good"),
        }
        tokio::time::sleep(authn::watch::EVERY).await;
    }
}

/// Writes what became of a request into its span.
fn traced(record: &RequestRecord<'_, Server>, name: &str, actor: &str, document: &str, statements: u32) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    if let Some(operation) = record.operation {
        let kind = operation.kind.as_str();
        // Its first statement has begun the span, and a span that has begun takes no name from a field.
        span.context().span().update_name(format!("{kind} {name}").trim_end().to_owned());
        span.record("graphql.operation.name", name);
        span.record("graphql.operation.type", kind);
        span.record("guildhall.document", document);
    }
    if record.status >= 500 || record.codes.contains(&ErrorCode::InternalServerError) {
        span.record("otel.status_code", "ERROR");
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    span.record("http.response.status_code", i64::from(record.status));
    span.record("guildhall.actor", actor);
    span.record("guildhall.cost", number(record.cost));
    span.record("guildhall.statements", i64::from(statements));
}
