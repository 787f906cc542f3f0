//! States for administrators, and new sealing keys.

use axum::body::Body;
use guildhall::app::{App, Options, reseal};
use guildhall::clock::Clock;
use http::{Request, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::HeldJob;
use crate::support::{Backend, Person};
use crate::workspaces::Scene;

/// What must not be found in the database.
const SECRET: &str = "the-plain-text-of-a-state";

fn state(serial: u32) -> String {
    json!({ "version": 4, "serial": serial, "outputs": { "password": { "value": SECRET } } }).to_string()
}

impl Scene {
    /// A build of `dev` that leaves a state.
    async fn leaves(&self, mutation: &str, serial: u32) -> HeldJob {
        self.change(mutation, json!({})).await;
        let job = self.take().await;
        self.app.keep_state(&job, &state(serial)).await;
        self.finish(&job).await;
        job
    }

    /// The id of `dev`'s build of this number.
    async fn build(&self, number: usize) -> String {
        let builds = self.see(&self.owner, &self.dev, "builds(orderBy: NUMBER_ASC) { nodes { id } }").await;
        builds["builds"]["nodes"][number - 1]["id"].as_str().unwrap().to_owned()
    }

    async fn states(
        &self,
        person: Option<&Person>,
        method: &str,
        build: &str,
        body: String,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(format!("/states/{build}"));
        if let Some(person) = person {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        }
        let (status, body) = self.app.send(request.body(Body::from(body)).unwrap()).await;
        (status, String::from_utf8(body).unwrap())
    }

    async fn pull(&self, person: Option<&Person>, build: &str) -> (StatusCode, String) {
        self.states(person, "GET", build, String::new()).await
    }
}

#[rstest]
#[tokio::test]
async fn a_state_is_for_administrators_and_leaves_a_trace(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.leaves("startWorkspace", 3).await;
    scene.leaves("startWorkspace", 4).await;
    let (first, second, third) = (scene.build(1).await, scene.build(2).await, scene.build(3).await);
    assert_eq!(scene.pull(Some(&scene.owner), &second).await, (StatusCode::OK, state(3)));
    assert_eq!(scene.pull(Some(&scene.owner), &third).await, (StatusCode::OK, state(4)));
    assert_eq!(scene.pull(Some(&scene.owner), &first).await.0, StatusCode::NOT_FOUND, "it wrote none");
    // Not for its owner, nor for who administers templates; and to a stranger it is not there.
    let admin = scene.app.member_of(&scene.owner, &scene.org, "tom", &["organization-template-admin"]).await;
    let stranger = scene.app.user(&scene.owner, "zoe", &[]).await;
    let foreign = scene.app.organization(&scene.owner, "other").await;
    let far = scene.app.member_of(&scene.owner, &foreign, "far", &["organization-admin"]).await;
    for (person, status) in [
        (Some(&scene.mia), StatusCode::FORBIDDEN),
        (Some(&admin), StatusCode::FORBIDDEN),
        (Some(&stranger), StatusCode::NOT_FOUND),
        (Some(&far), StatusCode::NOT_FOUND),
        (None, StatusCode::UNAUTHORIZED),
    ] {
        let entries = scene.app.tables().count("audit_log").await;
        for (method, body) in [("GET", String::new()), ("PUT", state(9))] {
            let (answer, text) = scene.states(person, method, &second, body).await;
            assert_eq!(answer, status, "{method} {person:?}");
            assert!(!text.contains(SECRET));
        }
        let missing = second.replace("bld_0", "bld_7");
        if status == StatusCode::NOT_FOUND {
            assert_eq!(scene.pull(person, &missing).await, scene.pull(person, &second).await);
        }
        assert_eq!(scene.app.tables().count("audit_log").await, entries);
    }
    // What is told without opening it, and to whom.
    let fields = "builds(orderBy: NUMBER_ASC) { nodes { state { serial size path } } }";
    let seen = scene.see(&scene.owner, &scene.dev, fields).await["builds"]["nodes"].clone();
    let told = json!({ "serial": 3, "size": state(3).len(), "path": format!("/states/{second}") });
    assert_eq!((&seen[0]["state"], &seen[1]["state"]), (&Value::Null, &told));
    let nothing = json!({ "state": null });
    assert_eq!(scene.dev(fields).await["builds"]["nodes"], json!([nothing, nothing, nothing]));
    // The trace.
    let query = "{ auditLog(first: 1, filter: { action: DOWNLOAD }) { totalCount nodes { resourceName actor { name } } } }";
    let log = scene.app.ok(&scene.owner, query, json!({})).await["auditLog"].clone();
    assert_eq!(
        log,
        json!({ "totalCount": 2, "nodes": [{ "resourceName": "dev", "actor": { "name": "olga-owner" } }] })
    );
}

#[rstest]
#[tokio::test]
async fn a_repaired_state_is_where_the_next_build_starts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let old = scene.leaves("startWorkspace", 3).await;
    let (second, owner) = (scene.build(2).await, Some(&scene.owner));
    for nonsense in ["", "no JSON", "{}", "{\"version\": 4}"] {
        let (status, _) = scene.states(owner, "PUT", &second, nonsense.to_owned()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{nonsense:?}");
    }
    assert_eq!(scene.states(owner, "PUT", &second, state(8)).await.0, StatusCode::NO_CONTENT);
    // Only after the newest, and not while it is on its way.
    let first = scene.build(1).await;
    assert_eq!(scene.states(owner, "PUT", &first, state(9)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    scene.change("stopWorkspace", json!({})).await;
    assert_eq!(scene.states(owner, "PUT", &second, state(9)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let third = scene.build(3).await;
    assert_eq!(scene.states(owner, "PUT", &third, state(9)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let job = scene.take().await;
    scene.app.keep_state(&job, &state(10)).await;
    scene.finish(&job).await;
    assert_eq!(scene.pull(owner, &second).await, (StatusCode::OK, state(8)));
    assert_ne!(old.id, job.id);
    // Of an orphan it is still there, for who must clean up.
    let input = json!({ "workspaceId": scene.dev, "orphan": true });
    scene.app.done(&scene.owner.token, "deleteWorkspace", "deletedWorkspaceId", input).await;
    assert_eq!(scene.pull(owner, &third).await, (StatusCode::OK, state(10)));
    assert_eq!(scene.pull(Some(&scene.mia), &third).await.0, StatusCode::NOT_FOUND);
    assert_eq!(scene.states(owner, "PUT", &third, state(11)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[rstest]
#[tokio::test]
async fn of_a_workspace_the_newest_states_are_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for serial in 1..=22 {
        scene.leaves("startWorkspace", serial).await;
    }
    assert_eq!(scene.app.tables().count("terraform_state").await, 20);
    let (second, fourth) = (scene.build(2).await, scene.build(4).await);
    assert_eq!(scene.pull(Some(&scene.owner), &second).await.0, StatusCode::NOT_FOUND);
    assert_eq!(scene.pull(Some(&scene.owner), &fourth).await, (StatusCode::OK, state(3)));
}

#[rstest]
#[tokio::test]
async fn a_new_key_takes_over_from_the_old_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.leaves("startWorkspace", 3).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let old = std::fs::read_to_string(scene.app.folder().join("sealing.key")).unwrap();
    let new = "5a".repeat(32);
    let anew = async |keys: &str| {
        std::fs::write(&file, keys).unwrap();
        reseal(folder.path(), &scene.app.settings, Some(&file), Clock::system()).await
    };
    assert_eq!(anew(&old).await.unwrap(), 0, "it is sealed with that already");
    let states = async || {
        let mut rows = scene.app.tables().dump().await;
        rows.retain(|row| row.starts_with("terraform_state "));
        rows
    };
    let before = states().await;
    assert!(anew(&new).await.is_err(), "without the old key nothing opens");
    assert_eq!(states().await, before);
    assert_eq!(anew(&format!("{new}\n{old}")).await.unwrap(), 1);
    assert_eq!(anew(&format!("{new}\n{old}")).await.unwrap(), 0, "there is nothing left to do");
    assert_eq!(anew(&new).await.unwrap(), 0, "the old key is of no more use");
    assert_eq!(scene.app.tables().holding(SECRET).await, Vec::<String>::new());
    // A server that knows only the new key opens it.
    let options = guildhall::app::Options { sealing_key_file: Some(file.clone()), ..Default::default() };
    let clock = scene.app.app.db().clock().clone();
    let app =
        guildhall::app::App::open(scene.app.folder(), &scene.app.settings, clock, options).await.unwrap();
    let second = scene.build(2).await;
    let request = Request::get(format!("/states/{second}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", scene.owner.token))
        .body(Body::empty());
    let response = tower::ServiceExt::oneshot(app.router(), request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // The one with the old key alone does not, and says so in its log only.
    assert_eq!(scene.pull(Some(&scene.owner), &second).await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

/// A server on this database, with what is in its data folder.
async fn starts(scene: &Scene, sealing_key_file: Option<&std::path::Path>) -> Result<(), String> {
    let options =
        Options { sealing_key_file: sealing_key_file.map(std::path::Path::to_owned), ..Options::default() };
    let opened = App::open(scene.app.folder(), &scene.app.settings, Clock::system(), options).await;
    opened.map(drop).map_err(|error| format!("{error:#}"))
}

#[rstest]
#[tokio::test]
async fn no_key_is_made_in_place_of_one_that_is_mislaid(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let folder = scene.app.folder();
    let (key, kept) = (folder.join("sealing.key"), folder.join("kept.key"));
    // While nothing is sealed, a server may be moved and start with keys of its own.
    std::fs::rename(&key, &kept).unwrap();
    starts(&scene, None).await.unwrap();
    std::fs::rename(&kept, &key).unwrap();
    scene.leaves("startWorkspace", 3).await;
    starts(&scene, None).await.unwrap();
    std::fs::rename(&key, &kept).unwrap();
    let error = starts(&scene, None).await.unwrap_err();
    assert!(error.contains("there is no sealing key at") && !key.exists(), "{error}");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let error = starts(&scene, None).await.unwrap_err();
    assert!(error.contains("sealed with other keys"), "{error}");
    std::fs::remove_file(&key).unwrap();
    starts(&scene, Some(&kept)).await.unwrap();
    // Nor does resealing make anything where something is missing.
    let empty = tempfile::tempdir().unwrap();
    let nowhere = guildhall::db::Settings::Sqlite { path: empty.path().join("guildhall.db"), readers: 1 };
    reseal(empty.path(), &nowhere, None, Clock::system()).await.unwrap_err();
    reseal(empty.path(), &nowhere, Some(&kept), Clock::system()).await.unwrap_err();
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[rstest]
#[tokio::test]
async fn whatever_is_sealed_is_sealed_anew(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let version = app.push(owner, &scene.template, json!({})).await.id;
    let import = scene.take().await;
    let variable = |name: &str, sensitive: bool, ephemeral: bool| {
        json!({
            "name": name, "type": "string", "description": "", "default": "", "required": false, "sensitive": sensitive,
            "nullable": true, "ephemeral": ephemeral, "validations": [],
        })
    };
    let variables = json!([variable("password", true, false), variable("code", false, true)]);
    app.complete(
        &scene.daemon,
        &import,
        json!({ "templateImport": { "readme": "", "variables": variables } }),
    )
    .await;
    // A dry run and a build that wait, and a start that is promised, each with its secrets.
    let values =
        json!([{ "name": "password", "value": "a-password" }, { "name": "code", "value": "a-code" }]);
    let run = json!({ "templateVersionId": version, "parameters": values });
    app.done(&owner.token, "createTemplateVersionDryRun", "", run).await;
    let restart = json!({ "templateVersionId": version, "parameters": values });
    scene.change("restartWorkspace", restart).await;
    let other = json!({ "templateId": scene.template.id, "name": "w", "templateVersionId": version, "parameters": values });
    app.done(&owner.token, "createWorkspace", "", other).await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let old = std::fs::read_to_string(app.folder().join("sealing.key")).unwrap();
    let anew = async |keys: String| {
        std::fs::write(&file, keys).unwrap();
        reseal(folder.path(), &app.settings, Some(&file), Clock::system()).await.unwrap()
    };
    let new = "5a".repeat(32);
    assert_eq!(
        anew(format!("{new}\n{old}")).await,
        5,
        "one set of the dry run, two each of build and promise"
    );
    assert_eq!(anew(new.clone()).await, 0, "the old key is of no more use");

    // A server that knows only the new key gives the daemon what was given.
    let options = guildhall::app::Options { sealing_key_file: Some(file.clone()), ..Default::default() };
    let clock = app.app.db().clock().clone();
    let fresh = guildhall::app::App::open(app.folder(), &app.settings, clock, options).await.unwrap();
    let take = json!({
        "query": "mutation($input: AcquireProvisionerJobInput!) { acquireProvisionerJob(input: $input) { acquiredJob {
            task { ... on TemplateDryRunTask { variables { name value } } }
        } } }",
        "variables": { "input": { "provisionerDaemonId": scene.daemon.id } },
    });
    let request = Request::post("/graphql")
        .header(header::AUTHORIZATION, format!("Bearer {}", scene.daemon.secret))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(take.to_string()));
    let response = tower::ServiceExt::oneshot(fresh.router(), request.unwrap()).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let task = &body["data"]["acquireProvisionerJob"]["acquiredJob"]["task"];
    assert_eq!(task["variables"], values, "{body:#}");
}

#[rstest]
#[tokio::test]
async fn a_job_whose_values_can_not_be_opened_fails_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let version = app.push(owner, &scene.template, json!({})).await.id;
    let import = scene.take().await;
    let variable = json!({
        "name": "password", "type": "string", "description": "", "default": "", "required": false, "sensitive": true,
        "nullable": true, "ephemeral": false, "validations": [],
    });
    let found = json!({ "templateImport": { "readme": "", "variables": [variable] } });
    app.complete(&scene.daemon, &import, found).await;
    let values = json!([{ "name": "password", "value": "a-password" }]);
    let start = json!({ "templateVersionId": version, "parameters": values });
    scene.change("startWorkspace", start).await;
    // As when the key that sealed them is mislaid.
    let garbage = if backend == Backend::Postgres { "'\\x00'::bytea" } else { "x'00'" };
    let spoil = format!(
        "update workspace_build set sealed_parameters = {garbage} where sealed_parameters is not null"
    );
    app.tables().execute(&spoil).await;
    app.template(owner, &scene.org, "next").await;

    let next = scene.take().await;
    assert_eq!(next.kind, "TEMPLATE_IMPORT", "the daemon goes on with what it can do");
    let build = scene.dev("status latestBuild { status job { error { code message } } }").await;
    assert_eq!(build["latestBuild"]["status"], "FAILED", "{build:#}");
    let error = &build["latestBuild"]["job"]["error"];
    assert_eq!(error["code"], "NO_TASK", "{build:#}");
    assert!(error["message"].as_str().unwrap().contains("sealing key"), "{build:#}");
}
