//! Terraform states for people who must look at them or repair them, outside GraphQL.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use guildhall_entity::id::WorkspaceBuildId;
use http::{HeaderMap, StatusCode, header};

use super::files::user;
use super::state::{STATE_MAX, too_large};
use super::{Site, Upload, answer};
use crate::error::{Error, Result};
use crate::workspace::state;

/// `GET /states/{build}`: the state that a workspace had after a build.
pub(super) async fn download(
    State(site): State<Site>,
    Path(build): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&site, &build, &headers).await {
        Ok(state) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::CACHE_CONTROL, "no-store".to_owned()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
                (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{build}.tfstate\"")),
            ];
            (headers, state).into_response()
        }
        Err(response) => response,
    }
}

async fn find(site: &Site, build: &str, headers: &HeaderMap) -> Result<Vec<u8>, Response> {
    let actor = user(site, headers).await?;
    let id = parse(build).map_err(|error| answer(&error))?;
    let found = state::download(&site.db, &site.services.sealer, &actor, id).await;
    found.map_err(|error| answer(&error))
}

/// `PUT /states/{build}`: replaces it by one that was repaired.
pub(super) async fn upload(
    State(site): State<Site>,
    Path(build): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match keep(&site, &build, &headers, body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(response) => response,
    }
}

async fn keep(site: &Site, build: &str, headers: &HeaderMap, body: Body) -> Result<(), Response> {
    let actor = user(site, headers).await?;
    let id = parse(build).map_err(|error| answer(&error))?;
    let state = Upload::new(body, STATE_MAX, too_large).whole().await?;
    let kept = state::upload(&site.db, &site.services.sealer, &actor, id, &state).await;
    kept.map_err(|error| answer(&error))
}

fn parse(build: &str) -> Result<WorkspaceBuildId> {
    build.parse().map_err(|_| Error::NotFound("build"))
}
