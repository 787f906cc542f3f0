//! Jobs: who gets them, who may report on them, and how they end.

mod asked_again;
mod endings;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::daemon::{Daemon, HeldJob, plain_build, plain_import};
use crate::support::{Backend, Org, Person, TestApp};

/// An organization with its owner and a daemon without tags.
struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    daemon: Daemon,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let daemon = daemon(&app, &owner, &org, "plain", &[]).await;
        Some(Self { app, owner, org, daemon })
    }

    /// Queues an import; answers its job.
    async fn import(&self, name: &str, tags: &[(&str, &str)]) -> String {
        import(&self.app, &self.owner, &self.org, name, tags).await
    }

    /// Queues an import and takes it.
    async fn held(&self, name: &str) -> HeldJob {
        let id = self.import(name, &[]).await;
        let job = self.app.acquire(&self.daemon).await.unwrap();
        assert_eq!(job.id, id);
        job
    }

    async fn job(&self, id: &str) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on ProvisionerJob {
            state attempts cancelRequestedAt completedAt error { code message }
            pendingReason { code message tags { name value } } logs { nodes { sequence text } }
        } } }";
        self.app.ok(&self.owner, query, json!({ "id": id })).await["node"].clone()
    }

    async fn state(&self, id: &str) -> String {
        self.job(id).await["state"].as_str().unwrap().to_owned()
    }

    async fn cancel(&self, id: &str) {
        self.app.done(&self.owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": id })).await;
    }

    /// The code of the refusal of a report on a job.
    async fn report(&self, daemon: &Daemon, field: &str, input: Value) -> String {
        self.app.denied(Some(&daemon.secret), field, input).await
    }
}

async fn daemon(app: &TestApp, owner: &Person, org: &Org, name: &str, tags: &[(&str, &str)]) -> Daemon {
    let key = app.provisioner_key(owner, org, &format!("key-{name}"), tags).await;
    app.daemon(&key, org, name).await
}

async fn import(app: &TestApp, owner: &Person, org: &Org, name: &str, tags: &[(&str, &str)]) -> String {
    let tags: Vec<_> = tags.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let input = json!({ "name": name, "version": { "tags": tags } });
    let template = app.described_template(owner, org, input).await;
    let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { job { id } } } }";
    let node = app.ok(owner, query, json!({ "id": template.version })).await;
    node["node"]["job"]["id"].as_str().unwrap().to_owned()
}

fn line(text: &str) -> Value {
    json!({ "time": "2026-11-24T08:00:00Z", "level": "INFO", "source": "PROVISIONER", "stage": "Plan", "text": text })
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_job_is_held_by_exactly_one_daemon(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const JOBS: usize = 24;
    let Some(scene) = Scene::new(backend).await else { return };
    let mut queued = BTreeSet::new();
    for number in 0..JOBS {
        queued.insert(scene.import(&format!("t{number}"), &[]).await);
    }
    let mut daemons = JoinSet::new();
    for number in 0..8 {
        let app = scene.app.clone();
        let daemon = daemon(&app, &scene.owner, &scene.org, &format!("d{number}"), &[]).await;
        daemons.spawn(async move {
            let mut held = Vec::new();
            while let Some(job) = app.acquire(&daemon).await {
                held.push(job);
            }
            (daemon, held)
        });
    }
    let taken = daemons.join_all().await;
    let ids: Vec<_> = taken.iter().flat_map(|(_, held)| held.iter().map(|job| job.id.clone())).collect();
    assert_eq!(ids.len(), JOBS, "a job was given twice or never");
    assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), queued);
    let tokens: BTreeSet<_> = taken.iter().flat_map(|(_, held)| held.iter().map(|job| &job.token)).collect();
    assert_eq!(tokens.len(), JOBS);
    // Nobody holds a job that was not given to them.
    let kept = scene.app.tables().texts("select distinct state || attempts from provisioner_job").await;
    assert_eq!(kept, ["RUNNING1"]);
    let (first, second) = (&taken[0], &taken[1]);
    if let Some(job) = first.1.first() {
        let input = json!({ "provisionerJobId": job.id, "code": "X", "message": "x" });
        assert_eq!(scene.report(&second.0, "failProvisionerJob", input).await, "CONFLICT");
    }
}

#[rstest]
#[tokio::test]
async fn tags_decide_which_daemon_gets_a_job(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, org) = (&scene.app, &scene.owner, &scene.org);
    let gpu = daemon(app, owner, org, "gpu", &[("gpu", "a100")]).await;
    let both = daemon(app, owner, org, "both", &[("gpu", "a100"), ("arch", "arm")]).await;
    let plain = scene.import("plain", &[]).await;
    let wants_both = scene.import("wants-both", &[("arch", "arm"), ("gpu", "a100")]).await;
    let wants_gpu = scene.import("wants-gpu", &[("gpu", "a100")]).await;
    let nobodys = scene.import("nobodys", &[("gpu", "h200"), ("arch", "arm")]).await;

    let taken = async |daemon: &Daemon| app.acquire(daemon).await.map(|job| job.id);
    assert_eq!(taken(&gpu).await, Some(wants_gpu.clone()), "the older job needs more than it carries");
    assert_eq!(taken(&gpu).await, None);
    assert_eq!(taken(&both).await, Some(wants_both));
    assert_eq!(taken(&both).await, None, "a tagged daemon takes no job without tags");
    assert_eq!(taken(&scene.daemon).await, Some(plain));
    assert_eq!(taken(&scene.daemon).await, None, "a daemon without tags takes no job with some");
    let reason = scene.job(&nobodys).await["pendingReason"].clone();
    assert_eq!(reason["code"], "TAGS_UNMATCHED", "{reason:#}");
    assert_eq!(reason["tags"], json!([{ "name": "gpu", "value": "h200" }]), "{reason:#}");
}

#[rstest]
#[tokio::test]
async fn a_daemon_never_gets_a_job_of_another_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let other = app.organization(owner, "other").await;
    let stranger = daemon(app, owner, &other, "stranger", &[]).await;
    let built_in = {
        use secrecy::ExposeSecret as _;
        let secret = app.app.builtin_key().secret().expose_secret().to_owned();
        let key = crate::support::daemon::ProvisionerKey { id: String::new(), secret };
        let default = Org { id: String::new(), name: "default".into() };
        app.daemon(&key, &default, "built-in").await
    };
    let job = scene.import("t", &[]).await;
    for outsider in [&stranger, &built_in] {
        assert!(app.acquire(outsider).await.is_none());
        // Nor by using the id of a daemon that may.
        let borrowed = json!({ "provisionerDaemonId": scene.daemon.id });
        assert_eq!(scene.report(outsider, "acquireProvisionerJob", borrowed).await, "CONFLICT");
    }
    assert_eq!(app.acquire(&scene.daemon).await.unwrap().id, job);
    for outsider in [&stranger, &built_in] {
        let input = json!({ "provisionerJobId": job, "result": plain_import() });
        assert_eq!(scene.report(outsider, "completeProvisionerJob", input).await, "CONFLICT");
    }
    assert_eq!(scene.state(&job).await, "RUNNING");
}

#[rstest]
#[tokio::test]
async fn who_does_not_hold_a_job_may_not_report_on_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, job) = (&scene.app, scene.held("t").await);
    let other = daemon(app, &scene.owner, &scene.org, "other", &[]).await;
    let reports = [
        ("appendProvisionerJobLogs", json!({ "firstSequence": 1, "logs": [line("forged")] })),
        ("completeProvisionerJob", json!({ "result": plain_import() })),
        ("failProvisionerJob", json!({ "code": "X", "message": "x", "canceled": true })),
    ];
    for (field, mut input) in reports.clone() {
        input["provisionerJobId"] = job.id.clone().into();
        assert_eq!(scene.report(&other, field, input.clone()).await, "CONFLICT", "{field}");
        assert_eq!(app.denied(Some(&scene.owner.token), field, input.clone()).await, "FORBIDDEN", "{field}");
        assert_eq!(app.denied(None, field, input.clone()).await, "UNAUTHENTICATED", "{field}");
        assert_eq!(app.denied(Some(&job.token), field, input).await, "UNAUTHENTICATED", "{field}");
    }
    let beat = json!({ "provisionerDaemonId": other.id, "runningJobIds": [job.id] });
    let orders = app.done(&other.secret, "heartbeatProvisionerDaemon", "lostJobIds cancelJobIds", beat).await;
    assert_eq!(orders["lostJobIds"], json!([job.id]));
    let seen = scene.job(&job.id).await;
    assert_eq!((&seen["state"], &seen["logs"]["nodes"]), (&json!("RUNNING"), &json!([])));

    app.complete(&scene.daemon, &job, plain_import()).await;
    for (field, mut input) in reports {
        input["provisionerJobId"] = job.id.clone().into();
        assert_eq!(scene.report(&scene.daemon, field, input).await, "CONFLICT", "{field} after its end");
    }
    assert_eq!(scene.state(&job.id).await, "SUCCEEDED");
}

#[rstest]
#[tokio::test]
async fn reports_that_make_no_sense_change_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, job) = (&scene.app, scene.held("t").await);
    let secret = scene.daemon.secret.as_str();
    let id = &job.id;
    let wrong_kind = json!({ "provisionerJobId": id, "result": plain_build() });
    let refused = app.refused(secret, "completeProvisionerJob", wrong_kind).await;
    assert!(refused.is("BAD_USER_INPUT", "input.result"), "{refused:?}");
    let from_zero = json!({ "provisionerJobId": id, "firstSequence": 0, "logs": [line("x")] });
    let refused = app.refused(secret, "appendProvisionerJobLogs", from_zero).await;
    assert!(refused.is("BAD_USER_INPUT", "input.firstSequence"), "{refused:?}");
    let too_many = json!({ "provisionerJobId": id, "firstSequence": 1, "logs": vec![line("x"); 1001] });
    let refused = app.refused(secret, "appendProvisionerJobLogs", too_many).await;
    assert!(refused.is("BAD_USER_INPUT", "input.logs"), "{refused:?}");
    let impatient = json!({ "provisionerDaemonId": scene.daemon.id, "waitSeconds": 9 });
    let refused = app.refused(secret, "acquireProvisionerJob", impatient).await;
    assert!(refused.is("BAD_USER_INPUT", "input.waitSeconds"), "{refused:?}");
    assert_eq!(scene.state(id).await, "RUNNING");
    app.complete(&scene.daemon, &job, plain_import()).await;
}

#[rstest]
#[tokio::test]
async fn lines_that_are_sent_again_are_kept_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, job) = (&scene.app, scene.held("t").await);
    app.append_logs(&scene.daemon, &job, 1, &["one", "two"]).await;
    app.append_logs(&scene.daemon, &job, 1, &["one", "two"]).await;
    app.append_logs(&scene.daemon, &job, 2, &["other two", "three"]).await;
    let texts = |job: &Value| {
        let lines = job["logs"]["nodes"].as_array().unwrap();
        lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&scene.job(&job.id).await), ["one", "two", "three"]);

    // A batch of half a MiB, again and again because its answer got lost, is not counted twice.
    let long = "x".repeat(1024);
    let batch = vec![long.as_str(); 500];
    for _ in 0..4 {
        app.append_logs(&scene.daemon, &job, 4, &batch).await;
    }
    app.append_logs(&scene.daemon, &job, 504, &["still kept"]).await;
    let kept =
        app.tables().texts("select text from provisioner_job_log order by sequence desc limit 1").await;
    assert_eq!(kept, ["still kept"]);
    // What is beyond 1 MiB is not, and one line says so.
    for first in [505, 1005, 1505] {
        app.append_logs(&scene.daemon, &job, first, &batch).await;
    }
    let last =
        app.tables().texts("select text from provisioner_job_log order by sequence desc limit 2").await;
    assert!(last[0].contains("1 MiB") && !last[1].contains("1 MiB"), "{last:?}");
    app.complete(&scene.daemon, &job, plain_import()).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_daemon_hears_of_a_job_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let other = scene.app.organization(&scene.owner, "other").await;
    let mut waiting = JoinSet::new();
    let (app, daemon) = (scene.app.clone(), scene.daemon.clone());
    waiting.spawn(async move {
        let input = json!({ "provisionerDaemonId": daemon.id, "waitSeconds": 8 });
        let payload = app.done(&daemon.secret, "acquireProvisionerJob", "acquiredJob { id }", input).await;
        (payload["acquiredJob"]["id"].as_str().map(str::to_owned), Instant::now())
    });
    // Work for others is no news.
    import(&scene.app, &scene.owner, &other, "elsewhere", &[]).await;
    let job = scene.import("here", &[]).await;
    let queued = Instant::now();
    let (taken, at) = waiting.join_next().await.unwrap().unwrap();
    assert_eq!(taken, Some(job));
    assert!(at.saturating_duration_since(queued) < Duration::from_secs(4), "it was not woken");
}
