//! A server of canned data, and a run of one command against it.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::IntoResponse as _;
use axum::routing::{get, post, put};
use guildhall_client::DateTime;
use serde_json::{Value, json};

use super::{Line, Verb};
use crate::context::Context;
use crate::failure::Exit;
use crate::output::Output;
use crate::prompt::Person;
use crate::run_in;

/// A moment in 2026.
pub(super) const NOW: &str = "2026-11-24T12:00:00Z";

/// A server that knows the operations of one test.
pub(super) struct Fake {
    pub(super) url: String,
    /// Names and variables of the operations it was asked for.
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Fake {
    /// `data` answers an operation, given its name and variables, with the data of the response; `None` is an
    /// operation that must not come.
    pub(super) async fn knowing(
        data: impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let data = Arc::new(data);
        let answer = async move |headers: HeaderMap, Json(body): Json<Value>| {
            let name = body["operationName"].as_str().unwrap_or("text").to_owned();
            let answer = match data(&name, &body["variables"]) {
                Some(data) => json!({ "data": data }),
                None => json!({"errors": [{"message": format!("{name} must not come")}]}),
            };
            seen.lock().unwrap().push((name, body["variables"].clone()));
            if headers.get(ACCEPT).is_some_and(|accept| accept == "text/event-stream") {
                return stream(&answer).into_response();
            }
            Json(answer).into_response()
        };
        let file = async || Json(json!({"id": "file_1", "sha256": "ab", "size": 7}));
        let state = async || Json(json!({"serial": 1}));
        let router = Router::new()
            .route("/graphql", post(answer))
            .route("/files", put(file))
            .route("/states/{build}", get(state).put(async || ()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// The names of the operations so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    /// The variables of the first operation called `name`.
    pub(super) fn variables(&self, name: &str) -> Value {
        let asked = self.asked.lock().unwrap();
        asked.iter().find(|(one, _)| one == name).map(|(_, variables)| variables.clone()).unwrap_or_default()
    }

    /// The variables of the last operation called `name`.
    pub(super) fn last_variables(&self, name: &str) -> Value {
        let asked = self.asked.lock().unwrap();
        let last = asked.iter().rev().find(|(one, _)| one == name);
        last.map(|(_, variables)| variables.clone()).unwrap_or_default()
    }

    /// Runs a command line with a token and without a person.
    pub(super) async fn run(&self, words: &[&str]) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let words = [&["--token", "a-token", "--url", &self.url], words].concat();
        run(folder.path(), &words).await
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) exit: Option<Exit>,
    /// The output stream.
    pub(super) results: String,
    /// The error stream.
    pub(super) notes: String,
}

impl Outcome {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.results).unwrap()
    }
}

/// Runs a command line whose sign-ins are kept in `folder`.
pub(super) async fn run(folder: &Path, words: &[&str]) -> Outcome {
    let folder = folder.to_str().unwrap();
    let words = [&["guildhall", "--config-dir", folder], words].concat();
    let line = Line::read(words).unwrap();
    let Verb::Client(command) = line.verb else { panic!("not a command of the client") };
    let (results, notes) = (Written::default(), Written::default());
    let now: DateTime = NOW.parse().unwrap();
    let output = Output::to(
        Arc::new(Mutex::new(results.clone())),
        Arc::new(Mutex::new(notes.clone())),
        line.globals.output,
        now,
    );
    let context = Context { globals: line.globals, output, person: Person::absent() };
    let exit = run_in(command, &context).await;
    Outcome { exit, results: results.text(), notes: notes.text() }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn connection(nodes: Vec<Value>) -> Value {
    json!({"nodes": nodes, "pageInfo": {"hasNextPage": false, "endCursor": null}})
}

pub(super) fn organization_ref() -> Value {
    json!({"id": "org_1", "name": "data", "displayName": "Data"})
}

pub(super) fn organization() -> Value {
    json!({
        "id": "org_1", "name": "data", "displayName": "Data", "description": "", "icon": "", "isDefault": false,
        "version": 1, "createdAt": NOW, "updatedAt": NOW,
    })
}

pub(super) fn user(username: &str) -> Value {
    json!({
        "id": format!("usr_{username}"), "username": username, "name": "", "email": null, "status": "ACTIVE",
        "loginType": "PASSWORD", "siteRoles": [], "isServiceAccount": false, "lastSeenAt": null, "createdAt": NOW,
        "version": 4,
    })
}

pub(super) fn user_ref(username: &str) -> Value {
    json!({"id": format!("usr_{username}"), "username": username, "name": ""})
}

/// Those who were asked for by their usernames; nobody is called `ghost`.
pub(super) fn users_called(variables: &Value) -> Value {
    let names = variables["filter"]["usernames"].as_array().unwrap().iter();
    let names = names.map(|name| name.as_str().unwrap()).filter(|name| *name != "ghost");
    json!({"users": {"nodes": names.map(user_ref).collect::<Vec<_>>()}})
}

pub(super) fn viewer(organizations: Vec<Value>) -> Value {
    json!({"viewer": {
        "id": "usr_ana", "username": "ana", "name": "Ana", "email": "ana@example.com", "siteRoles": [],
        "organizations": {"nodes": organizations},
    }})
}

pub(super) fn template() -> Value {
    json!({
        "id": "tpl_1", "name": "dev", "displayName": "Dev", "description": "", "deprecationMessage": "",
        "organization": organization_ref(), "activeVersion": {"id": "tver_1", "name": "v1", "createdAt": NOW},
        "createdAt": NOW, "updatedAt": NOW,
    })
}

pub(super) fn version() -> Value {
    let variable = |name: &str, required: bool| {
        json!({"name": name, "type": "string", "description": "", "default": null, "required": required,
               "sensitive": false, "validations": []})
    };
    json!({
        "__typename": "TemplateVersion", "id": "tver_1", "name": "v1", "message": "", "archived": false, "version": 6,
        "isActive": true, "createdBy": null, "createdAt": NOW, "job": job(),
        "variables": [variable("image", true), variable("size", false), variable("workspace", true)],
    })
}

pub(super) fn job() -> Value {
    json!({"id": "job_1", "state": "PENDING", "completedAt": null, "error": null})
}

pub(super) fn workspace_summary(owner: &str) -> Value {
    json!({
        "id": format!("ws_{owner}"), "name": "dev", "status": "RUNNING", "organization": organization_ref(),
        "owner": user_ref(owner), "template": {"id": "tpl_1", "name": "dev", "displayName": "Dev"},
        "createdAt": NOW, "isFavorite": false, "latestBuild": {
            "id": "build_1", "number": 1, "transition": "START", "status": "SUCCEEDED", "createdAt": NOW,
            "job": job(), "dailyCost": 3,
        },
    })
}

/// The end of what is followed.
pub(super) const END: &str = "the end";
/// A sign of life of what is followed.
pub(super) const QUIET: &str = "quiet";

/// An event stream of an answer. What is followed breaks off after each.
fn stream(answer: &Value) -> String {
    match answer["data"].as_str() {
        Some(END) => "event: complete\ndata:\n\n".to_owned(),
        Some(QUIET) => ":\n\n".to_owned(),
        _ => format!(":\n\nid: x\nevent: next\ndata: {answer}\n\n"),
    }
}

/// A job that writes two lines and ends in `state`. Each stream of its log breaks off after a line.
pub(super) fn job_of_two_lines(name: &str, variables: &Value, state: &str) -> Option<Value> {
    let line = |sequence: u32, text: &str| json!({"sequence": sequence, "time": NOW, "level": "INFO", "stage": "Plan", "text": text});
    let told = |cursor: &str, line: Value| json!({"provisionerJobLogs": {"cursor": cursor, "log": line}});
    let job = |state: &str, error: Value| json!({"__typename": "ProvisionerJob", "state": state, "error": error, "pendingReason": null});
    Some(match (name, variables["after"].as_str()) {
        ("LogOfJob", None) => told("1", line(1, "first")),
        ("LogOfJob", Some("1")) => told("2", line(2, "second")),
        ("LogOfJob", Some(_)) => END.into(),
        ("StatusOfJob", _) => {
            json!({"node": job(state, json!({"code": "PLAN_FAILED", "message": "no such image"}))})
        }
        ("JobLogs", _) => {
            let mut running = job("RUNNING", Value::Null);
            running["logs"] = connection(vec![line(1, "first")]);
            json!({"node": running})
        }
        _ => return None,
    })
}
