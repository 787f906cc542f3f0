//! The scheduler: what workspaces do when their time has come, once, whoever looks and however often.

use chrono::TimeDelta;
use guildhall::app::{App, Options};
use rstest::rstest;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::workspaces::{Scene, text};

/// The servers of a test.
const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

impl Scene {
    /// The scheduler looks; answers for how many workspaces it did something.
    async fn look(&self) -> usize {
        self.app.app.look_after_workspaces(ONE).await.unwrap()
    }

    /// Looks until nothing is left, with a daemon at work.
    async fn settle(&self) -> usize {
        let done = self.look().await;
        self.app.work(&self.daemon).await;
        done
    }

    async fn settings(&self, mut settings: Value) {
        settings["templateId"] = self.template.id.clone().into();
        self.app.done(&self.owner.token, "updateTemplate", "__typename", settings).await;
    }

    async fn stop(&self) {
        self.change("stopWorkspace", json!({})).await;
        self.app.work(&self.daemon).await;
    }

    async fn schedule(&self, cron: &str) {
        let schedule = json!({ "cron": cron, "timeZone": "UTC" });
        self.change("updateWorkspace", json!({ "autostartSchedule": schedule })).await;
    }

    async fn last(&self) -> String {
        self.builds().await.as_array().unwrap().last().unwrap().as_str().unwrap().to_owned()
    }
}

#[rstest]
#[tokio::test]
async fn a_schedule_starts_what_is_stopped(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    // It is eight; every day at nine.
    scene.schedule("0 9 * * *").await;
    scene.advance(TimeDelta::hours(1));
    assert_eq!(scene.look().await, 0, "it runs already");
    assert_eq!(scene.dev("nextAutostartAt").await["nextAutostartAt"], "2026-11-25T09:00:00.000000Z");
    scene.stop().await;
    scene.advance(TimeDelta::hours(24));
    let entries = scene.app.tables().count("audit_log").await;
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.look().await, 0, "once is enough");
    assert_eq!(scene.last().await, "3 START AUTOSTART PENDING");
    assert_eq!(scene.app.tables().count("audit_log").await, entries + 1);
    let seen = scene.dev("latestBuild { initiator { id } } nextAutostartAt").await;
    assert_eq!(
        seen,
        json!({ "latestBuild": { "initiator": null }, "nextAutostartAt": "2026-11-26T09:00:00.000000Z" })
    );
    scene.app.work(&scene.daemon).await;
    assert_eq!(scene.last().await, "3 START AUTOSTART SUCCEEDED");
    // Who did it stands in the log.
    let query = "{ auditLog(first: 1) { nodes { action actor { kind name } } } }";
    let entry = scene.app.ok(&scene.owner, query, json!({})).await["auditLog"]["nodes"][0].clone();
    assert_eq!(entry, json!({ "action": "START", "actor": { "kind": "SYSTEM", "name": "scheduler" } }));
}

#[rstest]
#[tokio::test]
async fn what_was_missed_is_made_up_for_within_the_hour(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.schedule("0 9 * * *").await;
    scene.stop().await;
    // The server was away for three days, and is back at half past ten.
    scene.advance(TimeDelta::hours(74) + TimeDelta::minutes(30));
    assert_eq!(scene.look().await, 0, "an hour and a half is too late");
    assert_eq!(scene.dev("nextAutostartAt").await["nextAutostartAt"], "2026-11-28T09:00:00.000000Z");
    // It was away again, and is back at half past nine: the latest counts, and only that.
    scene.advance(TimeDelta::hours(71));
    assert_eq!(scene.settle().await, 1);
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.last().await, "3 START AUTOSTART SUCCEEDED");
}

#[rstest]
#[tokio::test]
async fn a_schedule_starts_nothing_that_should_rest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.schedule("0 9 * * *").await;
    scene.stop().await;
    // Not on this day, by the template: tests begin on a Tuesday.
    scene.settings(json!({ "autostartDays": ["MONDAY", "WEDNESDAY"] })).await;
    scene.advance(TimeDelta::hours(1));
    assert_eq!(scene.look().await, 0);
    // On Wednesday it does, but for who left the organization.
    let leave =
        "delete from organization_member where user_id = (select id from \"user\" where username = 'mia')";
    scene.app.tables().execute(leave).await;
    scene.advance(TimeDelta::hours(24));
    assert_eq!(scene.look().await, 0);
    scene.app.join(&scene.owner, &scene.org, &scene.mia, &[]).await;
    // Next Monday, unless it is dormant.
    scene.advance(TimeDelta::hours(5 * 24));
    scene.app.tables().execute("update workspace set dormant_at = created_at").await;
    assert_eq!(scene.look().await, 0);
    scene.change("activateWorkspace", json!({})).await;
    scene.advance(TimeDelta::hours(2 * 24));
    assert_eq!(scene.look().await, 1);
}

#[rstest]
#[tokio::test]
async fn a_deadline_stops_what_runs_and_is_tried_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.settings(json!({ "defaultTtlSeconds": 3600 })).await;
    scene.change("startWorkspace", json!({})).await;
    scene.app.work(&scene.daemon).await;
    scene.advance(TimeDelta::minutes(59));
    assert_eq!(scene.look().await, 0);
    scene.advance(TimeDelta::minutes(1));
    assert_eq!((scene.look().await, scene.look().await), (1, 0));
    let job = scene.take().await;
    assert_eq!(scene.look().await, 0, "a build is on its way");
    scene.app.fail(&scene.daemon, &job, "STOP_FAILED", "it went wrong").await;
    assert_eq!((scene.look().await, scene.last().await), (0, "3 STOP AUTOSTOP FAILED".to_owned()));
    scene.advance(TimeDelta::hours(1));
    assert_eq!(scene.settle().await, 1);
    assert_eq!(scene.dev("status deadline").await, json!({ "status": "STOPPED", "deadline": null }));
    scene.advance(TimeDelta::days(2));
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.last().await, "4 STOP AUTOSTOP SUCCEEDED");
}

#[rstest]
#[tokio::test]
async fn what_a_failed_start_left_is_stopped(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.settings(json!({ "failureTtlSeconds": 600 })).await;
    scene.change("startWorkspace", json!({})).await;
    let job = scene.take().await;
    scene.app.fail(&scene.daemon, &job, "APPLY_FAILED", "it went wrong").await;
    assert_eq!(scene.dev("deadline").await["deadline"], text(scene.now() + TimeDelta::minutes(10)));
    scene.advance(TimeDelta::minutes(10));
    assert_eq!(scene.settle().await, 1);
    assert_eq!(scene.last().await, "3 STOP AUTOSTOP SUCCEEDED");
}

#[rstest]
#[tokio::test]
async fn what_nobody_uses_falls_dormant_and_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const HOUR: i64 = 60 * 60;
    let Some(scene) = Scene::new(backend).await else { return };
    scene.settings(json!({ "dormantAfterSeconds": 7 * HOUR, "dormantDeleteAfterSeconds": 30 * HOUR })).await;
    scene.advance(TimeDelta::hours(6));
    scene.change("touchWorkspace", json!({})).await;
    scene.advance(TimeDelta::hours(6));
    assert_eq!(scene.look().await, 0, "it was used meanwhile");
    scene.advance(TimeDelta::hours(1));
    assert_eq!((scene.look().await, scene.look().await), (1, 0));
    let (now, end) = (text(scene.now()), text(scene.now() + TimeDelta::hours(30)));
    assert_eq!(scene.last().await, "2 STOP DORMANCY PENDING");
    scene.app.work(&scene.daemon).await;
    let fields = "status dormantAt deletingAt deadline";
    assert_eq!(
        scene.dev(fields).await,
        json!({ "status": "STOPPED", "dormantAt": now, "deletingAt": end, "deadline": null })
    );
    scene.advance(TimeDelta::hours(29));
    assert_eq!(scene.look().await, 0);
    // Whoever wakes it up keeps it.
    scene.change("activateWorkspace", json!({})).await;
    scene.advance(TimeDelta::hours(2));
    assert_eq!(scene.look().await, 0);
    scene.advance(TimeDelta::hours(5));
    assert_eq!(scene.settle().await, 1);
    assert_eq!(scene.last().await, "2 STOP DORMANCY SUCCEEDED", "it was down already");
    scene.advance(TimeDelta::hours(30));
    assert_eq!((scene.look().await, scene.look().await), (1, 0));
    let job = scene.take().await;
    assert_eq!(job.task["transition"], "DELETE");
    scene.finish(&job).await;
    assert_eq!(scene.dev("status").await, Value::Null);
}

#[rstest]
#[tokio::test]
async fn an_autostart_moves_to_the_active_version_where_its_values_fit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(false, true)] fits: bool,
    #[values(false, true)] required: bool,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.change("updateWorkspace", json!({ "automaticUpdates": "ALWAYS" })).await;
    scene.schedule("0 9 * * *").await;
    scene.stop().await;
    scene.app.push(&scene.owner, &scene.template, json!({ "name": "v2" })).await;
    let import = scene.take().await;
    let region = json!({
        "name": "region", "type": "string", "description": "", "required": !fits, "sensitive": false,
        "nullable": true, "ephemeral": false, "validations": [],
    });
    let found = json!({ "templateImport": { "readme": "", "variables": [region] } });
    scene.app.complete(&scene.daemon, &import, found).await;
    scene.settings(json!({ "requireActiveVersion": required })).await;
    scene.advance(TimeDelta::hours(1));
    scene.settle().await;
    let seen = scene.dev("status latestBuild { templateVersion { name } }").await;
    let (status, version) = match (fits, required) {
        (true, _) => ("RUNNING", "v2"),
        (false, false) => ("RUNNING", "v1"),
        (false, true) => ("STOPPED", "v1"),
    };
    assert_eq!(seen, json!({ "status": status, "latestBuild": { "templateVersion": { "name": version } } }));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_make_one_build(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let other = tempfile::tempdir().unwrap();
    let clock = scene.app.app.db().clock().clone();
    let second = App::open(other.path(), &scene.app.settings, clock, Options::default()).await.unwrap();
    scene.schedule("* * * * *").await;
    scene.stop().await;
    // Both at once, where two servers share a database: one has the lease, the other does nothing.
    scene.advance(TimeDelta::minutes(1));
    let (mine, theirs) = (scene.app.app.look_after_workspaces(ONE), second.look_after_workspaces(TWO));
    let (mine, theirs) = match backend {
        Backend::Postgres => tokio::join!(mine, theirs),
        Backend::Sqlite => (mine.await, theirs.await),
    };
    assert_eq!(mine.unwrap() + theirs.unwrap(), 1);
    assert_eq!(scene.last().await, "3 START AUTOSTART PENDING");
    assert_eq!(scene.app.work(&scene.daemon).await, 1);

    // Whoever has it keeps it as long as it looks, and when it is gone the other takes over.
    let fence = async || scene.app.tables().texts("select cast(fence as text) from lease").await[0].clone();
    assert_eq!(fence().await, "1");
    scene.advance(TimeDelta::minutes(5));
    scene.stop().await;
    scene.advance(TimeDelta::minutes(1));
    assert_eq!(second.look_after_workspaces(TWO).await.unwrap() + scene.look().await, 1);
    assert_eq!(scene.last().await, "5 START AUTOSTART PENDING");
    assert_eq!(scene.app.work(&scene.daemon).await, 1);
}
