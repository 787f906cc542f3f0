//! Terraform states: locks as fences, tokens for one job alone, and nothing in the clear.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode, header};
use rstest::rstest;
use serde_json::json;

use crate::support::daemon::{Daemon, HeldJob, plain_build, plain_import};
use crate::support::{Backend, Org, Person, TestApp};

/// What must not be found in the database.
const SECRET: &str = "the-plain-text-of-a-state";

/// A workspace whose first build a daemon holds.
struct Scene {
    app: TestApp,
    owner: Person,
    org: Org,
    daemon: Daemon,
    template: String,
    workspace: String,
    job: HeldJob,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let key = app.provisioner_key(&owner, &org, "cluster", &[]).await;
        let daemon = app.daemon(&key, &org, "cluster").await;
        let template = app.template(&owner, &org, "docker-dev").await.id;
        let import = app.acquire(&daemon).await.unwrap();
        let token = json!({
            "name": "token", "type": "string", "description": "", "required": false, "default": "",
            "sensitive": true, "nullable": true, "ephemeral": false, "validations": [],
        });
        let result = json!({ "templateImport": { "readme": "", "variables": [token] } });
        app.complete(&daemon, &import, result).await;
        let (workspace, job) = workspace(&app, &owner, &daemon, &template, "dev").await;
        Some(Self { app, owner, org, daemon, template, workspace, job })
    }

    /// Queues another build of the workspace and takes it.
    async fn build(&self, mutation: &str) -> HeldJob {
        let input = json!({ "workspaceId": self.workspace });
        self.app.done(&self.owner.token, mutation, "", input).await;
        self.app.acquire(&self.daemon).await.unwrap()
    }

    /// A request of Terraform's HTTP backend with the token of `as_job`; answers status and body.
    async fn terraform(
        &self,
        as_job: &HeldJob,
        method: &str,
        query: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        let authorization = format!("Basic {}", STANDARD.encode(format!("guildhall:{}", as_job.token)));
        self.send(&as_job.id, Some(&authorization), method, query, body).await
    }

    async fn send(
        &self,
        job: &str,
        authorization: Option<&str>,
        method: &str,
        query: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/provisioner-jobs/{job}/state{query}"));
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let (status, body) = self.app.send(request.body(body.into()).unwrap()).await;
        (status, String::from_utf8(body).unwrap())
    }

    async fn lock(&self, job: &HeldJob, id: &str) -> StatusCode {
        self.terraform(job, "LOCK", "", lock(id)).await.0
    }

    async fn put(&self, job: &HeldJob, id: &str, state: &str) -> StatusCode {
        self.terraform(job, "POST", &format!("?ID={id}"), state.to_owned()).await.0
    }

    async fn get(&self, job: &HeldJob) -> (StatusCode, String) {
        self.terraform(job, "GET", "", "").await
    }
}

async fn workspace(
    app: &TestApp,
    person: &Person,
    daemon: &Daemon,
    template: &str,
    name: &str,
) -> (String, HeldJob) {
    let parameters = json!([{ "name": "token", "value": SECRET }]);
    let input = json!({ "templateId": template, "name": name, "parameters": parameters });
    let payload = app.done(&person.token, "createWorkspace", "workspace { id }", input).await;
    let id = payload["workspace"]["id"].as_str().unwrap().to_owned();
    (id, app.acquire(daemon).await.unwrap())
}

fn lock(id: &str) -> String {
    json!({ "ID": id, "Operation": "OperationTypeApply", "Who": "root@host" }).to_string()
}

fn state(serial: u32) -> String {
    json!({ "version": 4, "serial": serial, "outputs": { "password": { "value": SECRET } } }).to_string()
}

#[rstest]
#[tokio::test]
async fn a_state_is_written_under_its_lock(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let job = &scene.job;
    assert_eq!(job.task["statePath"], format!("/provisioner-jobs/{}/state", job.id));
    assert_eq!(scene.get(job).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.put(job, "one", &state(1)).await, StatusCode::LOCKED, "nobody holds the lock");
    assert_eq!(scene.lock(job, "one").await, StatusCode::OK);
    assert_eq!(scene.lock(job, "one").await, StatusCode::OK, "its answer may have got lost");
    let (status, holder) = scene.terraform(job, "LOCK", "", lock("two")).await;
    assert_eq!((status, holder), (StatusCode::LOCKED, lock("one")), "Terraform shows who holds it");

    assert_eq!(scene.put(job, "two", &state(1)).await, StatusCode::LOCKED);
    let (status, _) = scene.terraform(job, "POST", "", state(1)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "no lock is named");
    assert_eq!(scene.get(job).await.0, StatusCode::NO_CONTENT, "a refused state is not kept");
    assert_eq!(scene.put(job, "one", &state(1)).await, StatusCode::OK);
    assert_eq!(scene.put(job, "one", &state(2)).await, StatusCode::OK);
    assert_eq!(scene.get(job).await, (StatusCode::OK, state(2)));

    assert_eq!(scene.terraform(job, "UNLOCK", "", lock("two")).await.0, StatusCode::LOCKED);
    assert_eq!(scene.put(job, "one", &state(3)).await, StatusCode::OK, "the lock is still held");
    assert_eq!(scene.terraform(job, "UNLOCK", "", lock("one")).await.0, StatusCode::OK);
    assert_eq!(scene.put(job, "one", &state(4)).await, StatusCode::LOCKED);
    assert_eq!(scene.get(job).await, (StatusCode::OK, state(3)));

    assert_eq!(scene.terraform(job, "LOCK", "", "no JSON").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(scene.terraform(job, "DELETE", "", "").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[rstest]
#[tokio::test]
async fn the_token_of_a_job_that_succeeded_opens_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let job = &scene.job;
    let archive = async || {
        let request = Request::get(job.task["archivePath"].as_str().unwrap())
            .header(header::AUTHORIZATION, format!("Bearer {}", job.token));
        scene.app.send(request.body(Body::empty()).unwrap()).await.0
    };
    assert_eq!(archive().await, StatusCode::OK);
    assert_eq!(scene.lock(job, "one").await, StatusCode::OK);
    assert_eq!(scene.put(job, "one", &state(1)).await, StatusCode::OK);
    assert_eq!(scene.terraform(job, "UNLOCK", "", lock("one")).await.0, StatusCode::OK);
    scene.app.complete(&scene.daemon, job, plain_build()).await;
    assert_eq!(scene.get(job).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.lock(job, "two").await, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.put(job, "one", &state(99)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(archive().await, StatusCode::UNAUTHORIZED);
    let next = scene.build("stopWorkspace").await;
    assert_eq!(scene.get(&next).await, (StatusCode::OK, state(1)));
    // One that failed may have left a Terraform that brings home what it made, and needs no archive for that.
    assert_eq!(scene.lock(&next, "two").await, StatusCode::OK);
    scene.app.fail(&scene.daemon, &next, "APPLY_FAILED", "no").await;
    assert_eq!(scene.put(&next, "two", &state(2)).await, StatusCode::OK);
}

#[rstest]
#[tokio::test]
async fn a_token_opens_the_state_of_its_job_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let job = &scene.job;
    assert_eq!(scene.lock(job, "one").await, StatusCode::OK);
    assert_eq!(scene.put(job, "one", &state(1)).await, StatusCode::OK);
    let (_, other) = workspace(&scene.app, &scene.owner, &scene.daemon, &scene.template, "other").await;

    let basic = |token: &str| format!("Basic {}", STANDARD.encode(format!("guildhall:{token}")));
    let bearer = format!("Bearer {}", job.token);
    let strangers = [
        None,
        Some(basic(&other.token)),
        Some(basic(&scene.owner.token)),
        Some(basic(&scene.daemon.secret)),
        Some(basic("")),
        Some(basic(&format!("{}x", job.token))),
        Some(bearer),
        Some("Basic %%%".to_owned()),
    ];
    for authorization in strangers {
        for (method, query, body) in [
            ("GET", "", String::new()),
            ("LOCK", "", lock("x")),
            ("POST", "?ID=one", state(9)),
            ("UNLOCK", "", lock("one")),
        ] {
            let (status, answer) = scene.send(&job.id, authorization.as_deref(), method, query, body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {authorization:?}");
            assert!(!answer.contains(SECRET));
        }
    }
    // The path decides nothing on its own.
    assert_eq!(
        scene.send("nonsense", Some(&basic(&job.token)), "GET", "", "").await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(scene.get(&other).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.get(job).await, (StatusCode::OK, state(1)));

    // An import has no state.
    scene.app.template(&scene.owner, &scene.org, "second").await;
    let import = scene.app.acquire(&scene.daemon).await.unwrap();
    assert_eq!(scene.lock(&import, "one").await, StatusCode::CONFLICT);
    assert_eq!(scene.get(&import).await.0, StatusCode::CONFLICT);
    scene.app.complete(&scene.daemon, &import, plain_import()).await;
}

#[rstest]
#[tokio::test]
async fn a_newer_build_fences_off_an_older_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let first = &scene.job;
    assert_eq!(scene.lock(first, "one").await, StatusCode::OK);
    assert_eq!(scene.put(first, "one", &state(1)).await, StatusCode::OK);
    scene.app.fail(&scene.daemon, first, "DAEMON_LOST", "it died").await;
    // The build has ended, but its Terraform may still bring home what it made.
    assert_eq!(scene.put(first, "one", &state(2)).await, StatusCode::OK);

    let second = scene.build("startWorkspace").await;
    assert_eq!(scene.put(first, "one", &state(66)).await, StatusCode::CONFLICT);
    assert_eq!(scene.lock(first, "one").await, StatusCode::CONFLICT);
    assert_eq!(scene.terraform(first, "UNLOCK", "", lock("one")).await.0, StatusCode::CONFLICT);
    assert_eq!(scene.get(first).await.0, StatusCode::CONFLICT, "what comes later is none of its business");

    // The next one starts from what is true, though nobody unlocked.
    assert_eq!(scene.get(&second).await, (StatusCode::OK, state(2)));
    assert_eq!(scene.lock(&second, "two").await, StatusCode::OK);
    assert_eq!(scene.put(&second, "two", &state(3)).await, StatusCode::OK);
    scene.app.complete(&scene.daemon, &second, plain_build()).await;

    // A build that sent nothing changes nothing.
    let third = scene.build("stopWorkspace").await;
    scene.app.complete(&scene.daemon, &third, plain_build()).await;
    let fourth = scene.build("deleteWorkspace").await;
    assert_eq!(scene.get(&fourth).await, (StatusCode::OK, state(3)));
}

#[rstest]
#[tokio::test]
async fn states_and_sensitive_values_are_sealed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let job = &scene.job;
    assert_eq!(job.task["variables"][0]["value"], SECRET, "the daemon needs it");
    assert_eq!(scene.lock(job, "one").await, StatusCode::OK);
    assert_eq!(scene.put(job, "one", &state(1)).await, StatusCode::OK);
    assert_eq!(scene.get(job).await, (StatusCode::OK, state(1)));
    scene.app.complete(&scene.daemon, job, plain_build()).await;

    let tables = scene.app.tables();
    assert_eq!(tables.holding(SECRET).await, Vec::<String>::new());
    assert!(!tables.holding("docker-dev").await.is_empty(), "a search that finds nothing proves nothing");
}

#[tokio::test]
async fn a_state_has_an_end() {
    let Some(scene) = Scene::new(Backend::Sqlite).await else { return };
    assert_eq!(scene.lock(&scene.job, "one").await, StatusCode::OK);
    let large = vec![b' '; 64 * 1024 * 1024 + 1];
    let (status, _) = scene.terraform(&scene.job, "POST", "?ID=one", large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(scene.get(&scene.job).await.0, StatusCode::NO_CONTENT);
}

/// What an administrator repaired is out of reach of whoever still holds the token of the build that broke it, and what is
/// left of a workspace that is gone of everybody's.
#[rstest]
#[tokio::test]
async fn a_repaired_state_is_out_of_reach_of_the_build_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let broken = &scene.job;
    assert_eq!(scene.lock(broken, "one").await, StatusCode::OK);
    assert_eq!(scene.put(broken, "one", &state(1)).await, StatusCode::OK);
    scene.app.fail(&scene.daemon, broken, "APPLY_FAILED", "it went wrong").await;
    let query = "query($id: ID!) { node(id: $id) { ... on Workspace { latestBuild { id } } } }";
    let seen = scene.app.ok(&scene.owner, query, json!({ "id": scene.workspace })).await;
    let build = seen["node"]["latestBuild"]["id"].as_str().unwrap();
    let repair = Request::put(format!("/states/{build}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", scene.owner.token))
        .body(Body::from(state(9)))
        .unwrap();
    assert_eq!(scene.app.send(repair).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.get(broken).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.lock(broken, "two").await, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.put(broken, "one", &state(2)).await, StatusCode::UNAUTHORIZED);

    let next = scene.build("startWorkspace").await;
    assert_eq!(scene.get(&next).await, (StatusCode::OK, state(9)));
    scene.app.fail(&scene.daemon, &next, "APPLY_FAILED", "again").await;
    let input = json!({ "workspaceId": scene.workspace, "orphan": true });
    scene.app.done(&scene.owner.token, "deleteWorkspace", "", input).await;
    assert_eq!(scene.get(&next).await.0, StatusCode::CONFLICT, "there is no workspace to build");
}

#[tokio::test]
async fn what_terraform_never_sends_is_refused_in_our_words() {
    let Some(scene) = Scene::new(Backend::Sqlite).await else { return };
    let large = json!({ "ID": "one", "Info": "x".repeat(70_000) }).to_string();
    let (status, body) = scene.terraform(&scene.job, "LOCK", "", large).await;
    assert_eq!((status, body.contains("64 KiB")), (StatusCode::PAYLOAD_TOO_LARGE, true), "{body}");
    let (status, body) = scene.terraform(&scene.job, "POST", "?ID=a&ID=b", state(1)).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["errors"][0]["extensions"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("BAD_REQUEST"))
    );
    let (status, _) = scene.send(&scene.job.id, None, "POST", "?ID=a&ID=b", state(1)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
