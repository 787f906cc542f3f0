//! The state that the server keeps, without Terraform: saving what Terraform could not save, and looking what there is.
//!
//! When the server is away at the end of an apply, Terraform leaves `errored.tfstate` in its folder: the only
//! record of what it made. It has to reach the server before the job is reported and its folder removed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backoff::Backoff;
use crate::engine::StateEndpoint;

/// Name that Terraform gives the file.
pub const ERRORED_STATE: &str = "errored.tfstate";
const ATTEMPT: Duration = Duration::from_secs(30);
const SHOWN_ANSWER: usize = 300;

/// Why a state is still on this machine and nowhere else.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// The server stayed away; trying again later may help.
    #[error("the state could not be sent to the server: {0}")]
    Unreachable(String),
    /// The server does not take it from this job (any more).
    #[error("the server refused the state with {status}: {answer}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Start of the answer.
        answer: String,
    },
    /// The file could not be read or removed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

/// Sends `errored.tfstate` of `folder`, if there is one, and removes it; tries again for `patience` while the
/// server is away. Answers whether there was one.
///
/// # Errors
/// The file stays where it is; see [`RescueError`].
pub async fn rescue(
    folder: &Path,
    endpoint: &StateEndpoint,
    patience: Duration,
) -> Result<bool, RescueError> {
    let path = folder.join(ERRORED_STATE);
    let io = |source| RescueError::Io { path: path.clone(), source };
    let state = match tokio::fs::read(&path).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        read => read.map_err(io)?,
    };
    let endpoint = Endpoint { http: Client::new(), endpoint };
    let mut backoff = Backoff::until(patience);
    loop {
        match endpoint.send(state.clone()).await {
            Err(error @ RescueError::Unreachable(_)) => {
                if !backoff.wait().await {
                    return Err(error);
                }
            }
            sent => break sent?,
        }
    }
    tokio::fs::remove_file(&path).await.map_err(io)?;
    Ok(true)
}

/// Whether the server keeps a state of anything that Terraform made; asks again for `patience` while the server is away.
///
/// # Errors
/// Why there is no telling.
pub(in crate::engine) async fn holds_resources(
    endpoint: &StateEndpoint,
    patience: Duration,
) -> Result<bool, String> {
    let endpoint = Endpoint { http: Client::new(), endpoint };
    let mut backoff = Backoff::until(patience);
    loop {
        match endpoint.get().await {
            Ok(state) => return Ok(!state.is_empty() && names_resources(&state)),
            Err(RescueError::Unreachable(why)) => {
                if !backoff.wait().await {
                    return Err(why);
                }
            }
            Err(RescueError::Refused { status, answer }) => {
                return Err(format!("the server answered {status}: {answer}"));
            }
            Err(error @ RescueError::Io { .. }) => return Err(error.to_string()),
        }
    }
}

/// Whether a state has more than data sources in it. One that can't be read, because it is encrypted or of a later version,
/// is taken for one that has.
fn names_resources(state: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kept {
        resources: Vec<KeptResource>,
    }
    #[derive(Deserialize)]
    struct KeptResource {
        mode: String,
    }
    let only_data = |kept: Kept| kept.resources.iter().all(|resource| resource.mode == "data");
    !serde_json::from_slice(state).is_ok_and(only_data)
}

struct Endpoint<'a> {
    http: Client,
    endpoint: &'a StateEndpoint,
}

impl Endpoint<'_> {
    /// Locks, sends and unlocks. A lock that stands already is the one Terraform could not give back: only this
    /// job's token opens this URL, and the server checks whose lock it is.
    async fn send(&self, state: Vec<u8>) -> Result<(), RescueError> {
        let [lock_method, unlock_method] = [b"LOCK".as_slice(), b"UNLOCK"]
            .map(|name| Method::from_bytes(name).expect("a word of letters is a method name"));
        let wanted = lock_info();
        let url = &self.endpoint.url;
        let answer = self.call(self.request(lock_method, url).json(&wanted)).await?;
        let lock = match answer.status() {
            status if status.is_success() => wanted,
            StatusCode::LOCKED | StatusCode::CONFLICT => match answer.json::<Value>().await {
                Ok(standing) if standing["ID"].is_string() => standing,
                _ => {
                    return Err(RescueError::Unreachable(
                        "the state is locked by somebody unnamed".to_owned(),
                    ));
                }
            },
            _ => return Err(refused(answer).await),
        };
        let mut url_of_lock = url.clone();
        url_of_lock.query_pairs_mut().append_pair("ID", lock["ID"].as_str().unwrap_or_default());
        let post = self.request(Method::POST, &url_of_lock).header(CONTENT_TYPE, "application/json");
        let answer = self.call(post.body(state)).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        // The state is safe; a lock that stays ends with the job.
        if let Err(error) = self.call(self.request(unlock_method, url).json(&lock)).await {
            tracing::warn!(%error, "the state was saved but its lock could not be released");
        }
        Ok(())
    }

    /// Empty where there is none.
    async fn get(&self) -> Result<Vec<u8>, RescueError> {
        let answer = self.call(self.request(Method::GET, &self.endpoint.url)).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let state = answer.bytes().await.map_err(|error| RescueError::Unreachable(error.to_string()))?;
        Ok(state.into())
    }

    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.http
            .request(method, url.clone())
            .basic_auth("guildhall", Some(self.endpoint.token.expose_secret()))
            .timeout(ATTEMPT)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Response, RescueError> {
        let answer = request.send().await.map_err(|error| RescueError::Unreachable(error.to_string()))?;
        match answer.status() {
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                Err(RescueError::Unreachable(format!("it answered {status}")))
            }
            status if status.is_server_error() => {
                Err(RescueError::Unreachable(format!("it answered {status}")))
            }
            _ => Ok(answer),
        }
    }
}

async fn refused(answer: Response) -> RescueError {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default();
    RescueError::Refused { status, answer: text.chars().take(SHOWN_ANSWER).collect() }
}

/// As Terraform itself describes a lock.
fn lock_info() -> Value {
    json!({
        "ID": uuid::Uuid::from_u128(rand::random()).to_string(),
        "Operation": "OperationTypeApply",
        "Info": "the provisioner daemon saves what Terraform could not",
        "Who": "guildhall-provisionerd",
        "Version": env!("CARGO_PKG_VERSION"),
        "Created": DateTime::<Utc>::from(SystemTime::now()).to_rfc3339(),
        "Path": "",
    })
}

#[cfg(test)]
mod tests {
    use super::names_resources;

    #[test]
    fn what_can_not_be_read_may_hold_resources() {
        for nothing in [
            r#"{"version":4,"resources":[]}"#,
            r#"{"version":4,"outputs":{"apps":{"value":[]}},"resources":[{"mode":"data","type":"a","name":"b"}]}"#,
        ] {
            assert!(!names_resources(nothing.as_bytes()), "{nothing}");
        }
        for something in [
            r#"{"version":4,"resources":[{"mode":"data"},{"mode":"managed","type":"a","name":"b"}]}"#,
            r#"{"version":5,"resources":[{"mode":"other"}]}"#,
            r#"{"meta":{},"encrypted_data":"c2VjcmV0"}"#,
            r#"{"version":4,"resources":null}"#,
            "no JSON",
        ] {
            assert!(names_resources(something.as_bytes()), "{something}");
        }
    }
}
