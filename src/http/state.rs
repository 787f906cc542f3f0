//! Terraform's HTTP backend: GET, POST, LOCK and UNLOCK of one build's state, with the job's token as Basic password.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, header};
use serde::Deserialize;

use super::{Site, Upload, answer, refusal};
use crate::provisioner::{JobRow, job};
use crate::workspace::state::{self, Outcome, Refused};

/// The largest state, in bytes.
pub(super) const STATE_MAX: u64 = 64 * 1024 * 1024;

/// The largest lock info, in bytes: it is answered to whoever finds the state locked.
const LOCK_INFO_MAX: u64 = 64 * 1024;

/// What Terraform puts behind the question mark.
#[derive(Deserialize)]
pub(super) struct Parameters {
    /// The lock that it holds.
    #[serde(rename = "ID")]
    id: Option<String>,
}

/// What Terraform sends with LOCK and UNLOCK; the rest is for people.
#[derive(Deserialize)]
struct LockInfo {
    #[serde(rename = "ID")]
    id: String,
}

pub(super) fn too_large() -> Response {
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "BAD_REQUEST", "a state has at most 64 MiB")
}

fn too_large_a_lock() -> Response {
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "BAD_REQUEST", "the info of a lock has at most 64 KiB")
}

/// `/provisioner-jobs/{id}/state`
pub(super) async fn handle(
    State(site): State<Site>,
    Path(id): Path<String>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let job = match authorize(&site, &id, &headers).await {
        Ok(job) => job,
        Err(response) => return response,
    };
    let Ok(Query(parameters)) = parameters else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "the query string is `?ID=` with a lock, once",
        );
    };
    let is_about_lock = matches!(method.as_str(), "LOCK" | "UNLOCK");
    let (max, too_large): (_, fn() -> Response) =
        if is_about_lock { (LOCK_INFO_MAX, too_large_a_lock) } else { (STATE_MAX, too_large) };
    let body = match Upload::new(body, max, too_large).whole().await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let (db, sealer) = (&site.db, &site.services.sealer);
    match method.as_str() {
        "GET" => match state::get(db, sealer, &job).await {
            Ok(Ok(Some(bytes))) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Ok(Ok(None)) => StatusCode::NO_CONTENT.into_response(),
            other => done(other.map(|outcome| outcome.map(|_| ()))),
        },
        "POST" => match parameters.id.as_deref().filter(|lock| !lock.contains('\0')) {
            Some(lock) => done(state::put(db, sealer, &job, lock, &body).await),
            None => refusal(
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "a state is written under a lock: `?ID=` is missing or unusable",
            ),
        },
        "LOCK" => match lock_info(&body) {
            Ok(info) => done(state::lock(db, &job, &info.id, &String::from_utf8_lossy(&body)).await),
            Err(response) => response,
        },
        "UNLOCK" => match lock_info(&body) {
            Ok(info) => done(state::unlock(db, &job, &info.id).await),
            Err(response) => response,
        },
        _ => {
            let mut response = refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "BAD_REQUEST",
                "a state is read and written with GET, POST, LOCK and UNLOCK",
            );
            response
                .headers_mut()
                .insert(header::ALLOW, http::HeaderValue::from_static("GET, POST, LOCK, UNLOCK"));
            response
        }
    }
}

#[expect(clippy::result_large_err, reason = "the error is the answer, and is sent at once")]
fn lock_info(body: &[u8]) -> Result<LockInfo, Response> {
    let info: Option<LockInfo> = serde_json::from_slice(body).ok();
    info.filter(|info| !info.id.contains('\0')).ok_or_else(|| {
        refusal(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "expected Terraform's lock info as JSON, with an `ID`",
        )
    })
}

fn done(outcome: Outcome<()>) -> Response {
    match outcome {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(Refused::Locked(info))) => {
            (StatusCode::LOCKED, [(header::CONTENT_TYPE, "application/json")], info).into_response()
        }
        Ok(Err(Refused::Superseded)) => refusal(
            StatusCode::CONFLICT,
            "CONFLICT",
            "a newer build of this workspace has begun, or it is gone; this state is not taken",
        ),
        Ok(Err(Refused::Stateless)) => {
            refusal(StatusCode::CONFLICT, "CONFLICT", "the job builds no workspace: it has no state")
        }
        Err(error) => answer(&error),
    }
}

/// The job of the path, if its token is shown.
async fn authorize(site: &Site, id: &str, headers: &HeaderMap) -> Result<JobRow, Response> {
    let unknown =
        || refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "show the job's token as Basic password");
    let token = basic_password(headers).ok_or_else(unknown)?;
    match job::find_by_token(&site.db, &token).await {
        Ok(Some(job)) if job.id.to_string() == id => Ok(job),
        Ok(_) => Err(unknown()),
        Err(error) => Err(answer(&error)),
    }
}

fn basic_password(headers: &HeaderMap) -> Option<String> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}
