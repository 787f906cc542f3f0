//! What the front asks of us: who is asking, what goes into a request, what is written down about it.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request as GraphqlRequest;
use axum::response::Response;
use guildhall_front::{Ended, ErrorCode, Host, Peer, RateKey, Refusal, RequestMeta, RequestRecord};
use http::HeaderMap;

use super::Site;
use crate::authn::{Recognised, Rejected};
use crate::authz::{Identity, Origin};
use crate::db::Stats;
use crate::graphql::context::Request;

/// How often an open stream asks whether its token is still good.
const ASK_AGAIN: Duration = Duration::from_secs(5);

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

impl Host for Server {
    type Identity = Caller;
    type Work = Arc<Stats>;

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
            loop {
                tokio::time::sleep(ASK_AGAIN).await;
                match site.recognise(Some(&token), Origin::default()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(Rejected::Expired)) => return Ended::Expired,
                    Ok(Err(Rejected::Suspended)) => return Ended::Suspended,
                    Ok(Err(Rejected::Unknown | Rejected::UnknownKey | Rejected::UnknownApiToken)) => {
                        return Ended::Revoked;
                    }
                    Err(error) => tracing::warn!(%error, "could not ask again whether a token is good"),
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

    fn observe(&self, record: &RequestRecord<'_, Self>) {
        let operation = record.operation;
        let failed = record.codes.contains(&ErrorCode::InternalServerError);
        let name = operation.and_then(|operation| operation.operation_name.as_deref()).unwrap_or_default();
        let actor = record.identity.map_or("", |caller| caller.recognised.actor.name());
        let (statements, rows) = record.work.map_or((0, 0), |stats| (stats.statements(), stats.rows()));
        let document = operation.map(|operation| operation.document.to_string()).unwrap_or_default();
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
                    codes = ?record.codes,
                    cost = record.cost,
                    statements,
                    rows,
                    bytes = record.bytes,
                    milliseconds,
                )
            };
        }
        // Daemons ask for work all day long: what goes well with them would bury what people do.
        let is_routine = record.codes.is_empty()
            && record
                .identity
                .is_some_and(|caller| matches!(caller.recognised.actor.identity(), Identity::Daemon { .. }));
        match (failed, is_routine) {
            (true, _) => line!(error),
            (false, true) => line!(debug),
            (false, false) => line!(info),
        }
    }

    fn page(&self, headers: &HeaderMap) -> Option<Response> {
        super::ide::page(headers)
    }
}
