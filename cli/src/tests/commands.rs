//! What commands ask for, write and answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::fake::{
    END, Fake, NOW, QUIET, connection, job, job_of_two_lines, organization, organization_ref, template, user,
    version, viewer, workspace_summary,
};
use crate::failure::Exit;

/// What most commands need to find their objects.
fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" if variables["name"] == "data" => json!({"organization": organization()}),
        "OrganizationByName" => json!({"organization": null}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "Templates" => json!({"organization": {"templates": connection(vec![template()])}}),
        "TemplateVersionById" => json!({"node": version()}),
        "Workspaces" => json!({"workspaces": connection(vec![workspace_summary("ana")])}),
        _ => return None,
    })
}

#[tokio::test]
async fn a_new_key_prints_its_secret_alone_and_warns_beside_it() {
    let answer = |name: &str, variables: &Value| match name {
        "CreateProvisionerKey" => Some(json!({"createProvisionerKey": {
            "provisionerKey": {"id": "pkey_1", "name": "gpu", "tags": [{"name": "gpu", "value": "a100"}],
                "createdBy": null, "createdAt": NOW, "lastUsedAt": null, "expiresAt": null, "disabledAt": null,
                "state": "ACTIVE", "previousSecretExpiresAt": null, "version": 1},
            "secret": "ghpk_secret", "userErrors": [],
        }})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let words = ["provisioner", "keys", "create", "gpu", "--org", "data", "--tag", "gpu=a100"];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "ghpk_secret\n"));
    assert!(outcome.notes.contains("will not be shown again"), "{}", outcome.notes);
    assert!(!outcome.notes.contains("ghpk_secret"), "{}", outcome.notes);
    assert_eq!(
        server.variables("CreateProvisionerKey")["input"],
        json!({"organizationId": "org_1", "name": "gpu", "tags": [{"name": "gpu", "value": "a100"}]})
    );

    let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
    assert_eq!(outcome.json()["secret"], "ghpk_secret");
    assert_eq!(outcome.json()["provisionerKey"]["createdAt"], NOW);
}

#[tokio::test]
async fn a_list_is_a_table_or_an_array_and_an_empty_one_names_the_next_command() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "list"]).await;
    assert_eq!(
        outcome.results,
        "NAME  DISPLAY NAME  ACTIVE VERSION  PUSHED    DEPRECATED\n\
         dev   Dev           v1              just now  -\n"
    );
    let outcome = server.run(&["templates", "list", "-o", "json"]).await;
    assert_eq!(outcome.json()[0]["activeVersion"]["name"], "v1");

    let empty = |name: &str, variables: &Value| match name {
        "Templates" => Some(json!({"organization": {"templates": connection(Vec::new())}})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(empty).await;
    let outcome = server.run(&["templates", "list"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, ""));
    assert!(outcome.notes.contains("guildhall templates push NAME --org data"), "{}", outcome.notes);
    assert_eq!(server.run(&["templates", "list", "-o", "json"]).await.results, "[]\n");
}

#[tokio::test]
async fn a_missing_organization_is_named_for_people_and_for_programs() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["organizations", "show", "web"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotFound));
    assert!(outcome.notes.contains("organization `web`"), "{}", outcome.notes);
    assert!(outcome.notes.contains("guildhall organizations list"), "{}", outcome.notes);

    let outcome = server.run(&["organizations", "show", "web", "-o", "json"]).await;
    let error: Value = serde_json::from_str(&outcome.notes).unwrap();
    assert_eq!((&error["error"]["code"], &error["error"]["exitCode"]), (&json!("NOT_FOUND"), &json!(4)));
}

#[tokio::test]
async fn members_that_can_be_added_are_added_and_the_others_are_named() {
    let answer = |name: &str, variables: &Value| match name {
        // By their own spelling, whatever was typed.
        "AddMembers" => Some(json!({"addMembers": {"userErrors": [], "results": [
            {"userErrors": [], "member":
                {"user": {"id": "usr_ana", "username": "ana", "name": ""}, "roles": [], "createdAt": NOW}},
            {"member": null, "userErrors": [
                {"__typename": "Conflict", "message": "is a member already", "code": "CONFLICT", "field": null}]},
        ]}})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let outcome = server.run(&["members", "add", "ANA", "ben"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (Some(Exit::Refused), "Added ana to data.\n"));
    assert!(outcome.notes.contains("ben: is a member already"), "{}", outcome.notes);
}

#[tokio::test]
async fn a_push_follows_its_import_and_fails_with_it() {
    let module = tempfile::tempdir().unwrap();
    std::fs::write(module.path().join("main.tf"), "terraform {}\n").unwrap();
    let directory = module.path().to_str().unwrap();
    let pushing = |state: &'static str| {
        move |name: &str, variables: &Value| match name {
            "CreateTemplateVersion" => {
                Some(json!({"createTemplateVersion": {"templateVersion": version(), "userErrors": []}}))
            }
            _ => known(name, variables).or_else(|| job_of_two_lines(name, variables, state)),
        }
    };
    let server = Fake::knowing(pushing("FAILED")).await;
    let outcome = server.run(&["templates", "push", "dev", "--directory", directory]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (Some(Exit::JobFailed), ""));
    for part in ["Plan       first", "Plan       second", "the import of dev v1 failed: no such image"] {
        assert_eq!(outcome.notes.matches(part).count(), 1, "{part} in\n{}", outcome.notes);
    }

    let server = Fake::knowing(pushing("SUCCEEDED")).await;
    let outcome = server.run(&["templates", "push", "data/dev", "-d", directory, "--no-promote"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(
        outcome.results.contains("guildhall workspaces create NAME --template data/dev"),
        "{}",
        outcome.results
    );
    let input = server.variables("CreateTemplateVersion")["input"].clone();
    assert_eq!((&input["fileId"], &input["promote"]), (&json!("file_1"), &json!(false)));
}

#[tokio::test]
async fn a_new_template_can_not_leave_its_only_version_unpromoted() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "push", "other", "--no-promote"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert_eq!(server.asked(), ["CurrentUser", "Templates"]);
}

#[tokio::test]
async fn a_workspace_without_its_required_values_is_not_created() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "create", "dev", "--template", "data/dev"]).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("needs values for: image"), "{}", outcome.notes);
    assert!(!server.asked().contains(&"CreateWorkspace".to_owned()));
}

#[tokio::test]
async fn logs_are_read_once_each_by_cursor() {
    let answer = |name: &str, variables: &Value| {
        known(name, variables).or_else(|| job_of_two_lines(name, variables, "SUCCEEDED"))
    };
    let server = Fake::knowing(answer).await;
    let outcome = server.run(&["workspaces", "logs", "dev", "--follow", "-o", "json"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let texts = outcome.results.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["text"].clone()
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["first", "second"]);

    let outcome = server.run(&["workspaces", "logs", "dev"]).await;
    assert_eq!(outcome.results, "Plan       first\n");
    assert!(outcome.notes.contains("--follow"), "{}", outcome.notes);
}

#[tokio::test]
async fn why_a_job_waits_is_said_once_a_reason() {
    let looks = AtomicUsize::new(0);
    let answer = move |name: &str, variables: &Value| {
        let reason = |message: &str| json!({"code": "ALL_BUSY", "message": message, "tags": []});
        let (state, reason) = match (name, looks.load(Ordering::Relaxed)) {
            // The log is open until the job ends.
            ("LogOfJob", 0..4) => return Some(QUIET.into()),
            ("LogOfJob", _) => return Some(END.into()),
            ("StatusOfJob", 0 | 1) => ("PENDING", reason("no provisioner daemon serves data")),
            ("StatusOfJob", 2) => ("PENDING", reason("all provisioner daemons are busy")),
            ("StatusOfJob", _) => ("CANCELED", Value::Null),
            _ => return known(name, variables),
        };
        looks.fetch_add(1, Ordering::Relaxed);
        Some(json!({"node": {
            "__typename": "ProvisionerJob", "state": state, "error": null, "pendingReason": reason,
        }}))
    };
    let server = Fake::knowing(answer).await;
    let outcome = server.run(&["workspaces", "logs", "dev", "--follow"]).await;
    assert_eq!(outcome.exit, Some(Exit::JobFailed));
    for part in ["waiting: no provisioner daemon", "waiting: all provisioner daemons", "was canceled"] {
        assert_eq!(outcome.notes.matches(part).count(), 1, "{part} in\n{}", outcome.notes);
    }
}

#[tokio::test]
async fn nothing_is_deleted_without_a_yes() {
    let answer = |name: &str, variables: &Value| match name {
        "DeleteWorkspace" => Some(json!({"deleteWorkspace": {"userErrors": [], "workspaceBuild": {
            "id": "build_2", "number": 2, "transition": "DELETE", "status": "PENDING", "createdAt": NOW,
            "job": job(), "dailyCost": 0,
        }}})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let outcome = server.run(&["workspaces", "delete", "dev"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(outcome.notes.contains("--yes"), "{}", outcome.notes);
    assert!(!server.asked().contains(&"DeleteWorkspace".to_owned()));

    let outcome = server.run(&["workspaces", "delete", "dev", "--yes", "--detach"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.contains("guildhall workspaces logs data/dev --follow"), "{}", outcome.results);
}

#[tokio::test]
async fn of_several_workspaces_ones_own_is_meant_or_none() {
    let owned = |owners: &'static [&'static str]| {
        move |name: &str, variables: &Value| match name {
            "Workspaces" => {
                let workspaces = owners.iter().map(|owner| workspace_summary(owner)).collect();
                Some(json!({"workspaces": connection(workspaces)}))
            }
            "StopWorkspace" => Some(json!({"stopWorkspace": {"userErrors": [], "workspaceBuild": {
                "id": "build_2", "number": 2, "transition": "STOP", "status": "PENDING", "createdAt": NOW,
                "job": job(), "dailyCost": 0,
            }}})),
            _ => known(name, variables),
        }
    };
    let server = Fake::knowing(owned(&["ben", "ana"])).await;
    let outcome = server.run(&["workspaces", "stop", "dev", "--detach"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(server.variables("StopWorkspace")["input"]["workspaceId"], "ws_ana");

    let server = Fake::knowing(owned(&["ben", "cleo"])).await;
    let outcome = server.run(&["workspaces", "stop", "dev"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(outcome.notes.contains("data/dev of ben, data/dev of cleo"), "{}", outcome.notes);
}

#[tokio::test]
async fn the_api_itself_answers_whole_responses_and_exits_by_their_errors() {
    let server =
        Fake::knowing(|name, _| (name == "text").then(|| json!({"viewer": {"id": "usr_ana"}}))).await;
    let outcome = server.run(&["api", "graphql", "-f", "query={ viewer { id } }", "-F", "first=5"]).await;
    assert_eq!((outcome.exit, outcome.json()), (None, json!({"data": {"viewer": {"id": "usr_ana"}}})));
    assert_eq!(server.variables("text"), json!({"first": 5}));

    let server = Fake::knowing(|_, _| None).await;
    let outcome = server.run(&["api", "graphql", "-f", "query={ a }"]).await;
    assert_eq!(outcome.exit, Some(Exit::Failure));
    assert_eq!(outcome.json()["errors"][0]["message"], "text must not come");
}
