//! What a job is held to: its time, its secrets, and that an apply is told of before it begins.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::server::FakeServer;
use crate::support::{Job, StateServer, eventually, task};
use futures_util::FutureExt;
use guildhall_provisionerd::engine::{Engine, PlanGate, Transition};
use guildhall_provisionerd::{Daemon, EngineChoice, Settings, Shutdown};
use serde_json::{Value, json};

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
    if crate::support::terraform("a_job_that_takes_too_long_is_interrupted").await.is_none() {
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
    if crate::support::terraform("an_apply_is_told_of_before_it_begins").await.is_none() {
        return;
    }
    let (server, work_dir) = (FakeServer::start(FREE).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    run(&server, server.settings(work_dir.path(), EngineChoice::Terraform)).await;
    assert_eq!(server.seen().planned, [Value::Null]);
}

#[tokio::test]
async fn secrets_of_many_lines_and_inside_of_json_are_masked() {
    let Some(terraform) =
        crate::support::terraform("secrets_of_many_lines_and_inside_of_json_are_masked").await
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

/// Terraform hands on what a script has printed after a tenth of a second, whether or not its line has ended.
#[tokio::test]
async fn secrets_that_are_printed_in_pieces_are_masked() {
    let Some(terraform) = crate::support::terraform("secrets_that_are_printed_in_pieces_are_masked").await
    else {
        return;
    };
    let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
    let server = StateServer::start().await;
    let mut job = Job::new(
        "variable \"word\" {\n  type      = string\n  sensitive = true\n}\n\
         resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" { command = \"sh slowly.sh\" }\n}\n",
    );
    let slowly = "printf 'it is hidd'; sleep 0.4; printf en-; sleep 0.4; echo word!; echo the rest;\
                  for letter in h i d d e n - w o r d; do printf $letter; sleep 0.25; done; echo; echo done";
    fs::write(job.module.join("slowly.sh"), slowly).unwrap();
    let build = task(Transition::Start, &[("word", "hidden-word")], &server);
    Engine::Terraform(terraform).build(&build, &job.module, &job.run, &gate).await.unwrap();
    let log = job.log();
    assert!(log.contains("(local-exec): it is ***!") && log.contains("(local-exec): the rest"), "{log}");
    // Letter by letter, none of them shows.
    assert!(log.contains("(local-exec): ***\n") && log.contains("(local-exec): done"), "{log}");
    assert!(!log.lines().any(|line| line.ends_with("(local-exec): h")), "{log}");
    assert!(!log.contains("hidd") && !log.contains("en-") && !log.contains("word"), "{log}");
}

/// A Terraform that says that it is one, and plans until it is let go.
const WAITING: &str = r#"#!/bin/sh
case "$1" in
  version) echo '{"terraform_version":"1.11.4"}' ;;
  validate) echo '{"valid":true}' ;;
  plan) touch begun; until test -e go; do test -e begun || exit 1; sleep 0.05; done ;;
esac
"#;

#[tokio::test]
async fn as_many_jobs_run_at_a_time_as_the_daemon_is_told() {
    let (server, work_dir) = (FakeServer::start(FREE).await, tempfile::tempdir().unwrap());
    for number in 1..=5 {
        server.enqueue_import_called(&format!("job_{number}"));
    }
    let program = work_dir.path().join("terraform");
    fs::write(&program, WAITING).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = server.settings(work_dir.path(), EngineChoice::Terraform);
    settings.terraform = Some(program);
    settings.concurrency = NonZeroUsize::new(3).unwrap();
    let shutdown = Shutdown::default();
    let daemon = tokio::spawn(Daemon::run(settings, shutdown.clone()));
    let modules = || {
        let jobs = fs::read_dir(work_dir.path().join("tester/jobs")).into_iter().flatten().flatten();
        jobs.map(|job| job.path().join("module")).collect::<Vec<_>>()
    };
    let begun = || modules().iter().filter(|module| module.join("begun").exists()).count();
    eventually("three jobs run side by side", async || (begun() == 3).then_some(())).await;
    // Signs of life are of all three, and nothing more is asked for.
    let of_three = |beat: &Value| beat["runningJobIds"].as_array().is_some_and(|jobs| jobs.len() == 3);
    eventually("a heartbeat", async || server.seen().heartbeats.iter().any(of_three).then_some(())).await;
    assert_eq!((begun(), server.seen().queue.len()), (3, 2));
    // Whoever is done makes room for the next, until all are.
    eventually("all five end", async || {
        for module in modules() {
            let _ = fs::write(module.join("go"), "");
        }
        (server.seen().ended.len() == 5).then_some(())
    })
    .await;
    shutdown.drain.cancel();
    tokio::time::timeout(Duration::from_secs(20), daemon).await.unwrap().unwrap().unwrap();
    let mut ended: Vec<_> =
        server.seen().ended.iter().map(|job| job["provisionerJobId"].to_string()).collect();
    ended.sort();
    assert_eq!(ended, (1..=5).map(|number| format!("\"job_{number}\"")).collect::<Vec<_>>());
}
