//! How jobs end that their daemon does not end well: canceled, hung, or never taken.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use super::{Scene, daemon, import};
use crate::support::Backend;
use crate::support::daemon::{HeldJob, plain_import};

#[rstest]
#[tokio::test]
async fn canceling(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    // One that waits ends at once.
    let waiting = scene.import("waiting", &[]).await;
    scene.cancel(&waiting).await;
    assert_eq!(scene.state(&waiting).await, "CANCELED");
    assert!(app.acquire(&scene.daemon).await.is_none());
    let again = json!({ "provisionerJobId": waiting });
    let refused = app.refused(&scene.owner.token, "cancelProvisionerJob", again).await;
    assert!(refused.is("CONFLICT", "input.provisionerJobId"), "{refused:?}");

    // One that runs is told to stop, by every way that its daemon listens.
    let running = scene.held("running").await;
    assert!(!app.append_logs(&scene.daemon, &running, 1, &[]).await);
    scene.cancel(&running.id).await;
    assert_eq!(scene.state(&running.id).await, "CANCELING");
    assert!(app.append_logs(&scene.daemon, &running, 1, &["still here"]).await);
    let beat = json!({ "provisionerDaemonId": scene.daemon.id, "runningJobIds": [running.id] });
    let orders =
        app.done(&scene.daemon.secret, "heartbeatProvisionerDaemon", "cancelJobIds lostJobIds", beat).await;
    assert_eq!((&orders["cancelJobIds"], &orders["lostJobIds"]), (&json!([running.id]), &json!([])));
    let stopped = |job: &HeldJob| json!({ "provisionerJobId": job.id, "code": "CANCELED", "message": "stopped", "canceled": true });
    app.done(&scene.daemon.secret, "failProvisionerJob", "", stopped(&running)).await;
    assert_eq!(scene.state(&running.id).await, "CANCELED");

    // It may end first.
    let quick = scene.held("quick").await;
    scene.cancel(&quick.id).await;
    app.complete(&scene.daemon, &quick, plain_import()).await;
    assert_eq!(scene.state(&quick.id).await, "SUCCEEDED");

    // Nobody asked for it: it failed, whatever the daemon says.
    let unasked = scene.held("unasked").await;
    app.done(&scene.daemon.secret, "failProvisionerJob", "", stopped(&unasked)).await;
    assert_eq!(scene.state(&unasked.id).await, "FAILED");

    // Not by a member to whom it does not belong.
    let other = scene.held("other").await;
    let member = app.member_of(&scene.owner, &scene.org, "mia", &[]).await;
    let input = json!({ "provisionerJobId": other.id });
    let refused = app.refused(&member.token, "cancelProvisionerJob", input).await;
    assert!(refused.is("NOT_FOUND", "input.provisionerJobId"), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn a_silent_daemon_loses_its_job(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, job) = (&scene.app, scene.held("t").await);
    app.append_logs(&scene.daemon, &job, 1, &["half way"]).await;
    // Signs of life keep it, for as long as they come.
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(4));
        let beat = json!({ "provisionerDaemonId": scene.daemon.id, "runningJobIds": [job.id] });
        app.done(&scene.daemon.secret, "heartbeatProvisionerDaemon", "", beat).await;
        assert_eq!(app.app.reap().await.unwrap(), 0);
    }
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(app.app.reap().await.unwrap(), 0, "five minutes are not over");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(app.app.reap().await.unwrap(), 1);
    assert_eq!(app.app.reap().await.unwrap(), 0);
    // An import changes nothing in the world: another daemon may do it, as often as is reasonable.
    assert_eq!(scene.state(&job.id).await, "PENDING");
    let late = json!({ "provisionerJobId": job.id, "result": plain_import() });
    assert_eq!(scene.report(&scene.daemon, "completeProvisionerJob", late).await, "CONFLICT");
    for attempt in [2, 3] {
        let again = app.acquire(&scene.daemon).await.unwrap();
        assert_eq!((again.id.as_str(), again.attempt), (job.id.as_str(), attempt));
        app.clock.advance(TimeDelta::minutes(6));
        assert_eq!(app.app.reap().await.unwrap(), 1);
    }
    let ended = scene.job(&job.id).await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("FAILED"), &json!("HUNG")), "{ended:#}");
    assert_eq!(ended["logs"]["nodes"][0]["text"], "half way");
    let waits = ended["logs"]["nodes"].to_string();
    assert_eq!(waits.matches("it waits for a provisioner again").count(), 2, "{waits}");

    // One that was told to stop ends as canceled.
    let stopping = scene.held("stopping").await;
    scene.cancel(&stopping.id).await;
    app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(app.app.reap().await.unwrap(), 1);
    assert_eq!(scene.state(&stopping.id).await, "CANCELED");
}

#[rstest]
#[tokio::test]
async fn a_job_that_nobody_can_take_ends_with_the_reason(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let unmatched = scene.import("unmatched", &[("gpu", "a100")]).await;
    let offline = scene.import("offline", &[]).await;
    let other = app.organization(&scene.owner, "other").await;
    let forsaken = import(app, &scene.owner, &other, "forsaken", &[]).await;
    app.clock.advance(TimeDelta::minutes(30));
    assert_eq!(app.app.reap().await.unwrap(), 0, "thirty minutes are not over");
    app.clock.advance(TimeDelta::seconds(1));

    // A daemon that is alive may take the one that it can; the others have no hope.
    let beat = json!({ "provisionerDaemonId": scene.daemon.id, "runningJobIds": [] });
    app.done(&scene.daemon.secret, "heartbeatProvisionerDaemon", "", beat).await;
    assert_eq!(app.app.reap().await.unwrap(), 2);
    for (id, why) in [(&unmatched, "gpu=a100"), (&forsaken, "provisionerd start")] {
        let job = scene.job(id).await;
        assert_eq!((&job["state"], &job["error"]["code"]), (&json!("FAILED"), &json!("NO_PROVISIONER")));
        assert!(job["error"]["message"].as_str().unwrap().contains(why), "{job:#}");
    }
    assert_eq!(scene.state(&offline).await, "PENDING");

    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(app.app.reap().await.unwrap(), 1);
    let job = scene.job(&offline).await;
    assert!(job["error"]["message"].as_str().unwrap().contains("offline (plain)"), "{job:#}");
}

#[rstest]
#[tokio::test]
async fn a_long_queue_hides_no_hung_job(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, tables) = (&scene.app, scene.app.tables());
    // More jobs wait behind a daemon that is alive than the reaper looks at in one go.
    let waiting = scene.import("waiting", &[]).await;
    let columns =
        "organization_id, type, state, tags, priority, owner_id, attempts, log_bytes, created_at, updated_at";
    for number in 0..120 {
        let id = uuid::Uuid::from_u128(number + 1);
        let id = if backend == Backend::Postgres {
            format!("'{id}'::uuid")
        } else {
            format!("x'{}'", id.simple())
        };
        let copy = format!(
            "insert into provisioner_job (id, {columns}) select {id}, {columns} from provisioner_job where state = 'PENDING' limit 1"
        );
        tables.execute(&copy).await;
    }
    let tags = [("gpu", "a100")];
    let gpu = daemon(app, &scene.owner, &scene.org, "gpu", &tags).await;
    scene.import("hung", &tags).await;
    let hung = app.acquire(&gpu).await.unwrap();
    app.clock.advance(TimeDelta::minutes(31));
    let beat = json!({ "provisionerDaemonId": scene.daemon.id, "runningJobIds": [] });
    app.done(&scene.daemon.secret, "heartbeatProvisionerDaemon", "", beat).await;
    assert_eq!(app.app.reap().await.unwrap(), 1);
    assert_eq!(scene.state(&hung.id).await, "PENDING", "it waits for another daemon now");
    assert_eq!(scene.state(&waiting).await, "PENDING");
}
