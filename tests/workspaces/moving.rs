//! Restarts, versions, owners and orphans.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::{Backend, Person};

#[rstest]
#[tokio::test]
async fn a_restart_is_one_promise(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.change("restartWorkspace", json!({})).await;
    assert_eq!(scene.complaints("startWorkspace", json!({})).await, ["CONFLICT input.workspaceId"]);
    let stop = scene.take().await;
    assert_eq!(stop.task["transition"], "STOP");
    assert!(scene.app.acquire(&scene.daemon).await.is_none(), "the start waits for the stop");

    // Whatever fails in between, both halves are kept or neither.
    let (sqlite, postgres) = (
        "create trigger fault before insert on workspace_build begin select raise(abort, 'fault'); end",
        "create trigger fault before insert on workspace_build for each row execute function fault()",
    );
    let function = "create function fault() returns trigger language plpgsql as $$ begin raise exception 'fault'; end $$";
    scene.app.tables().execute_on("select 1", function).await;
    scene.app.tables().execute_on(sqlite, postgres).await;
    let input = json!({ "provisionerJobId": stop.id, "result": crate::support::daemon::plain_build() });
    let code = scene.app.denied(Some(&scene.daemon.secret), "completeProvisionerJob", input).await;
    assert_eq!(code, "INTERNAL_SERVER_ERROR");
    scene.app.tables().execute_on("drop trigger fault", "drop trigger fault on workspace_build").await;
    assert_eq!(
        scene.builds().await,
        json!(["1 START INITIATOR SUCCEEDED", "2 STOP INITIATOR RUNNING"]),
        "the stop has not ended without its start"
    );
    scene.finish(&stop).await;
    let start = scene.take().await;
    assert_eq!(start.task["transition"], "START");
    scene.finish(&start).await;
    assert_eq!(
        scene.builds().await,
        json!(["1 START INITIATOR SUCCEEDED", "2 STOP INITIATOR SUCCEEDED", "3 START INITIATOR SUCCEEDED"])
    );
    assert_eq!(
        scene.dev("status latestBuild { initiator { username } }").await,
        json!({
            "status": "RUNNING", "latestBuild": { "initiator": { "username": "mia" } },
        })
    );
    assert_eq!(scene.app.tables().count("workspace_restart").await, 0);
}

#[rstest]
#[tokio::test]
async fn nothing_starts_after_a_stop_that_did_not_succeed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    // Its daemon says so, or dies and is missed.
    scene.change("restartWorkspace", json!({})).await;
    let stop = scene.take().await;
    scene.app.fail(&scene.daemon, &stop, "STOP_FAILED", "it went wrong").await;
    assert_eq!(scene.app.work(&scene.daemon).await, 0);
    scene.change("restartWorkspace", json!({})).await;
    // Once it applies, nobody takes it again.
    let plan = json!({ "provisionerJobId": scene.take().await.id, "dailyCost": 0 });
    scene.app.done(&scene.daemon.secret, "planWorkspaceBuild", "", plan).await;
    scene.advance(TimeDelta::minutes(6));
    assert_eq!(scene.app.app.reap().await.unwrap(), 1);
    assert_eq!(scene.app.work(&scene.daemon).await, 0);
    assert_eq!(
        scene.builds().await,
        json!(["1 START INITIATOR SUCCEEDED", "2 STOP INITIATOR FAILED", "3 STOP INITIATOR FAILED"])
    );
    // What is stopped already only starts.
    scene.change("stopWorkspace", json!({})).await;
    scene.app.work(&scene.daemon).await;
    scene.change("restartWorkspace", json!({})).await;
    assert_eq!(scene.take().await.task["transition"], "START");
    assert_eq!(scene.app.tables().count("workspace_restart").await, 0, "no promise is left over");
}

#[rstest]
#[tokio::test]
async fn a_workspace_moves_to_a_newer_version_when_its_values_fit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let outdated = async || {
        let query = "{ workspaces(filter: { outdated: true }) { nodes { isOutdated latestBuild { templateVersion { name } } } } }";
        scene.app.ok(&scene.mia, query, json!({})).await["workspaces"]["nodes"].clone()
    };
    assert_eq!(outdated().await, json!([]));
    scene.app.push(&scene.owner, &scene.template, json!({ "name": "v2" })).await;
    let import = scene.take().await;
    let region = json!({
        "name": "region", "type": "string", "description": "where", "required": true, "sensitive": false,
        "nullable": false, "ephemeral": false, "validations": [],
    });
    let found = json!({ "templateImport": { "readme": "", "variables": [region] } });
    scene.app.complete(&scene.daemon, &import, found.clone()).await;
    assert_eq!(
        outdated().await,
        json!([{ "isOutdated": true, "latestBuild": { "templateVersion": { "name": "v1" } } }])
    );

    // What the version asks anew is told, and nothing is built.
    assert_eq!(
        scene.complaints("updateWorkspaceVersion", json!({})).await,
        ["PARAMETER_MISMATCH input.parameters"]
    );
    let value = json!({ "parameters": [{ "name": "region", "value": "eu" }] });
    scene.change("updateWorkspaceVersion", value).await;
    let job = scene.take().await;
    assert_eq!(job.task["variables"][0]["value"], "eu");
    scene.finish(&job).await;
    assert_eq!(outdated().await, json!([]));
    // What follows the active version takes it at its next start.
    scene.app.push(&scene.owner, &scene.template, json!({ "name": "v3" })).await;
    let import = scene.take().await;
    scene.app.complete(&scene.daemon, &import, found).await;
    scene.change("startWorkspace", json!({})).await;
    scene.app.work(&scene.daemon).await;
    assert_eq!(outdated().await.as_array().unwrap().len(), 1, "it stays where it is");
    scene.change("updateWorkspace", json!({ "automaticUpdates": "ALWAYS" })).await;
    scene.change("startWorkspace", json!({})).await;
    scene.app.work(&scene.daemon).await;
    assert_eq!(outdated().await, json!([]));
    // A restart keeps what the version before it was given.
    scene.change("restartWorkspace", json!({ "parameters": [{ "name": "region", "value": "us" }] })).await;
    let stop = scene.take().await;
    assert_eq!(stop.task["variables"][0]["value"], "eu", "what stops is what was started");
    scene.finish(&stop).await;
    assert_eq!(scene.take().await.task["variables"][0]["value"], "us");
}

#[rstest]
#[tokio::test]
async fn a_workspace_is_given_to_a_member_who_can_bear_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let ben = scene.app.member_of(&scene.owner, &scene.org, "ben", &[]).await;
    let stranger = scene.app.user(&scene.owner, "zoe", &[]).await;
    let to = |person: &Person| json!({ "workspaceId": scene.dev, "ownerId": person.id });
    let field = "transferWorkspace";
    let refused = async |person: &Person| {
        let complaint = scene.app.refused(&scene.owner.token, field, to(person)).await;
        format!("{} {}", complaint.code, complaint.field)
    };
    assert_eq!(
        scene.app.denied(Some(&scene.mia.token), field, to(&ben)).await,
        "FORBIDDEN",
        "ben's budget is ben's"
    );
    assert_eq!(refused(&stranger).await, "NOT_FOUND input.ownerId");
    assert_eq!(refused(&scene.mia).await, "CONFLICT input.ownerId");

    let other = scene.app.workspace(&ben, &scene.template, "dev", "").await;
    scene.app.work(&scene.daemon).await;
    assert_eq!(refused(&ben).await, "NAME_TAKEN input.ownerId");
    scene
        .app
        .done(&ben.token, "updateWorkspace", "", json!({ "workspaceId": other.workspace, "name": "mine" }))
        .await;
    scene.change("startWorkspace", json!({})).await;
    assert_eq!(refused(&ben).await, "CONFLICT input.workspaceId", "a build is on its way");
    let job = scene.take().await;
    let cost = json!({ "workspaceBuild": { "resources": [], "apps": [], "metadata": [], "dailyCost": 6 } });
    scene.app.complete(&scene.daemon, &job, cost).await;
    let everyone = scene.org.id.replace("org_", "grp_");
    let allow = async |allowance: i32| {
        let input = json!({ "groupId": everyone, "allowance": allowance });
        scene.app.done(&scene.owner.token, "setGroupQuota", "", input).await;
    };
    allow(5).await;
    assert_eq!(refused(&ben).await, "QUOTA_EXCEEDED input.ownerId");
    allow(6).await;
    scene.app.done(&scene.owner.token, field, "", to(&ben)).await;
    // With its builds and their logs, and away from who had it.
    assert_eq!(scene.dev("name").await, Value::Null);
    let fields = "owner { username } builds { nodes { job { id } } }";
    let seen = scene.see(&ben, &scene.dev, fields).await;
    assert_eq!(seen["owner"]["username"], "ben");
    for build in seen["builds"]["nodes"].as_array().unwrap() {
        let query = "query($id: ID!) { node(id: $id) { id } }";
        let job = json!({ "id": build["job"]["id"] });
        assert_eq!(scene.app.ok(&ben, query, job.clone()).await["node"], job);
        assert_eq!(scene.app.ok(&scene.mia, query, job).await["node"], Value::Null);
    }
}

#[rstest]
#[tokio::test]
async fn an_orphan_is_forgotten_and_its_state_is_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let admin = scene.app.member_of(&scene.owner, &scene.org, "tom", &["organization-template-admin"]).await;
    let auditor = scene.app.member_of(&scene.owner, &scene.org, "aud", &["organization-auditor"]).await;
    let input = json!({ "workspaceId": scene.dev, "orphan": true });
    for person in [&scene.mia, &auditor] {
        assert_eq!(
            scene.app.denied(Some(&person.token), "deleteWorkspace", input.clone()).await,
            "FORBIDDEN"
        );
    }
    scene.change("stopWorkspace", json!({})).await;
    let refused = scene.app.refused(&admin.token, "deleteWorkspace", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.workspaceId"), "{refused:?}");
    let job = scene.take().await;
    scene.app.keep_state(&job, "{\"serial\": 3}").await;
    scene.finish(&job).await;
    let payload = scene
        .app
        .done(&admin.token, "deleteWorkspace", "deletedWorkspaceId workspaceBuild { id }", input)
        .await;
    assert_eq!(
        (&payload["deletedWorkspaceId"], &payload["workspaceBuild"]),
        (&json!(scene.dev), &Value::Null)
    );
    assert_eq!(scene.dev("name").await, Value::Null);
    assert!(scene.app.acquire(&scene.daemon).await.is_none(), "no Terraform runs");
    assert_eq!(scene.app.tables().count("terraform_state").await, 1);
    // Its name is free.
    scene.app.workspace(&scene.mia, &scene.template, "dev", "").await;
}
