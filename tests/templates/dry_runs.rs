//! Dry runs: planned with given values, and nothing is made.

use rstest::rstest;
use serde_json::json;

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::plain_import;

const SEEN: &str = "query($id: ID!) { node(id: $id) { ... on TemplateVersionDryRun {
    dailyCost resources { address type name } templateVersion { id } createdBy { username }
    job { type state error { code } }
} } }";

#[rstest]
#[tokio::test]
async fn a_version_is_planned_with_given_values(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, mia, daemon, template, .. }) = Scene::new(backend).await else { return };
    let version = app.push(&owner, &template, json!({})).await.id;
    let run = |version: &str, parameters: serde_json::Value| json!({ "templateVersionId": version, "parameters": parameters });
    let early = app.refused(&owner.token, "createTemplateVersionDryRun", run(&version, json!([]))).await;
    assert!(early.is("CONFLICT", "input.templateVersionId"), "{early:?}");
    let import = app.acquire(&daemon).await.unwrap();
    let variable = |name: &str, kind: &str, sensitive: bool| {
        json!({
            "name": name, "type": kind, "description": "", "required": true, "sensitive": sensitive,
            "nullable": true, "ephemeral": false, "validations": [],
        })
    };
    let mut result = plain_import();
    result["templateImport"]["variables"] =
        json!([variable("cpu", "number", false), variable("password", "string", true)]);
    app.complete(&daemon, &import, result).await;

    let wrong = run(&version, json!([{ "name": "cpu", "value": "two" }]));
    let complaints = app.complaints(&owner.token, "createTemplateVersionDryRun", wrong).await;
    let fields: Vec<_> = complaints.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["input.parameters.0", "input.parameters"]);
    let values = json!([{ "name": "cpu", "value": "2" }, { "name": "password", "value": "dry-run-secret" }]);
    let mine = run(&version, values.clone());
    assert_eq!(app.denied(Some(&mia.token), "createTemplateVersionDryRun", mine).await, "FORBIDDEN");

    let mut input = run(&version, values);
    input["idempotencyKey"] = "once".into();
    let selection = "templateVersionDryRun { id }";
    let made = app.done(&owner.token, "createTemplateVersionDryRun", selection, input.clone()).await;
    let id = &made["templateVersionDryRun"]["id"];
    let again = app.done(&owner.token, "createTemplateVersionDryRun", selection, input).await;
    assert_eq!(again["templateVersionDryRun"]["id"], *id);
    assert_eq!(app.tables().holding("dry-run-secret").await, Vec::<String>::new());

    let job = app.acquire(&daemon).await.unwrap();
    assert_eq!(job.kind, "TEMPLATE_DRY_RUN");
    assert_eq!(
        job.task["variables"],
        json!([
            { "name": "cpu", "value": "2", "sensitive": false },
            { "name": "password", "value": "dry-run-secret", "sensitive": true },
        ])
    );
    assert_eq!(job.task["workspace"]["owner"], owner.username.as_str());
    assert_eq!(job.task["workspace"]["transition"], "start");
    // Its token opens its archive, and no state.
    let get = |path: String| {
        http::Request::get(path)
            .header("authorization", format!("Bearer {}", job.token))
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let archive = job.task["archivePath"].as_str().unwrap().to_owned();
    assert_eq!(app.send(get(archive)).await.0, http::StatusCode::OK);
    let (status, _) = app.send(get(format!("/provisioner-jobs/{}/state", job.id))).await;
    assert!(status.is_client_error(), "{status}");

    // The result of another kind of job is not taken; that of its own is.
    let input = json!({ "provisionerJobId": job.id, "result": plain_import() });
    assert!(
        app.refused(&daemon.secret, "completeProvisionerJob", input)
            .await
            .is("BAD_USER_INPUT", "input.result")
    );
    let resources = json!([{ "address": "docker_volume.home", "type": "docker_volume", "name": "home" }]);
    let result = json!({ "templateDryRun": { "resources": resources, "dailyCost": 4 } });
    app.complete(&daemon, &job, result).await;
    let seen = app.ok(&owner, SEEN, json!({ "id": id })).await;
    assert_eq!(
        seen["node"],
        json!({
            "dailyCost": 4, "resources": resources, "templateVersion": { "id": version },
            "createdBy": { "username": owner.username },
            "job": { "type": "TEMPLATE_DRY_RUN", "state": "SUCCEEDED", "error": null },
        })
    );
    assert_eq!(app.ok(&mia, SEEN, json!({ "id": id })).await["node"], json!(null));
    let kept = "select 'kept' from template_dry_run where sealed_parameters is not null";
    assert_eq!(app.tables().texts(kept).await, Vec::<String>::new());
    for table in ["workspace", "workspace_build", "terraform_state"] {
        assert_eq!(app.tables().count(table).await, 0, "{table}");
    }
}

#[rstest]
#[tokio::test]
async fn one_that_fails_or_is_canceled_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, daemon, template, .. }) = Scene::new(backend).await else { return };
    let create = async || {
        let input = json!({ "templateVersionId": template.version });
        let selection = "templateVersionDryRun { id job { id } }";
        app.done(&owner.token, "createTemplateVersionDryRun", selection, input).await["templateVersionDryRun"]
            .clone()
    };
    let failed = create().await;
    let job = app.acquire(&daemon).await.unwrap();
    app.fail(&daemon, &job, "PLAN_FAILED", "no such image").await;
    let seen = app.ok(&owner, SEEN, json!({ "id": failed["id"] })).await;
    assert_eq!(
        seen["node"]["job"],
        json!({ "type": "TEMPLATE_DRY_RUN", "state": "FAILED", "error": { "code": "PLAN_FAILED" } })
    );
    assert_eq!((&seen["node"]["resources"], &seen["node"]["dailyCost"]), (&json!([]), &json!(null)));
    let canceled = create().await;
    let input = json!({ "provisionerJobId": canceled["job"]["id"] });
    app.done(&owner.token, "cancelProvisionerJob", "", input).await;
    let seen = app.ok(&owner, SEEN, json!({ "id": canceled["id"] })).await;
    assert_eq!(seen["node"]["job"]["state"], "CANCELED");
}
