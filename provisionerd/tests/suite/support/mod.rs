//! What the tests of this crate share: modules on disk, and a state backend that can be made to fail.

pub(crate) mod daemon;
pub(crate) mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use guildhall_provisionerd::engine::Terraform;
use guildhall_provisionerd::engine::{
    BuildTask, LogLine, LogSink, Parameter, Run, StateEndpoint, Transition, terraform,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// The installed Terraform; `None` is said aloud, so that a skipped test is seen.
pub(crate) async fn terraform(test: &str) -> Option<Terraform> {
    let options = terraform::Options {
        grace: Duration::from_secs(10),
        state_retries: 0,
        ..terraform::Options::default()
    };
    match Terraform::discover(None, &options).await {
        Ok(found) => Some(found),
        Err(why) => {
            #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
            {
                eprintln!("SKIPPED {test}: {why}");
            }
            None
        }
    }
}

/// A job's folder with a module in it.
pub(crate) struct Job {
    _folder: TempDir,
    pub(crate) module: PathBuf,
    pub(crate) run: Run,
    pub(crate) lines: UnboundedReceiver<LogLine>,
    seen: Vec<String>,
}

impl Job {
    pub(crate) fn new(main: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let module = folder.path().join("module");
        fs::create_dir(&module).unwrap();
        fs::write(module.join("main.tf"), main).unwrap();
        let (sink, lines) = LogSink::new();
        let run = Run { folder: folder.path().to_owned(), sink, cancel: CancellationToken::new() };
        Self { _folder: folder, module, run, lines, seen: Vec::new() }
    }

    /// Everything logged so far.
    pub(crate) fn log(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.seen.push(format!("{:?} {} {}", line.level, line.stage, line.text));
        }
        self.seen.join("\n")
    }
}

/// Waits until `condition` answers something; fails loudly after a minute.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn task(transition: Transition, parameters: &[(&str, &str)], state: &StateServer) -> BuildTask {
    let parameters = parameters.iter().map(|(name, value)| Parameter {
        name: (*name).to_owned(),
        value: SecretString::from(*value),
        sensitive: false,
    });
    BuildTask {
        transition,
        parameters: parameters.collect(),
        workspace: json!({"id": "wks_1", "name": "dev", "transition": "START", "owner": "ada", "organization": "acme"}),
        state: state.endpoint(),
    }
}

/// Terraform's HTTP backend in memory, with the locking of the real one.
pub(crate) struct StateServer {
    address: std::net::SocketAddr,
    pub(crate) kept: Arc<Mutex<Kept>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) state: Option<Value>,
    pub(crate) lock: Option<Value>,
    /// Answer 503 to everything.
    pub(crate) away: bool,
    /// Answer 403 to everything.
    pub(crate) fenced: bool,
    /// Refuse POSTs from now on, after so many that are still taken.
    pub(crate) posts_until_away: Option<usize>,
    pub(crate) posts: usize,
}

pub(crate) const TOKEN: &str = "job-token-0123456789";

impl StateServer {
    pub(crate) async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let router = axum::Router::new().fallback(state_answer).with_state(Arc::clone(&kept));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, kept, server }
    }

    pub(crate) fn endpoint(&self) -> StateEndpoint {
        StateEndpoint {
            url: format!("http://{}/state/build_1", self.address).parse().unwrap(),
            token: SecretString::from(TOKEN),
        }
    }

    pub(crate) fn state(&self) -> Option<Value> {
        self.kept.lock().unwrap().state.clone()
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.kept.lock().unwrap().lock.is_some()
    }

    /// Addresses in the kept state, `type.name`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let state = self.state().unwrap_or_default();
        let resources = state["resources"].as_array().cloned().unwrap_or_default();
        resources
            .iter()
            .map(|r| format!("{}.{}", r["type"].as_str().unwrap(), r["name"].as_str().unwrap()))
            .collect()
    }
}

impl Drop for StateServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn state_answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = kept.lock().unwrap();
    // guildhall:job-token-0123456789
    if headers
        .get("authorization")
        .is_none_or(|value| value != "Basic Z3VpbGRoYWxsOmpvYi10b2tlbi0wMTIzNDU2Nzg5")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if kept.fenced {
        return (StatusCode::FORBIDDEN, "this build has ended").into_response();
    }
    if method == Method::POST && kept.posts_until_away.is_some_and(|limit| kept.posts >= limit) {
        kept.away = true;
    }
    if kept.away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let json = || serde_json::from_slice::<Value>(&body).unwrap();
    match method.as_str() {
        "GET" => match &kept.state {
            Some(state) => state.to_string().into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        },
        "POST" => match &kept.lock {
            Some(lock) if lock["ID"].as_str() == query.get("ID").map(String::as_str) => {
                kept.state = Some(json());
                kept.posts += 1;
                StatusCode::OK.into_response()
            }
            _ => StatusCode::CONFLICT.into_response(),
        },
        "LOCK" => match &kept.lock {
            Some(lock) => (StatusCode::LOCKED, lock.to_string()).into_response(),
            None => {
                kept.lock = Some(json());
                StatusCode::OK.into_response()
            }
        },
        "UNLOCK" => {
            kept.lock = None;
            StatusCode::OK.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
