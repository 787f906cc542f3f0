//! Whether the process lives, and whether it can serve.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Site;

/// How long the database may take to answer: less than whoever asks usually waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process lives.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// The database answers and the server is not on its way out.
pub(super) async fn ready(State(site): State<Site>) -> Response {
    if site.services.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining").into_response();
    }
    match tokio::time::timeout(PATIENCE, site.db.ping()).await {
        Ok(Ok(())) => return "ok".into_response(),
        Ok(Err(error)) => tracing::warn!(%error, "not ready"),
        Err(_elapsed) => tracing::warn!("not ready: the database is silent"),
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response()
}
