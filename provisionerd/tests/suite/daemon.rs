//! The daemon against a server that behaves and misbehaves.

use std::fs;
use std::time::Duration;

use crate::needs_terraform;
use crate::support::daemon::{MODULE, WAITS, begun, ended, jobs_dir, leftovers, let_go, start, stop};
use crate::support::server::FakeServer;
use crate::support::{TOKEN, eventually};
use guildhall_provisionerd::{Daemon, DaemonError, EngineChoice, Settings, Shutdown};
use serde_json::{Value, json};

#[tokio::test]
async fn echo_imports_and_builds() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.enqueue_import();
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    eventually("both jobs end", async || (server.seen().ended.len() == 2).then_some(())).await;
    stop(daemon, &shutdown).await;
    let ended = server.seen().ended.clone();
    let import = &ended[0]["result"]["templateImport"];
    assert_eq!(import["variables"][0]["name"], "secret", "{import}");
    assert_eq!(
        (&import["variables"][0]["required"], &import["variables"][0]["default"]),
        (&json!(false), &Value::Null)
    );
    let build = &ended[1]["result"]["workspaceBuild"];
    let resource = json!({"address": "terraform_data.a", "type": "terraform_data", "name": "a"});
    assert_eq!(build["resources"], json!([resource]));
    assert!(server.log().contains("nothing is created"), "{}", server.log());
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn what_the_quota_does_not_take_is_not_applied() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().over_quota = true;
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!((&job["code"], &job["canceled"]), (&json!("QUOTA_EXCEEDED"), &json!(false)), "{job}");
    assert_eq!(job["message"], "it would cost too much");
    assert_eq!(server.seen().planned, [json!(0)]);
    assert!(!server.log().contains("would exist"), "{}", server.log());
}

#[tokio::test]
async fn a_plan_that_comes_after_the_canceling_ends_its_job_as_canceled() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().canceling = true;
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["canceled"], true, "{job}");
    assert!(!server.log().contains("would exist"), "{}", server.log());
}

#[tokio::test]
async fn terraform_builds_and_every_line_arrives_once() {
    needs_terraform!("terraform_builds_and_every_line_arrives_once");
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().forget_answer = true;
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["result"]["workspaceBuild"]["resources"][0]["address"], "terraform_data.a", "{job}");
    let log = server.log();
    let printed = log.lines().filter_map(|line| line.strip_prefix("terraform_data.a: (local-exec): line "));
    let expected = (1..=100).map(|number: usize| number.to_string()).collect::<Vec<_>>();
    assert_eq!(printed.collect::<Vec<_>>(), expected);
    let sequences = server.seen().logs.keys().copied().collect::<Vec<_>>();
    assert_eq!(sequences, (1..=i64::try_from(sequences.len()).unwrap()).collect::<Vec<_>>());
    assert!(!log.contains(TOKEN) && !log.contains("s3cr3t"), "{log}");
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn an_outage_delays_and_loses_nothing() {
    needs_terraform!("an_outage_delays_and_loses_nothing");
    let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    begun(&server).await;
    server.seen().away = true;
    server.state.lock().unwrap().away = true;
    let_go(work_dir.path());
    let errored = || {
        let job = fs::read_dir(jobs_dir(work_dir.path())).unwrap().next()?.unwrap().path();
        job.join("module/errored.tfstate").exists().then_some(())
    };
    eventually("Terraform can't save its state", async || errored()).await;
    server.state.lock().unwrap().away = false;
    server.seen().away = false;
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["code"], "APPLY_FAILED", "{job}");
    assert!(
        server.log().contains("The state that Terraform could not save is saved now."),
        "{}",
        server.log()
    );
    assert!(server.state.lock().unwrap().state.as_ref().unwrap().to_string().contains("slow"));
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn a_state_that_the_server_refuses_is_kept_for_a_person() {
    needs_terraform!("a_state_that_the_server_refuses_is_kept_for_a_person");
    let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    begun(&server).await;
    server.state.lock().unwrap().fenced = true;
    let_go(work_dir.path());
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["code"], "APPLY_FAILED", "{job}");
    assert!(
        server.log().contains("the server refused the state with 403: this build has ended"),
        "{}",
        server.log()
    );
    let kept = fs::read_dir(work_dir.path().join("tester/unsaved-states")).unwrap().next().unwrap().unwrap();
    assert!(fs::read_to_string(kept.path()).unwrap().contains("\"slow\""));
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn a_cancel_is_heard_and_reported() {
    needs_terraform!("a_cancel_is_heard_and_reported");
    let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    begun(&server).await;
    server.seen().cancel = true;
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!((&job["code"], &job["canceled"]), (&json!("CANCELED"), &json!(true)), "{job}");
    assert!(server.state.lock().unwrap().state.is_some());
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn a_lost_job_is_ended_in_silence() {
    needs_terraform!("a_lost_job_is_ended_in_silence");
    let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
    begun(&server).await;
    let lines = server.seen().logs.len();
    server.seen().lost = true;
    eventually("the folder is gone", async || (leftovers(work_dir.path()) == 0).then_some(())).await;
    stop(daemon, &shutdown).await;
    assert_eq!(server.ended(), None);
    assert_eq!(server.seen().logs.len(), lines);
}

#[tokio::test]
async fn draining_finishes_what_runs_and_aborting_interrupts_it() {
    needs_terraform!("draining_finishes_what_runs_and_aborting_interrupts_it");
    for abort in [false, true] {
        let (server, work_dir) = (FakeServer::start(WAITS).await, tempfile::tempdir().unwrap());
        server.enqueue_build();
        let shutdown = Shutdown::default();
        let daemon = start(server.settings(work_dir.path(), EngineChoice::Terraform), &shutdown);
        begun(&server).await;
        shutdown.drain.cancel();
        server.enqueue_import();
        if abort {
            shutdown.abort.cancel();
        } else {
            let_go(work_dir.path());
        }
        stop(daemon, &shutdown).await;
        let seen = server.seen();
        assert_eq!((seen.ended.len(), seen.signed_off.as_slice()), (1, &[json!("pd_1")][..]));
        if abort {
            assert_eq!(seen.ended[0]["code"], "DAEMON_STOPPED");
            assert_eq!(seen.ended[0]["canceled"], false);
            // Whether another one may do it, the server knows.
            assert_eq!(seen.ended[0]["handedBack"], true);
        } else {
            assert!(seen.ended[0]["result"]["workspaceBuild"].is_object(), "{:?}", seen.ended);
        }
    }
}

#[tokio::test]
async fn a_job_that_comes_when_no_more_are_taken_is_handed_back() {
    for heard in [true, false] {
        let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
        server.seen().patient = true;
        let shutdown = Shutdown::default();
        let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
        eventually("it asks for work", async || (server.seen().open == 1).then_some(())).await;
        let asked = || fs::read_to_string(work_dir.path().join("tester/question")).unwrap();
        let question = asked();
        shutdown.drain.cancel();
        server.seen().deaf_to_failures = !heard;
        server.enqueue_import();
        if !heard {
            eventually("nobody hears it", async || (server.seen().unheard > 0).then_some(())).await;
            shutdown.abort.cancel();
        }
        stop(daemon, &shutdown).await;
        assert_eq!((server.log().as_str(), leftovers(work_dir.path())), ("", 0), "it does not begin");
        if heard {
            let job = server.ended().unwrap();
            assert_eq!((&job["code"], &job["handedBack"]), (&json!("DAEMON_STOPPED"), &json!(true)), "{job}");
            assert_eq!((&job["attempt"], &job["canceled"]), (&json!(2), &json!(false)), "{job}");
            assert_ne!(asked(), question, "it is answered");
        } else {
            assert_eq!(server.ended(), None);
            assert_eq!(asked(), question, "the next life is given it again");
        }
    }
}

#[tokio::test]
async fn a_wrong_key_organization_or_engine_is_an_error() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    let settings = || server.settings(work_dir.path(), EngineChoice::Echo);
    let wrong_key = Settings { key: "ghpk_wrong".into(), ..settings() };
    let error = Daemon::run(wrong_key, Shutdown::default()).await.unwrap_err();
    assert!(matches!(&error, DaemonError::Key(_)) && !error.to_string().contains("ghpk"), "{error}");
    let elsewhere = Settings { organization: "other".to_owned(), ..settings() };
    let error = Daemon::run(elsewhere, Shutdown::default()).await.unwrap_err();
    assert!(matches!(&error, DaemonError::Refused(_)), "{error}");
    let no_terraform =
        Settings { engine: EngineChoice::Terraform, terraform: Some("/bin/true".into()), ..settings() };
    let error = Daemon::run(no_terraform, Shutdown::default()).await.unwrap_err();
    assert!(error.to_string().starts_with("`/bin/true` can't be used as Terraform"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_and_a_disabled_key_ends_the_daemon() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().away = true;
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    eventually("it tries again", async || (server.seen().unheard > 1).then_some(())).await;
    server.seen().away = false;
    eventually("a heartbeat", async || (!server.seen().heartbeats.is_empty()).then_some(())).await;
    server.seen().key_disabled = true;
    let error = tokio::time::timeout(Duration::from_secs(20), daemon).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, DaemonError::Key(_)), "{error}");
    assert!(!shutdown.drain.is_cancelled(), "its siblings go on");
    assert!(server.seen().signed_off.is_empty(), "nobody would listen");
}

#[tokio::test]
async fn a_document_that_is_refused_is_no_fault_of_the_key() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().unregistered = true;
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &Shutdown::default());
    let error = tokio::time::timeout(Duration::from_secs(20), daemon).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, DaemonError::Document(_)), "{error}");
    assert!(!error.to_string().contains("key"), "{error}");
}

#[tokio::test]
async fn a_bad_archive_is_named_and_leaves_nothing() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().archive = b"this is no archive".to_vec();
    server.enqueue_import();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(server.seen().signed_off, ["pd_1"], "nobody is to wait for it");
    assert_eq!(job["code"], "INVALID_ARCHIVE", "{job}");
    assert_eq!(leftovers(work_dir.path()), 0);
}

#[tokio::test]
async fn a_result_that_is_refused_ends_the_job_as_failed() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.seen().refuse_results = true;
    server.enqueue_import();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!(job["code"], "RESULT_REFUSED", "{job}");
}
