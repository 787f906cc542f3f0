//! What is served over HTTP: the front at `/graphql`, the IDE, files, Terraform states, health.

mod files;
mod health;
mod host;
mod ide;
mod metrics;
mod refusal;
mod state;
mod states;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, put};
use guildhall_front::{Front, Limits, PersistedDocuments};
use http::{StatusCode, header};

use crate::authn::{self, BuiltinKey, Recognised, Rejected};
use crate::authz::Origin;
use crate::db::Db;
use crate::error::Error;
use crate::graphql::context::Services;
use crate::graphql::{Coded, schema, sdl};
pub use host::Server;
use metrics::Metrics;
use refusal::{answer, refusal};
use upload::Upload;

/// The front with our schema and host.
pub type GraphqlFront = Front<Server, Coded>;

/// What handlers need.
#[derive(Clone)]
pub struct Site {
    pub(crate) db: Db,
    metrics: Metrics,
    pub(crate) services: Arc<Services>,
    pub(crate) builtin: Option<BuiltinKey>,
    slow_request: Option<Duration>,
}

impl Site {
    /// What handlers need.
    pub fn new(
        db: Db,
        services: Arc<Services>,
        builtin: Option<BuiltinKey>,
        slow_request: Option<Duration>,
    ) -> Self {
        Self { db, metrics: Metrics::default(), services, builtin, slow_request }
    }

    async fn recognise(
        &self,
        token: Option<&str>,
        origin: Origin,
    ) -> Result<Result<Recognised, Rejected>, Error> {
        authn::recognise(
            &self.db,
            &self.services.lookups,
            &self.services.session_keys,
            self.builtin.as_ref(),
            token,
            origin,
        )
        .await
    }
}

/// What Prometheus asks: `GET /metrics`, for an address of its own.
pub fn metrics_router(site: Site) -> Router {
    Router::new().route("/metrics", get(metrics::answer)).with_state(site)
}

/// The front of a site, and the router with everything.
///
/// # Panics
/// Never: the schema that we print is valid, which a test shows.
pub fn router(site: Site, limits: Limits, documents: PersistedDocuments) -> (GraphqlFront, Router) {
    let front =
        Front::with_documents(Server::new(site.clone()), Coded::new(schema()), sdl(), limits, documents)
            .expect("the schema that async-graphql prints is valid (test `the_schema_is_the_committed_one`)");
    let router = Router::new()
        .route("/", get(|| async { Redirect::to("/graphql") }))
        .route("/playground", get(|| async { Redirect::permanent("/graphql") }))
        .route("/graphql/ide/{*path}", get(ide::asset))
        .route("/schema.graphql", get(schema_text))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/files", put(files::upload))
        .route("/files/{id}", get(files::download))
        .route("/provisioner-jobs/{id}/state", any(state::handle))
        .route("/states/{build}", get(states::download).put(states::upload))
        .fallback(|| async {
            refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here; the API is at /graphql")
        })
        .method_not_allowed_fallback(|| async {
            let message = "nothing here takes this method; the header Allow names those that it takes";
            refusal(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message)
        })
        .layer(middleware::from_fn(refusal::with_request_id))
        .with_state(site)
        .merge(front.router());
    (front, router)
}

async fn schema_text() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "application/graphql; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "no-cache")], sdl())
}
