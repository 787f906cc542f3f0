//! Whether the process lives, and whether it can serve.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Site;

/// The process lives.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// The database answers and the server is not on its way out.
pub(super) async fn ready(State(site): State<Site>) -> Response {
    if site.services.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining").into_response();
    }
    match site.db.ping().await {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response()
        }
    }
}
