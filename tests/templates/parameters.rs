//! Parameters: what the import read of them, and values held against it before anything is built.

use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::{plain_build, plain_import};

fn variable(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "type": kind, "description": "", "required": false, "sensitive": false, "nullable": true,
        "ephemeral": false, "validations": [],
    })
}

fn ruled(name: &str, kind: &str, rules: Value) -> Value {
    let mut variable = variable(name, kind);
    variable["validations"] =
        json!([{ "condition": "as written", "errorMessage": "the author says no", "rules": rules }]);
    variable
}

impl Scene {
    /// Pushes a version whose import finds these variables.
    async fn version(&self, variables: Vec<Value>) -> String {
        let pushed = self.app.push(&self.owner, &self.template, json!({})).await;
        let job = self.app.acquire(&self.daemon).await.unwrap();
        let mut result = plain_import();
        result["templateImport"]["variables"] = variables.into();
        self.app.complete(&self.daemon, &job, result).await;
        pushed.id
    }
}

#[rstest]
#[tokio::test]
async fn parameters_are_typed_and_in_the_order_of_the_manifest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut region = ruled("region", "string", json!([{ "oneOf": ["eu", "us"] }]));
    region["displayName"] = "Region".into();
    region["icon"] = "🌍".into();
    region["order"] = 2.into();
    region["immutable"] = true.into();
    let rules = json!([{ "atLeast": 1 }, { "lessThan": 8.5 }, { "whole": true }]);
    let mut cpu = ruled("cpu", "number", rules);
    cpu["order"] = 1.into();
    let lengths = json!([{ "lengthAtLeast": 1 }, { "lengthAtMost": 3 }]);
    let zones = ruled("zones", "list(string)", lengths);
    let name = ruled("name", "string", json!([{ "pattern": "^[a-z]+$" }]));
    let version = scene.version(vec![zones, name, region, cpu, variable("workspace", "any")]).await;
    let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { parameters {
        name displayName icon type typeExpression immutable ephemeral options minimum minimumIsExclusive maximum
        maximumIsExclusive isWhole minimumLength maximumLength pattern validations { condition errorMessage }
    } } } }";
    let seen = scene.app.ok(&scene.mia, query, json!({ "id": version })).await;
    let parameters = seen["node"]["parameters"].as_array().unwrap();
    let names: Vec<_> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["cpu", "region", "zones", "name"]);
    let validations = json!([{ "condition": "as written", "errorMessage": "the author says no" }]);
    let plain = json!({
        "displayName": "cpu", "icon": "", "immutable": false, "ephemeral": false, "options": null, "minimum": null,
        "minimumIsExclusive": false, "maximum": null, "maximumIsExclusive": false, "isWhole": false,
        "minimumLength": null, "maximumLength": null, "pattern": null, "validations": validations,
    });
    let with = |fields: Value| {
        let mut all = plain.clone();
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    let expected = [
        with(json!({
            "name": "cpu", "type": "NUMBER", "typeExpression": "number", "minimum": 1.0, "maximum": 8.5,
            "maximumIsExclusive": true, "isWhole": true,
        })),
        with(json!({
            "name": "region", "displayName": "Region", "icon": "🌍", "type": "STRING", "typeExpression": "string",
            "immutable": true, "options": ["eu", "us"],
        })),
        with(json!({
            "name": "zones", "displayName": "zones", "type": "LIST", "typeExpression": "list(string)",
            "minimumLength": 1, "maximumLength": 3,
        })),
        with(json!({
            "name": "name", "displayName": "name", "type": "STRING", "typeExpression": "string",
            "pattern": "^[a-z]+$",
        })),
    ];
    for (parameter, expected) in parameters.iter().zip(expected) {
        assert_eq!(*parameter, expected);
    }
}

#[rstest]
#[tokio::test]
async fn every_wrong_value_is_named_and_nothing_is_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, mia, template, .. } = &scene;
    scene
        .version(vec![
            ruled("region", "string", json!([{ "oneOf": ["eu", "us"] }])),
            ruled("cpu", "number", json!([{ "atMost": 8 }])),
            ruled("name", "string", json!([{ "pattern": "^[a-z]+$" }])),
        ])
        .await;
    let before = app.tables().dump().await;
    let values = [("region", "mars"), ("cpu", "nine"), ("name", "X"), ("ram", "1")];
    let parameters: Vec<_> =
        values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let input = json!({ "templateId": template.id, "name": "w", "parameters": parameters });
    let complaints = app.complaints(&mia.token, "createWorkspace", input).await;
    let told: Vec<_> = complaints.iter().map(|one| (one.field.as_str(), one.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("input.parameters.0", "`region` is one of eu, us: the author says no"),
            ("input.parameters.1", "`cpu` is a number, e.g. 2 or 0.5"),
            ("input.parameters.2", "`name` is a text that matches `^[a-z]+$`: the author says no"),
            ("input.parameters.3", "the template has no parameter `ram`; it has region, cpu, name"),
        ]
    );
    assert_eq!(app.tables().dump().await, before);
}

#[rstest]
#[tokio::test]
async fn a_newer_version_that_breaks_a_workspace_says_where(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, mia, daemon, template, .. } = &scene;
    let mut fixed = variable("fixed", "string");
    fixed["immutable"] = true.into();
    scene.version(vec![variable("cpu", "string"), variable("gone", "string"), fixed.clone()]).await;
    let parameters = json!([
        { "name": "cpu", "value": "many" }, { "name": "gone", "value": "x" }, { "name": "fixed", "value": "a" },
    ]);
    let input = json!({ "templateId": template.id, "name": "w", "parameters": parameters });
    let made = app.done(&mia.token, "createWorkspace", "workspace { id }", input).await;
    let workspace = &made["workspace"]["id"];
    app.work(daemon).await;
    let mut key = variable("key", "string");
    key["required"] = true.into();
    let newer = scene.version(vec![variable("cpu", "number"), fixed, key]).await;

    let start = |parameters: Value| json!({ "workspaceId": workspace, "templateVersionId": newer, "parameters": parameters });
    let selection = "userErrors { __typename ... on ParameterMismatch { parameters { name kind message } } }";
    let body = app.call(Some(&mia.token), "startWorkspace", selection, start(json!([]))).await;
    let errors = &body["data"]["startWorkspace"]["userErrors"];
    assert_eq!(errors[0]["__typename"], "ParameterMismatch", "{body:#}");
    assert_eq!(
        errors[0]["parameters"],
        json!([
            { "name": "cpu", "kind": "TYPE", "message": "`cpu` is a number, e.g. 2 or 0.5" },
            { "name": "key", "kind": "MISSING", "message": "the template needs a value for `key`" },
            { "name": "gone", "kind": "REMOVED", "message": "`gone` is no parameter any more; its value is dropped" },
        ])
    );
    let moved = json!([
        { "name": "cpu", "value": "2" }, { "name": "key", "value": "k" }, { "name": "fixed", "value": "b" },
    ]);
    let refused = app.refused(&mia.token, "startWorkspace", start(moved)).await;
    assert!(refused.is("BAD_USER_INPUT", "input.parameters.2"), "{refused:?}");
    let healed = json!([{ "name": "cpu", "value": "2" }, { "name": "key", "value": "k" }]);
    app.done(&mia.token, "startWorkspace", "", start(healed)).await;
    let job = app.acquire(daemon).await.unwrap();
    let names: Vec<_> =
        job.task["variables"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["cpu", "fixed", "key"]);
}

#[rstest]
#[tokio::test]
async fn what_is_ephemeral_is_for_one_build(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, mia, daemon, template, .. } = &scene;
    let mut code = variable("code", "string");
    code["ephemeral"] = true.into();
    code["default"] = "".into();
    scene.version(vec![code]).await;
    let parameters = json!([{ "name": "code", "value": "one-time-code-of-mia" }]);
    let input = json!({ "templateId": template.id, "name": "w", "parameters": parameters });
    let made = app.done(&mia.token, "createWorkspace", "workspace { id }", input).await;
    // Sealed while it waits.
    assert_eq!(app.tables().holding("one-time-code-of-mia").await, Vec::<String>::new());
    let job = app.acquire(daemon).await.unwrap();
    let value = json!([{ "name": "code", "value": "one-time-code-of-mia", "sensitive": true }]);
    assert_eq!(job.task["variables"], value);
    app.complete(daemon, &job, plain_build()).await;
    app.done(&mia.token, "startWorkspace", "", json!({ "workspaceId": made["workspace"]["id"] })).await;
    let job = app.acquire(daemon).await.unwrap();
    assert_eq!(job.task["variables"], json!([]));
}

#[rstest]
#[tokio::test]
async fn what_is_ephemeral_is_erased_however_its_build_ends(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, mia, daemon, template, .. } = &scene;
    let mut code = variable("code", "string");
    code["ephemeral"] = true.into();
    code["default"] = "".into();
    let mut password = variable("password", "string");
    password["sensitive"] = true.into();
    scene.version(vec![code, password]).await;
    let values =
        json!([{ "name": "code", "value": "one-time" }, { "name": "password", "value": "for-ever" }]);
    let input = json!({ "templateId": template.id, "name": "w", "parameters": values });
    let made = app.done(&mia.token, "createWorkspace", "workspace { id }", input).await;
    let workspace = &made["workspace"]["id"];
    // How many builds and promises of builds have a value that is to be erased, and how many one that stays.
    let kept = async || {
        let mut counts = Vec::new();
        for column in ["ephemeral_parameters", "sealed_parameters"] {
            let rows = "select {column} as kept from workspace_build union all select {column} from workspace_restart";
            let query = format!("select cast(count(kept) as text) from ({rows}) as k");
            counts.extend(app.tables().texts(&query.replace("{column}", column)).await);
        }
        counts
    };
    assert_eq!(kept().await, ["1", "1"]);
    let held = app.acquire(daemon).await.unwrap();
    assert_eq!(held.task["variables"].as_array().unwrap().len(), 2);
    app.complete(daemon, &held, plain_build()).await;
    assert_eq!(kept().await, ["0", "1"]);

    let again = json!({ "workspaceId": workspace, "parameters": [{ "name": "code", "value": "one-time" }] });
    // One that fails.
    app.done(&mia.token, "startWorkspace", "", again.clone()).await;
    assert_eq!(kept().await, ["1", "2"]);
    let held = app.acquire(daemon).await.unwrap();
    app.fail(daemon, &held, "APPLY_FAILED", "no").await;
    assert_eq!(kept().await, ["0", "2"]);
    // One that nobody takes before it is canceled.
    let build = "workspaceBuild { job { id } }";
    let started = app.done(&mia.token, "startWorkspace", build, again.clone()).await;
    assert_eq!(kept().await, ["1", "3"]);
    let job = json!({ "provisionerJobId": started["workspaceBuild"]["job"]["id"] });
    app.done(&mia.token, "cancelProvisionerJob", "", job).await;
    assert_eq!(kept().await, ["0", "3"]);
    // One that is promised: the value waits with the promise, and goes to the build.
    app.done(&mia.token, "restartWorkspace", "", again).await;
    assert_eq!(kept().await, ["1", "5"]);
    let stop = app.acquire(daemon).await.unwrap();
    assert_eq!(stop.task["transition"], "STOP");
    app.complete(daemon, &stop, plain_build()).await;
    let start = app.acquire(daemon).await.unwrap();
    let names = start.task["variables"].as_array().unwrap().iter().map(|value| value["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["code", "password"]);
    app.complete(daemon, &start, plain_build()).await;
    assert_eq!(kept().await, ["0", "5"]);
    // That there was one is still told.
    let query = "query($id: ID!) { node(id: $id) { ... on Workspace { latestBuild { parameters { name value } } } } }";
    let seen = app.ok(mia, query, json!({ "id": workspace })).await;
    let hidden = json!([{ "name": "code", "value": null }, { "name": "password", "value": null }]);
    assert_eq!(seen["node"]["latestBuild"]["parameters"], hidden);
}

#[rstest]
#[tokio::test]
async fn a_manifest_that_breaks_our_rules_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.app.push(&scene.owner, &scene.template, json!({})).await;
    let job = scene.app.acquire(&scene.daemon).await.unwrap();
    for (field, value) in [("icon", "javascript:x".to_owned()), ("displayName", "x".repeat(65))] {
        let mut wrong = variable("x", "string");
        wrong[field] = value.into();
        let mut result = plain_import();
        result["templateImport"]["variables"] = json!([wrong]);
        let input = json!({ "provisionerJobId": job.id, "result": result });
        let refused = scene.app.refused(&scene.daemon.secret, "completeProvisionerJob", input).await;
        assert!(
            refused.is("BAD_USER_INPUT", &format!("input.result.templateImport.variables.0.{field}")),
            "{refused:?}"
        );
    }
}

/// Who gave a secret was told that it is never shown. A later version does not change that by calling it no secret.
#[rstest]
#[tokio::test]
async fn what_was_kept_sealed_stays_so(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let Scene { app, owner, mia, daemon, template, .. } = &scene;
    let mut secret = variable("token", "string");
    secret["sensitive"] = true.into();
    scene.version(vec![secret]).await;
    let parameters = json!([{ "name": "token", "value": "MY-SECRET" }]);
    let input = json!({ "templateId": template.id, "name": "w", "parameters": parameters });
    let made = app.done(&mia.token, "createWorkspace", "workspace { id }", input).await;
    let workspace = made["workspace"]["id"].clone();
    app.work(daemon).await;
    scene.version(vec![variable("token", "string")]).await;
    let open = "query($id: ID!) { node(id: $id) { ... on Workspace { latestBuild { parameters { name value sensitive } } } } }";
    let seen = async || {
        let data = app.ok(owner, open, json!({ "id": workspace })).await;
        data["node"]["latestBuild"]["parameters"][0].clone()
    };
    for mutation in ["updateWorkspaceVersion", "stopWorkspace", "startWorkspace"] {
        app.done(&mia.token, mutation, "", json!({ "workspaceId": workspace })).await;
        let job = app.acquire(daemon).await.unwrap();
        let variable = &job.task["variables"][0];
        assert_eq!(
            (&variable["value"], &variable["sensitive"]),
            (&json!("MY-SECRET"), &json!(true)),
            "{mutation}"
        );
        app.complete(daemon, &job, plain_build()).await;
        assert_eq!(seen().await, json!({ "name": "token", "value": null, "sensitive": true }), "{mutation}");
    }
    // What is given now is given to be seen.
    let input = json!({ "workspaceId": workspace, "parameters": [{ "name": "token", "value": "plain" }] });
    app.done(&mia.token, "startWorkspace", "", input).await;
    assert_eq!(seen().await, json!({ "name": "token", "value": "plain", "sensitive": false }));
}

#[rstest]
#[tokio::test]
async fn variables_are_called_what_terraform_calls_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.app.push(&scene.owner, &scene.template, json!({})).await;
    let job = scene.app.acquire(&scene.daemon).await.unwrap();
    let found = |variables: Vec<Value>| {
        let mut result = plain_import();
        result["templateImport"]["variables"] = variables.into();
        json!({ "provisionerJobId": job.id, "result": result })
    };
    for (names, at) in [(&[""][..], 0), (&["a", "n l\n"], 1), (&["1a"], 0), (&["a", "b", "a"], 2)] {
        let input = found(names.iter().map(|name| variable(name, "string")).collect());
        let refused = scene.app.refused(&scene.daemon.secret, "completeProvisionerJob", input).await;
        let field = format!("input.result.templateImport.variables.{at}.name");
        assert!(refused.is("BAD_USER_INPUT", &field), "{names:?}: {refused:?}");
    }
    let mut secret = variable("größe-2", "string");
    (secret["sensitive"], secret["default"]) = (true.into(), "NOT-TO-BE-KEPT".into());
    scene.app.done(&scene.daemon.secret, "completeProvisionerJob", "", found(vec![secret])).await;
    let kept = scene.app.tables().texts("select cast(variables as text) from template_version").await;
    assert!(kept.iter().any(|text| text.contains("größe-2")), "{kept:?}");
    assert!(!kept.iter().any(|text| text.contains("NOT-TO-BE-KEPT")), "{kept:?}");
}

#[tokio::test]
async fn more_values_than_anybody_needs_are_not_looked_at() {
    let Some(scene) = Scene::new(Backend::Sqlite).await else { return };
    scene.version((0..100).map(|number| variable(&format!("v{number}"), "string")).collect()).await;
    let values = |count: usize| vec![json!({ "name": "x", "value": "" }); count];
    let input = |count| json!({ "templateId": scene.template.id, "name": "w", "parameters": values(count) });
    let refused = scene.app.refused(&scene.mia.token, "createWorkspace", input(1001)).await;
    assert!(refused.is("BAD_USER_INPUT", "input.parameters"), "{refused:?}");
    let refused = scene.app.refused(&scene.mia.token, "createWorkspace", input(1)).await;
    assert!(refused.message.ends_with("v19 and 80 more"), "{refused:?}");
}
