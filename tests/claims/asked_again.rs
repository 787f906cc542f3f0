//! A daemon whose answer got lost asks again with the same key, and is given the same job.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Scene, daemon};
use crate::support::Backend;
use crate::support::daemon::{Daemon, HeldJob, plain_import};

impl Scene {
    /// The job that a question with this key is answered with: id, attempt, token.
    async fn ask(&self, daemon: &Daemon, key: &str) -> Option<(String, i64, String)> {
        let input = json!({ "provisionerDaemonId": daemon.id, "idempotencyKey": key });
        let selection = "acquiredJob { id attempt token nextLogSequence task { __typename } }";
        let payload = self.app.done(&daemon.secret, "acquireProvisionerJob", selection, input).await;
        given(&payload["acquiredJob"])
    }

    async fn refused(&self, key: &str) -> (String, String) {
        let input = json!({ "provisionerDaemonId": self.daemon.id, "idempotencyKey": key });
        let refused = self.app.refused(&self.daemon.secret, "acquireProvisionerJob", input).await;
        (refused.code, refused.field)
    }
}

fn given(job: &Value) -> Option<(String, i64, String)> {
    let text = |field: &str| job[field].as_str().map(str::to_owned);
    Some((text("id")?, job["attempt"].as_i64()?, text("token")?))
}

/// As much of a job as its daemon needs to report on it.
fn held((id, attempt, token): (String, i64, String)) -> HeldJob {
    HeldJob { id, token, kind: "TEMPLATE_IMPORT".into(), task: Value::Null, attempt, next_log_sequence: 1 }
}

#[rstest]
#[tokio::test]
async fn the_same_question_is_answered_with_the_same_job(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    assert_eq!(scene.ask(&scene.daemon, "one").await, None, "there is nothing to do yet");
    let first = scene.import("first", &[]).await;
    let second = scene.import("second", &[]).await;
    let answer = scene.ask(&scene.daemon, "one").await.unwrap();
    assert_eq!((&answer.0, answer.1), (&first, 1));
    // Nobody heard it: everything is as it was, the token as well.
    assert_eq!(scene.ask(&scene.daemon, "one").await.as_ref(), Some(&answer));
    assert_eq!(scene.state(&second).await, "PENDING");
    // The key is one daemon's: to another one it is another question.
    let other = daemon(app, &scene.owner, &scene.org, "other", &[]).await;
    let others = scene.ask(&other, "one").await.unwrap();
    assert_eq!(others.0, second);
    assert_ne!(others.2, answer.2);
    // It is a question's, not a daemon's: the next one is about the next job.
    let third = scene.import("third", &[]).await;
    assert_eq!(scene.ask(&scene.daemon, "two").await.unwrap().0, third);

    // One that was told to stop meanwhile is given all the same: somebody has to end it.
    scene.cancel(&first).await;
    assert_eq!(scene.ask(&scene.daemon, "one").await.as_ref(), Some(&answer));
    let job = held(answer);
    assert!(app.append_logs(&scene.daemon, &job, 1, &["here"]).await, "it hears that it shall stop");
    app.complete(&scene.daemon, &job, plain_import()).await;
    // What has ended is not begun again.
    let taken = ("CONFLICT".to_owned(), "input.idempotencyKey".to_owned());
    assert_eq!(scene.refused("one").await, taken);
    for nonsense in ["", "two words", &"x".repeat(101)] {
        assert_eq!(scene.refused(nonsense).await.0, "BAD_USER_INPUT", "{nonsense:?}");
    }
    // Of the key there is nothing in the database, and of the token only a hash.
    let kept =
        app.tables().texts("select count(*) || '' from provisioner_job where token_hash is not null").await;
    assert_eq!(kept, ["3"]);
}

#[rstest]
#[tokio::test]
async fn a_job_that_went_back_is_given_anew(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let id = scene.import("t", &[]).await;
    let lost = scene.ask(&scene.daemon, "one").await.unwrap();
    // Asking for it is a sign of life.
    app.clock.advance(chrono::TimeDelta::minutes(4));
    assert_eq!(scene.ask(&scene.daemon, "one").await, Some(lost.clone()));
    app.clock.advance(chrono::TimeDelta::minutes(4));
    assert_eq!(app.app.reap().await.unwrap(), 0);
    app.clock.advance(chrono::TimeDelta::minutes(2));
    assert_eq!(app.app.reap().await.unwrap(), 1);
    let other = daemon(app, &scene.owner, &scene.org, "other", &[]).await;
    let taken = scene.ask(&other, "one").await.unwrap();
    assert_eq!((&taken.0, taken.1), (&id, 2));
    assert_eq!(scene.ask(&scene.daemon, "one").await, None, "another one has it now");
    assert_eq!(scene.ask(&other, "one").await, Some(taken));
    let late = json!({ "provisionerJobId": id, "attempt": lost.1, "result": plain_import() });
    assert_eq!(scene.report(&scene.daemon, "completeProvisionerJob", late).await, "CONFLICT");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_questions_at_once_with_one_key_are_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for number in 0..8 {
        scene.import(&format!("t{number}"), &[]).await;
    }
    let mut questions = JoinSet::new();
    for _ in 0..8 {
        let (app, daemon) = (scene.app.clone(), scene.daemon.clone());
        questions.spawn(async move {
            let input = json!({ "provisionerDaemonId": daemon.id, "idempotencyKey": "one" });
            let payload = app
                .done(&daemon.secret, "acquireProvisionerJob", "acquiredJob { id attempt token }", input)
                .await;
            given(&payload["acquiredJob"]).unwrap()
        });
    }
    let answers = questions.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    let running = "select count(*) || '' from provisioner_job where state = 'RUNNING'";
    assert_eq!(scene.app.tables().texts(running).await, ["1"]);
}
