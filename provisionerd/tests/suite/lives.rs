//! The lives of a daemon: what one that was killed leaves, the next one ends; and what nobody heard is asked for again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::needs_terraform;
use crate::support::daemon::{MODULE, WAITS, begun, ended, jobs_dir, leftovers, let_go, start, stop};
use crate::support::eventually;
use crate::support::server::FakeServer;
use guildhall_provisionerd::{Daemon, EngineChoice, Settings, Shutdown};
use serde_json::json;

/// A daemon in a process of its own: it can be killed. Told by the environment what to serve.
#[tokio::test]
#[ignore = "run by other tests as a process of its own"]
async fn daemon_process() {
    let [url, work_dir] = ["TEST_URL", "TEST_WORK_DIR"].map(|name| std::env::var(name).unwrap());
    let key = crate::support::server::KEY.into();
    let mut settings = Settings::new(url, key, "acme".to_owned(), work_dir.into());
    settings.name = "tester".to_owned();
    settings.options.state_retries = 0;
    Daemon::run(settings, Shutdown::default()).await.unwrap();
}

fn spawn_daemon(server: &FakeServer, work_dir: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lives::daemon_process", "--ignored"])
        .env("TEST_URL", server.url())
        .env("TEST_WORK_DIR", work_dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A server and the folder of a daemon that was killed in the middle of an apply, whose Terraform goes on.
async fn killed_in_an_apply() -> (FakeServer, tempfile::TempDir) {
    let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let mut daemon = spawn_daemon(&server, work_dir.path());
    begun(&server).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    (server, work_dir)
}

#[tokio::test]
async fn a_killed_daemon_leaves_a_job_that_its_next_life_ends() {
    needs_terraform!("a_killed_daemon_leaves_a_job_that_its_next_life_ends");
    let (server, work_dir) = killed_in_an_apply().await;
    assert_eq!(leftovers(work_dir.path()), 1);
    assert!(server.state.lock().unwrap().lock.is_some(), "the orphan still works");

    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(
        (&job["provisionerJobId"], &job["code"]),
        (&json!("job_build"), &json!("DAEMON_LOST")),
        "{job}"
    );
    assert_eq!((&job["handedBack"], &job["attempt"]), (&json!(true), &json!(2)), "{job}");
    let state = server.state.lock().unwrap();
    assert!(state.state.as_ref().unwrap().to_string().contains("\"first\"") && state.lock.is_none());
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn an_orphan_finishes_and_its_state_is_rescued() {
    needs_terraform!("an_orphan_finishes_and_its_state_is_rescued");
    let (server, work_dir) = killed_in_an_apply().await;
    server.state.lock().unwrap().away = true;
    let_go(work_dir.path());
    let errored = || {
        let job = fs::read_dir(jobs_dir(work_dir.path())).unwrap().next()?.unwrap().path();
        job.join("module/errored.tfstate").exists().then_some(())
    };
    eventually("the orphan finishes its apply", async || errored()).await;

    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    server.state.lock().unwrap().away = false;
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["code"], "DAEMON_LOST", "{job}");
    assert!(server.state.lock().unwrap().state.as_ref().unwrap().to_string().contains("\"slow\""));
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_asked_for_again() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().mute = true;
    server.enqueue_import();
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    eventually("a job is given away", async || (!server.seen().given.is_empty()).then_some(())).await;
    server.seen().mute = false;
    eventually("both jobs end", async || (server.seen().ended.len() == 2).then_some(())).await;
    stop(daemon, &shutdown).await;
    let ended = server.seen().ended.clone();
    assert_eq!(ended[0]["provisionerJobId"], "job_import", "{ended:#?}");
    assert_eq!(ended[1]["provisionerJobId"], "job_build", "{ended:#?}");
    assert_eq!(server.seen().given.len(), 2, "each job has a question of its own");
    assert_eq!(server.seen().registrations, 1);
}

#[tokio::test]
async fn a_job_whose_answer_no_life_heard_is_asked_for_by_the_next() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.enqueue_import();
    let asked = || std::fs::read_to_string(work_dir.path().join("tester/question")).ok();
    server.seen().mute = true;
    let mut first = spawn_daemon(&server, work_dir.path());
    eventually("the job is given away", async || (!server.seen().given.is_empty()).then_some(())).await;
    first.kill().unwrap();
    first.wait().unwrap();
    server.seen().mute = false;
    let answered_first = asked().unwrap();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    assert_eq!(ended(&server).await["provisionerJobId"], "job_import");
    stop(daemon, &shutdown).await;
    assert_eq!(server.seen().given.keys().collect::<Vec<_>>(), [&answered_first]);
    assert_ne!(asked().unwrap(), answered_first, "it is answered");
}

#[tokio::test]
async fn a_key_that_is_used_up_is_replaced() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    let used_up = "0123456789abcdef0123456789abcdef";
    std::fs::create_dir(work_dir.path().join("tester")).unwrap();
    std::fs::write(work_dir.path().join("tester/question"), used_up).unwrap();
    server.seen().dead_keys.push(used_up.to_owned());
    server.enqueue_import();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(server.seen().registrations, 1, "the daemon is known");
}

#[tokio::test]
async fn a_daemon_that_dies_before_it_tells_a_result_tells_the_end_in_its_next_life() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().deaf_to_results = true;
    server.enqueue_import();
    let mut first = spawn_daemon(&server, work_dir.path());
    eventually("a result is not heard", async || (server.seen().unheard > 0).then_some(())).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let left = fs::read_dir(jobs_dir(work_dir.path())).unwrap().next().unwrap().unwrap().path();
    let kept: Vec<_> = fs::read_dir(left).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["job.json"], "nothing of the module or its state stays");

    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!((&job["code"], &job["handedBack"]), (&json!("DAEMON_LOST"), &json!(true)), "{job}");
    assert_eq!(leftovers(work_dir.path()), 0);
}
