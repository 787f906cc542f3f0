//! A server as far as a daemon sees one: the mutations for daemons, an archive, a state.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use guildhall_provisionerd::{EngineChoice, Settings};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Kept, TOKEN, state_answer};

pub(crate) const KEY: &str = "ghpk_right";

pub(crate) struct FakeServer {
    pub(crate) address: std::net::SocketAddr,
    seen: Arc<Mutex<Seen>>,
    pub(crate) state: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

/// What the server knows, and how it behaves.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) queue: VecDeque<Value>,
    pub(crate) archive: Vec<u8>,
    pub(crate) registrations: usize,
    pub(crate) heartbeats: Vec<Value>,
    /// Daemons that said that they end.
    pub(crate) signed_off: Vec<Value>,
    /// By sequence, as a server keeps them.
    pub(crate) logs: BTreeMap<i64, Value>,
    /// Result or failure of the jobs that ended.
    pub(crate) ended: Vec<Value>,
    pub(crate) cancel: bool,
    pub(crate) lost: bool,
    /// Answer 503 to every mutation.
    pub(crate) away: bool,
    /// Mutations that came while it was away.
    pub(crate) unheard: usize,
    /// Answer UNAUTHENTICATED to every mutation.
    pub(crate) key_disabled: bool,
    /// Refuse every document as one that is not registered.
    pub(crate) unregistered: bool,
    /// Refuse results, as for their size.
    pub(crate) refuse_results: bool,
    /// Drop the answer of the next append after it was kept.
    pub(crate) forget_answer: bool,
    /// Costs that plans were said to have.
    pub(crate) planned: Vec<Value>,
    /// Jobs that questions were answered with, by their keys.
    pub(crate) given: BTreeMap<String, Value>,
    /// Give jobs away without saying so: 502.
    pub(crate) mute: bool,
    /// Questions whose keys the server takes no more.
    pub(crate) dead_keys: Vec<String>,
    /// Say 503 to results.
    pub(crate) deaf_to_results: bool,
    /// Say 503 to failures.
    pub(crate) deaf_to_failures: bool,
    /// Refuse every plan because its job is being canceled.
    pub(crate) canceling: bool,
    /// Refuse every plan for its cost.
    pub(crate) over_quota: bool,
    /// Keep questions for work open until there is some.
    pub(crate) patient: bool,
    /// Questions that are open.
    pub(crate) open: usize,
}

impl FakeServer {
    pub(crate) async fn start(main: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen { archive: pack(main), ..Seen::default() }));
        let state = Arc::new(Mutex::new(Kept::default()));
        let router = axum::Router::new()
            .route("/graphql", post(graphql))
            .route("/archive", get(archive))
            .with_state(Arc::clone(&seen))
            .merge(axum::Router::new().fallback(state_answer).with_state(Arc::clone(&state)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, state, task }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn settings(&self, work_dir: &Path, engine: EngineChoice) -> Settings {
        let key = SecretString::from(KEY);
        let mut settings = Settings::new(self.url(), key, "acme".to_owned(), work_dir.to_owned());
        settings.name = "tester".to_owned();
        settings.engine = engine;
        settings.options.state_retries = 0;
        settings
    }

    pub(crate) fn enqueue_import(&self) {
        self.enqueue_import_called("job_import");
    }

    pub(crate) fn enqueue_import_called(&self, id: &str) {
        let task = json!({"__typename": "TemplateImportTask", "archivePath": "/archive"});
        self.seen().queue.push_back(job(id, task));
    }

    pub(crate) fn enqueue_build(&self) {
        let task = json!({
            "__typename": "WorkspaceBuildTask",
            "archivePath": "/archive",
            "statePath": "/state/1",
            "transition": "START",
            "variables": [{"name": "secret", "value": "s3cr3t-value", "sensitive": true}],
            "workspace": {"id": "wks_1", "name": "dev", "transition": "START", "owner": "ada", "organization": "acme"},
        });
        self.seen().queue.push_back(job("job_build", task));
    }

    pub(crate) fn ended(&self) -> Option<Value> {
        self.seen().ended.first().cloned()
    }

    pub(crate) fn log(&self) -> String {
        let seen = self.seen();
        seen.logs.values().map(|line| line["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn job(id: &str, task: Value) -> Value {
    json!({"id": id, "attempt": 2, "nextLogSequence": 1, "token": TOKEN, "task": task})
}

fn pack(main: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.tf"), main).unwrap();
    let mut archive = Vec::new();
    guildhall_archive::pack(folder.path(), &mut archive).unwrap();
    archive
}

async fn archive(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap) -> Response {
    let expected = format!("Bearer {TOKEN}");
    if headers.get(header::AUTHORIZATION).is_none_or(|value| *value != *expected) {
        return failure("FORBIDDEN");
    }
    seen.lock().unwrap().archive.clone().into_response()
}

fn failure(code: &str) -> Response {
    Json(json!({"errors": [{"message": code, "extensions": {"code": code}}]})).into_response()
}

async fn graphql(
    State(seen): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let query = body["query"].as_str().unwrap();
    let input = &body["variables"]["input"];
    if query.contains("acquireProvisionerJob(") {
        seen.lock().unwrap().open += 1;
        let waits = || {
            let seen = seen.lock().unwrap();
            seen.patient && seen.queue.is_empty()
        };
        while waits() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        seen.lock().unwrap().open -= 1;
    }
    let mut seen = seen.lock().unwrap();
    if seen.away {
        seen.unheard += 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let expected = format!("Bearer {KEY}");
    if seen.key_disabled || headers.get(header::AUTHORIZATION).is_none_or(|value| *value != *expected) {
        return failure("UNAUTHENTICATED");
    }
    if seen.unregistered {
        let extensions = json!({"code": "FORBIDDEN", "document": "ab12"});
        let errors = json!([{"message": "Only registered documents run here.", "extensions": extensions}]);
        return (StatusCode::FORBIDDEN, Json(json!({"errors": errors}))).into_response();
    }
    let name = [
        "registerProvisionerDaemon",
        "heartbeatProvisionerDaemon",
        "signOffProvisionerDaemon",
        "acquireProvisionerJob",
        "appendProvisionerJobLogs",
        "planWorkspaceBuild",
        "completeProvisionerJob",
        "failProvisionerJob",
    ];
    let name = name.into_iter().find(|name| query.contains(&format!("{name}("))).unwrap();
    let conflict = |payload: Value| {
        let error =
            json!({"__typename": "Conflict", "message": "refused", "code": "CONFLICT", "field": null});
        let mut payload = payload;
        payload["userErrors"] = json!([error]);
        payload
    };
    let payload = match name {
        "registerProvisionerDaemon" if input["organization"] != "acme" => {
            conflict(json!({"provisionerDaemonId": null, "heartbeatIntervalSeconds": null}))
        }
        "registerProvisionerDaemon" => {
            seen.registrations += 1;
            json!({"provisionerDaemonId": "pd_1", "heartbeatIntervalSeconds": 1, "userErrors": []})
        }
        "heartbeatProvisionerDaemon" => {
            seen.heartbeats.push(input.clone());
            let lost = if seen.lost { input["runningJobIds"].clone() } else { json!([]) };
            json!({"cancelJobIds": [], "lostJobIds": lost, "userErrors": []})
        }
        "signOffProvisionerDaemon" => {
            seen.signed_off.push(input["provisionerDaemonId"].clone());
            json!({"provisionerDaemonId": input["provisionerDaemonId"], "userErrors": []})
        }
        "acquireProvisionerJob" => {
            let key = input["idempotencyKey"].as_str().unwrap().to_owned();
            if seen.dead_keys.contains(&key) {
                let error = json!({
                    "__typename": "Conflict", "message": "it has ended", "code": "CONFLICT",
                    "field": ["input", "idempotencyKey"],
                });
                return Json(json!({"data": {name: {"acquiredJob": null, "userErrors": [error]}}}))
                    .into_response();
            }
            if !seen.given.contains_key(&key)
                && let Some(job) = seen.queue.pop_front()
            {
                seen.given.insert(key.clone(), job);
            }
            let job = seen.given.get(&key).cloned();
            if job.is_some() && seen.mute {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            json!({"acquiredJob": job, "userErrors": []})
        }
        "appendProvisionerJobLogs" if seen.lost => conflict(json!({"cancelRequested": false})),
        "appendProvisionerJobLogs" => {
            let first = input["firstSequence"].as_i64().unwrap();
            for (sequence, line) in (first..).zip(input["logs"].as_array().unwrap()) {
                seen.logs.entry(sequence).or_insert_with(|| line.clone());
            }
            if !input["logs"].as_array().unwrap().is_empty() && std::mem::take(&mut seen.forget_answer) {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            json!({"cancelRequested": seen.cancel, "userErrors": []})
        }
        "planWorkspaceBuild" => {
            seen.planned.push(input["dailyCost"].clone());
            let errors = if seen.canceling {
                let message = "the job is being canceled";
                json!([{"__typename": "Conflict", "message": message, "code": "CONFLICT", "field": null}])
            } else if seen.over_quota {
                let message = "it would cost too much";
                json!([{"__typename": "QuotaExceeded", "message": message, "code": "QUOTA_EXCEEDED", "field": null}])
            } else {
                json!([])
            };
            json!({"accepted": errors == json!([]), "userErrors": errors})
        }
        "completeProvisionerJob" if seen.deaf_to_results => {
            seen.unheard += 1;
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        "failProvisionerJob" if seen.deaf_to_failures => {
            seen.unheard += 1;
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        "completeProvisionerJob" if seen.refuse_results => conflict(json!({"provisionerJob": null})),
        _ => {
            seen.ended.push(input.clone());
            json!({"provisionerJob": null, "userErrors": []})
        }
    };
    let mut data = serde_json::Map::new();
    data.insert(name.to_owned(), payload);
    Json(json!({"data": data})).into_response()
}
