//! The engine that runs nothing leaves alone what Terraform made.

use futures_util::FutureExt;
use guildhall_provisionerd::EngineChoice;
use guildhall_provisionerd::engine::{Echo, Engine, EngineError, PlanGate, Transition};
use guildhall_provisionerd::{Shutdown, engine::BuildOutcome};
use serde_json::{Value, json};

use crate::support::daemon::{MODULE, ended, leftovers, start, stop};
use crate::support::server::FakeServer;
use crate::support::{Job, StateServer, task};

const ALL: [Transition; 3] = [Transition::Start, Transition::Stop, Transition::Delete];

fn state(mode: &str) -> Value {
    json!({"version": 4, "serial": 1, "resources": [{"mode": mode, "type": "terraform_data", "name": "a"}]})
}

async fn build(server: &StateServer, transition: Transition) -> (Result<BuildOutcome, EngineError>, String) {
    let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
    let mut job = Job::new(MODULE);
    let task = task(transition, &[], server);
    let result = Engine::Echo(Echo).build(&task, &job.module, &job.run, &gate).await;
    (result, job.log())
}

#[tokio::test]
async fn what_terraform_made_is_left_alone() {
    let server = StateServer::start().await;
    server.kept.lock().unwrap().state = Some(state("managed"));
    for transition in ALL {
        let (result, log) = build(&server, transition).await;
        let error = result.unwrap_err();
        assert_eq!(error.code(), "TERRAFORM_MISSING", "{transition:?}: {error}");
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert!(!log.contains("would"), "{log}");
    }
    assert_eq!(server.state(), Some(state("managed")));
}

#[tokio::test]
async fn what_nothing_was_made_of_is_pretended() {
    let server = StateServer::start().await;
    for kept in [None, Some(state("data")), Some(json!({"version": 4, "resources": []}))] {
        server.kept.lock().unwrap().state.clone_from(&kept);
        for transition in ALL {
            let (result, log) = build(&server, transition).await;
            assert!(
                result.is_ok() && log.contains("terraform_data.a would"),
                "{transition:?}: {result:?}\n{log}"
            );
        }
        assert_eq!(server.state(), kept);
    }
}

#[tokio::test]
async fn a_state_that_is_not_shown_is_no_sign_that_there_is_none() {
    let server = StateServer::start().await;
    server.kept.lock().unwrap().fenced = true;
    let error = build(&server, Transition::Delete).await.0.unwrap_err();
    assert_eq!(error.code(), "SETUP_FAILED");
    assert!(error.to_string().contains("403: this build has ended"), "{error}");
}

#[tokio::test]
async fn a_build_is_canceled_while_its_server_is_away() {
    let server = StateServer::start().await;
    server.kept.lock().unwrap().away = true;
    let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
    let job = Job::new(MODULE);
    let task = task(Transition::Delete, &[], &server);
    let (engine, cancel) = (Engine::Echo(Echo), job.run.cancel.clone());
    let (result, ()) =
        tokio::join!(engine.build(&task, &job.module, &job.run, &gate), async { cancel.cancel() });
    assert!(result.unwrap_err().is_canceled());
}

#[tokio::test]
async fn a_daemon_without_terraform_fails_the_build_and_says_why() {
    let (server, work_dir) = (FakeServer::start(MODULE).await, tempfile::tempdir().unwrap());
    server.state.lock().unwrap().state = Some(state("managed"));
    server.enqueue_build();
    let shutdown = Shutdown::default();
    let daemon = start(server.settings(work_dir.path(), EngineChoice::Echo), &shutdown);
    let job = ended(&server).await;
    stop(daemon, &shutdown).await;
    assert_eq!((&job["code"], &job["canceled"]), (&json!("TERRAFORM_MISSING"), &json!(false)), "{job}");
    assert_eq!(job["handedBack"], false, "a daemon like this one would take it again");
    assert!(job["message"].as_str().unwrap().contains("--terraform-path"), "{job}");
    assert!(server.seen().planned.is_empty(), "it is not applied");
    assert_eq!(leftovers(work_dir.path()), 0);
}
