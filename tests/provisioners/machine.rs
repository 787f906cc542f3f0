//! The states of a job: every report in every state, and jobs that are taken again.

use std::fmt::Write as _;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use http::{Method, Request, header};
use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::daemon::{HeldJob, plain_build, plain_import};
use crate::support::{Backend, TestApp};

const STATES: [&str; 6] = ["PENDING", "RUNNING", "CANCELING", "SUCCEEDED", "FAILED", "CANCELED"];
const REPORTS: [&str; 7] = ["append", "plan", "complete", "fail", "stop", "hand back", "cancel"];

/// What becomes of a job in each state with each report: the answer, and the state afterwards.
const TABLE: &str = "
           append              plan                complete            fail                stop                hand back           cancel
PENDING    CONFLICT/PENDING    CONFLICT/PENDING    CONFLICT/PENDING    CONFLICT/PENDING    CONFLICT/PENDING    CONFLICT/PENDING    ok/CANCELED
RUNNING    ok/RUNNING          BAD_INPUT/RUNNING   ok/SUCCEEDED        ok/FAILED           ok/FAILED           ok/PENDING          ok/CANCELING
CANCELING  ok/CANCELING        BAD_INPUT/CANCELING ok/SUCCEEDED        ok/FAILED           ok/CANCELED         ok/CANCELED         CONFLICT/CANCELING
SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED  CONFLICT/SUCCEEDED
FAILED     CONFLICT/FAILED     CONFLICT/FAILED     CONFLICT/FAILED     CONFLICT/FAILED     CONFLICT/FAILED     CONFLICT/FAILED     CONFLICT/FAILED
CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED   CONFLICT/CANCELED
";

impl Scene {
    async fn cancel(&self, job: &str) {
        self.app
            .done(&self.owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": job }))
            .await;
    }

    /// A job in this state.
    async fn in_state(&self, state: &str, name: &str) -> String {
        let job = self.import(&self.owner, name, &[]).await;
        if state == "CANCELED" {
            self.cancel(&job).await;
        }
        if ["PENDING", "CANCELED"].contains(&state) {
            return job;
        }
        let held = self.app.acquire(&self.daemon).await.unwrap();
        assert_eq!(held.id, job);
        match state {
            "CANCELING" => self.cancel(&job).await,
            "SUCCEEDED" => self.app.complete(&self.daemon, &held, plain_import()).await,
            "FAILED" => self.app.fail(&self.daemon, &held, "X", "x").await,
            _ => {}
        }
        job
    }

    /// The code that a report is answered with; `ok` where it is taken.
    async fn report(&self, report: &str, job: &str) -> String {
        let failed = |flag: &str| {
            let mut input = json!({ "code": "STOPPED", "message": "stopped" });
            input[flag] = true.into();
            ("failProvisionerJob", input)
        };
        let (field, mut input) = match report {
            "append" => ("appendProvisionerJobLogs", json!({ "firstSequence": 1, "logs": [] })),
            "plan" => ("planWorkspaceBuild", json!({ "dailyCost": 1 })),
            "complete" => ("completeProvisionerJob", json!({ "result": plain_import() })),
            "fail" => ("failProvisionerJob", json!({ "code": "X", "message": "x" })),
            "stop" => failed("canceled"),
            "hand back" => failed("handedBack"),
            _ => ("cancelProvisionerJob", json!({})),
        };
        input["provisionerJobId"] = job.into();
        let token = if report == "cancel" { &self.owner.token } else { &self.daemon.secret };
        let body = self.app.call(Some(token), field, "__typename", input).await;
        let code = body["errors"][0]["extensions"]["code"]
            .as_str()
            .or_else(|| body["data"][field]["userErrors"][0]["code"].as_str());
        code.unwrap_or("ok").replace("BAD_USER_INPUT", "BAD_INPUT")
    }

    async fn hand_back(&self, held: &HeldJob) -> bool {
        let input = json!({
            "provisionerJobId": held.id, "attempt": held.attempt, "code": "DAEMON_STOPPED", "message": "stopped",
            "handedBack": true,
        });
        self.app.done(&self.daemon.secret, "failProvisionerJob", "requeued", input).await["requeued"]
            .as_bool()
            .unwrap()
    }

    /// A workspace's first build, taken.
    async fn build(&self) -> HeldJob {
        let template = self.app.template(&self.owner, &self.org, "dev").await;
        self.app.work(&self.daemon).await;
        self.app.workspace(&self.owner, &template, "dev", "").await;
        self.app.acquire(&self.daemon).await.unwrap()
    }
}

#[rstest]
#[tokio::test]
async fn every_report_in_every_state(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut table = format!("\n{:11}", "");
    table.extend(REPORTS.map(|report| format!("{report:20}")));
    for (number, state) in STATES.iter().enumerate() {
        table.truncate(table.trim_end().len());
        write!(table, "\n{state:11}").unwrap();
        for (place, report) in REPORTS.iter().enumerate() {
            let job = scene.in_state(state, &format!("t{number}-{place}")).await;
            let answer = scene.report(report, &job).await;
            let after = scene.job(&job).await["state"].as_str().unwrap().to_owned();
            write!(table, "{:20}", format!("{answer}/{after}")).unwrap();
            if after == "PENDING" {
                scene.cancel(&job).await;
            }
        }
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
    assert_eq!(table, TABLE, "{table}");
}

#[rstest]
#[tokio::test]
async fn a_job_that_is_handed_back_is_done_by_another_with_one_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    // Of the same key: only the attempt tells them apart.
    let other = app.daemon(&scene.key, &scene.org, "other").await;
    let job = scene.import(&scene.owner, "t", &[]).await;
    let first = app.acquire(&scene.daemon).await.unwrap();
    assert_eq!((first.attempt, first.next_log_sequence), (1, 1));
    app.append_logs(&scene.daemon, &first, 1, &["one"]).await;
    assert!(scene.hand_back(&first).await);
    assert_eq!(scene.job(&job).await["state"], "PENDING");

    let second = app.acquire(&other).await.unwrap();
    assert_eq!((&second.id, second.attempt, second.next_log_sequence), (&job, 2, 3));
    assert_ne!(first.token, second.token);
    for report in ["append", "complete", "fail", "hand back"] {
        assert_eq!(scene.report(report, &job).await, "CONFLICT", "{report} of the first daemon");
    }
    let beat = json!({ "provisionerDaemonId": scene.daemon.id, "runningJobIds": [job] });
    let orders = app.done(&scene.key.secret, "heartbeatProvisionerDaemon", "lostJobIds", beat).await;
    assert_eq!(orders["lostJobIds"], json!([job]));
    app.append_logs(&other, &second, 3, &["two"]).await;
    app.complete(&other, &second, plain_import()).await;
    let ended = scene.job(&job).await;
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("SUCCEEDED"), &json!(2)));
    let lines = ended["logs"]["nodes"].as_array().unwrap();
    assert_eq!(lines.len(), 3, "{ended:#}");
    assert_eq!((&lines[0]["text"], &lines[2]["text"]), (&json!("one"), &json!("two")));
    assert!(lines[1]["text"].as_str().unwrap().contains("1 of 3 times"), "{ended:#}");
}

#[rstest]
#[tokio::test]
async fn a_job_is_taken_three_times_at_most(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let job = scene.import(&scene.owner, "t", &[]).await;
    for requeued in [true, true, false] {
        let held = scene.app.acquire(&scene.daemon).await.unwrap();
        assert_eq!(scene.hand_back(&held).await, requeued);
    }
    let ended = scene.job(&job).await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("FAILED"), &json!("DAEMON_STOPPED")));
}

async fn lock(app: &TestApp, held: &HeldJob, method: &str, lock: &str) -> u16 {
    let basic = format!("Basic {}", STANDARD.encode(format!("job:{}", held.token)));
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("/provisioner-jobs/{}/state", held.id))
        .header(header::AUTHORIZATION, basic)
        .body(Body::from(json!({ "ID": lock }).to_string()))
        .unwrap();
    app.send(request).await.0.as_u16()
}

#[rstest]
#[tokio::test]
async fn a_build_that_was_lost_before_its_apply_is_built_by_another(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let first = scene.build().await;
    assert_eq!(lock(app, &first, "LOCK", "of the first").await, 200);
    app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(app.app.reap().await.unwrap(), 1);
    let second = app.acquire(&scene.daemon).await.unwrap();
    assert_eq!((&second.id, second.attempt), (&first.id, 2));
    // What the first one left is in nobody's way, and it can do nothing any more.
    assert_eq!(lock(app, &second, "LOCK", "of the second").await, 200);
    assert_eq!(lock(app, &first, "LOCK", "of the first").await, 401);
    let stale = json!({ "provisionerJobId": first.id, "dailyCost": 1 });
    assert_eq!(app.denied(Some(&scene.key.secret), "planWorkspaceBuild", stale).await, "CONFLICT");
    app.complete(&scene.daemon, &second, plain_build()).await;
    assert_eq!(scene.job(&first.id).await["state"], "SUCCEEDED");
}

#[rstest]
#[tokio::test]
async fn a_build_that_may_have_been_applied_is_never_taken_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Value::Null, json!(3))] cost: Value,
    #[values(true, false)] reaped: bool,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let held = scene.build().await;
    app.done(
        &everybody_may_spend(&scene).await,
        "planWorkspaceBuild",
        "accepted",
        json!({ "provisionerJobId": held.id, "dailyCost": cost }),
    )
    .await;
    let code = if reaped {
        app.clock.advance(TimeDelta::minutes(6));
        assert_eq!(app.app.reap().await.unwrap(), 1);
        "HUNG"
    } else {
        assert!(!scene.hand_back(&held).await);
        "DAEMON_STOPPED"
    };
    let ended = scene.job(&held.id).await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("FAILED"), &json!(code)));
    assert!(app.acquire(&scene.daemon).await.is_none());
}

/// Gives everybody a budget; answers the secret of the daemon's key.
async fn everybody_may_spend(scene: &Scene) -> String {
    let everyone = scene.org.id.replace("org_", "grp_");
    let input = json!({ "groupId": everyone, "allowance": 100 });
    scene.app.done(&scene.owner.token, "setGroupQuota", "", input).await;
    scene.key.secret.clone()
}

#[rstest]
#[tokio::test]
async fn a_build_that_is_being_canceled_is_not_applied(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let held = scene.build().await;
    scene.cancel(&held.id).await;
    let input = json!({ "provisionerJobId": held.id, "dailyCost": 0 });
    let refused = scene.app.refused(&scene.key.secret, "planWorkspaceBuild", input).await;
    assert!(refused.is("CONFLICT", "input.provisionerJobId"), "{refused:?}");
    let failure =
        json!({ "provisionerJobId": held.id, "code": "CANCELED", "message": "as asked", "canceled": true });
    scene.app.done(&scene.key.secret, "failProvisionerJob", "", failure).await;
    assert_eq!(scene.job(&held.id).await["state"], "CANCELED");
}

#[rstest]
#[tokio::test]
async fn a_log_has_bounds(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let held = scene.build().await;
    let line = |stage: &str| {
        json!({
            "time": "2026-11-24T08:00:00Z", "level": "INFO", "source": "PROVISIONER", "stage": stage, "text": "",
        })
    };
    let lines = |first: i32, logs: Vec<Value>| json!({ "provisionerJobId": held.id, "firstSequence": first, "logs": logs });
    for first in [0, -1, i32::MAX, i32::MAX - 1] {
        for logs in [Vec::new(), vec![line("Plan")]] {
            let refused =
                scene.app.refused(&scene.key.secret, "appendProvisionerJobLogs", lines(first, logs)).await;
            assert!(refused.is("BAD_USER_INPUT", "input.firstSequence"), "{first}: {refused:?}");
        }
    }
    // What stands beside a line counts as well.
    let wide = "𝓢".repeat(64);
    for batch in 0..5 {
        let logs = vec![line(&wide); 1000];
        scene
            .app
            .done(&scene.key.secret, "appendProvisionerJobLogs", "", lines(batch * 1000 + 1, logs))
            .await;
    }
    let kept =
        scene.app.tables().texts("select stage from provisioner_job_log where length(stage) > 60").await;
    assert!((4000..4200).contains(&kept.len()), "{} of 256 bytes each are 1 MiB", kept.len());
}
