//! What a job is held to: its time, its secrets, and that an apply is told of before it begins.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::fs;
use std::time::Duration;

use futures_util::FutureExt;
use guildhall_provisionerd::engine::{Engine, PlanGate, Transition};
use guildhall_provisionerd::{Daemon, EngineChoice, Settings, Shutdown};
use serde_json::{Value, json};
use support::server::FakeServer;
use support::{Job, StateServer, eventually, task};

const ENDLESS: &str = r#"
variable "secret" {
  type      = string
  default   = "none"
  sensitive = true
}
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "exec sleep 600" }
}
"#;

/// Does not say what it costs.
const FREE: &str = r#"
variable "secret" {
  type      = string
  default   = "none"
  sensitive = true
}
resource "terraform_data" "a" {}
"#;

/// Runs a daemon until its first job has ended; answers what it said of that.
async fn run(server: &FakeServer, settings: Settings) -> Value {
    let shutdown = Shutdown::default();
    let daemon = tokio::spawn(Daemon::run(settings, shutdown.clone()));
    let job = eventually("the job ends", async || server.ended()).await;
    shutdown.drain.cancel();
    tokio::time::timeout(Duration::from_secs(20), daemon).await.unwrap().unwrap().unwrap();
    job
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_interrupted() {
    if support::terraform("a_job_that_takes_too_long_is_interrupted").await.is_none() {
        return;
    }
    let (server, work_dir) = (FakeServer::start(ENDLESS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let mut settings = server.settings(work_dir.path(), EngineChoice::Terraform);
    settings.job_timeout = Some(Duration::from_secs(4));
    let job = run(&server, settings).await;
    assert_eq!((&job["code"], &job["canceled"]), (&json!("JOB_TIMEOUT"), &json!(false)), "{job}");
    assert_eq!(job["handedBack"], false, "it would take as long again");
    assert!(job["message"].as_str().unwrap().contains("longer than 4 s"), "{job}");
    assert_eq!(fs::read_dir(work_dir.path().join("tester/jobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_apply_is_told_of_before_it_begins() {
    if support::terraform("an_apply_is_told_of_before_it_begins").await.is_none() {
        return;
    }
    let (server, work_dir) = (FakeServer::start(FREE).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    run(&server, server.settings(work_dir.path(), EngineChoice::Terraform)).await;
    assert_eq!(server.seen().planned, [Value::Null]);
}

#[tokio::test]
async fn secrets_of_many_lines_and_inside_of_json_are_masked() {
    let Some(terraform) = support::terraform("secrets_of_many_lines_and_inside_of_json_are_masked").await
    else {
        return;
    };
    let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
    let server = StateServer::start().await;
    let mut job = Job::new(
        "variable \"pem\" {\n  type      = string\n  sensitive = true\n}\n\
         variable \"login\" {\n  type      = object({ user = string, password = string })\n  sensitive = true\n}\n\
         resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" { command = \"cat secrets.txt\" }\n}\n",
    );
    let pem = "-----BEGIN KEY-----\nbGluZSBvbmU\nbGluZSB0d28\n-----END KEY-----";
    fs::write(
        job.module.join("secrets.txt"),
        format!("{pem}\nit is hidden-word, said {{\"password\":\"hidden-word\"}}\n"),
    )
    .unwrap();
    let login = r#"{"user":"ada-lovelace","password":"hidden-word"}"#;
    let build = task(Transition::Start, &[("pem", pem), ("login", login)], &server);
    Engine::Terraform(terraform).build(&build, &job.module, &job.run, &gate).await.unwrap();
    let log = job.log();
    for secret in ["bGluZSBvbmU", "bGluZSB0d28", "hidden-word"] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    assert!(log.contains("(local-exec): it is ***, said"), "{log}");
}
