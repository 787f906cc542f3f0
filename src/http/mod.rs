//! What is served over HTTP: the front at `/graphql`, the IDE, files, Terraform states, health.

mod files;
mod health;
mod host;
mod ide;
mod metrics;
mod state;
mod states;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
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
        Front::with_documents(Server::new(site.clone()), Coded::new(schema()), &sdl(), limits, documents)
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
        .with_state(site)
        .merge(front.router());
    (front, router)
}

async fn schema_text() -> Response {
    (
        [(header::CONTENT_TYPE, "application/graphql; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")],
        sdl(),
    )
        .into_response()
}

/// A refusal in the shape of a GraphQL answer: clients have one way to read errors.
fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    let mut response = (status, axum::Json(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge =
            http::HeaderValue::from_static("Bearer realm=\"guildhall\", Basic realm=\"guildhall\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The answer to an error of an operation, for handlers outside GraphQL.
fn answer(error: &Error) -> Response {
    match error {
        Error::Denied(crate::authz::Denied::Anonymous) => {
            refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", &error.to_string())
        }
        Error::Denied(_) => refusal(StatusCode::FORBIDDEN, "FORBIDDEN", &error.to_string()),
        Error::NotFound(_) => refusal(StatusCode::NOT_FOUND, "NOT_FOUND", &error.to_string()),
        Error::Refused(_) | Error::BadInput { .. } => {
            refusal(StatusCode::UNPROCESSABLE_ENTITY, "BAD_USER_INPUT", &error.to_string())
        }
        Error::TooMany { .. } => refusal(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", &error.to_string()),
        Error::Conflict(_) => refusal(StatusCode::CONFLICT, "CONFLICT", &error.to_string()),
        Error::Unavailable(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", &error.to_string()),
        Error::Internal(cause) => {
            tracing::error!(%cause, "a request failed");
            let message = "something went wrong on our side; the server's log has the cause";
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message)
        }
    }
}
