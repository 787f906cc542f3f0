//! Template archives up and down, outside GraphQL: streamed, never whole in memory.

use std::fs::File;
use std::io::Write as _;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use futures_util::{StreamExt, TryStreamExt};
use guildhall_front::{Refusal, bearer};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{Site, Upload, answer, refusal};
use crate::authn::secret;
use crate::authz::{Actor, Denied, Origin};
use crate::error::{Error, Result};
use crate::provisioner::job;
use crate::template::FileRow;
use crate::template::file::{self, ARCHIVE_MAX};

/// `PUT /files`: keeps an archive; answers its id, SHA-256 and size.
pub(super) async fn upload(State(site): State<Site>, headers: HeaderMap, body: Body) -> Response {
    match keep(&site, &headers, body).await {
        Ok(row) => {
            let body =
                json!({ "id": row.id.to_string(), "sha256": HEXLOWER.encode(&row.sha256), "size": row.size });
            (StatusCode::CREATED, axum::Json(body)).into_response()
        }
        Err(response) => response,
    }
}

async fn keep(site: &Site, headers: &HeaderMap, body: Body) -> Result<FileRow, Response> {
    // Who may not upload must not fill the disk first.
    let actor = user(site, headers).await?;
    file::may_upload(&site.db, &actor).await.map_err(|error| answer(&error))?;
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > ARCHIVE_MAX) {
        return Err(too_large());
    }
    let archive = receive(body).await?;
    file::keep(&site.db, &actor, archive).await.map_err(|error| answer(&error))
}

fn too_large() -> Response {
    let message = format!("an archive has at most {ARCHIVE_MAX} bytes (100 MiB)");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT", &message)
}

/// Writes a body to a nameless temporary file: it is gone when nobody holds it, whatever happens.
async fn receive(body: Body) -> Result<File, Response> {
    let fault = |error: std::io::Error| answer(&Error::internal(error));
    let mut archive = tempfile::tempfile().map_err(fault)?;
    let mut upload = Upload::new(body, ARCHIVE_MAX, too_large);
    while let Some(bytes) = upload.next().await? {
        archive = tokio::task::spawn_blocking(move || archive.write_all(&bytes).map(|()| archive))
            .await
            .map_err(|error| answer(&Error::internal(error)))?
            .map_err(fault)?;
    }
    Ok(archive)
}

/// `GET /files/{id}`: to who can see the file, and to the daemon whose job needs it.
pub(super) async fn download(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&site, &headers, &id).await {
        Ok(row) => stream(&site, row),
        Err(response) => response,
    }
}

async fn find(site: &Site, headers: &HeaderMap, id: &str) -> Result<FileRow, Response> {
    let not_found =
        || refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such file, or you can't see it");
    let failed = |error: Error| answer(&error);
    let token = bearer(headers).map_err(not_a_token)?;
    let id = id.parse();
    if let Some(token) = token.filter(|token| token.starts_with(secret::JOB)) {
        let unknown =
            || refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "this job token is not valid (any more)");
        let job = job::find_by_token(&site.db, &token).await.map_err(failed)?;
        // Whatever has ended needs its archive no more.
        let job = job.filter(|job| !job.state.is_final()).ok_or_else(unknown)?;
        let needed = crate::dispatch::file_of(&site.db, &job).await.map_err(failed)?;
        let id = id.ok().filter(|id| needed == Some(*id)).ok_or_else(not_found)?;
        return file::referred(&site.db, id).await.map_err(failed)?.ok_or_else(not_found);
    }
    let actor = user(site, headers).await?;
    let id = id.map_err(|_| not_found())?;
    file::find(&site.db, &actor, id).await.map_err(failed)?.ok_or_else(not_found)
}

fn stream(site: &Site, row: FileRow) -> Response {
    let headers = [
        (header::CONTENT_TYPE, row.mimetype.clone()),
        (header::CONTENT_LENGTH, row.size.to_string()),
        (header::ETAG, format!("\"{}\"", HEXLOWER.encode(&row.sha256))),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", row.id)),
    ];
    let chunks = file::stream(site.db.clone(), row).map_err(std::io::Error::other).boxed();
    (headers, Body::from_stream(chunks)).into_response()
}

/// The signed-in actor.
pub(super) async fn user(site: &Site, headers: &HeaderMap) -> Result<Actor, Response> {
    let token = bearer(headers).map_err(not_a_token)?;
    let Some(token) = token else { return Err(answer(&Error::Denied(Denied::Anonymous))) };
    match site.recognise(Some(&token), Origin::default()).await {
        Ok(Ok(recognised)) => Ok(recognised.actor),
        Ok(Err(rejected)) => Err(refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", &rejected.to_string())),
        Err(error) => Err(answer(&error)),
    }
}

fn not_a_token(refused: Refusal) -> Response {
    refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", &refused.message)
}
