//! Templates: settings, versions out of use, sources, dry runs.

use serde_json::{Value, json};

use super::fake::{Fake, connection, job, job_of_two_lines, organization, template, version};
use crate::failure::Exit;

fn settings() -> Value {
    json!({"node": {"__typename": "Template", "version": 3, "settings": {
        "defaultTtlSeconds": 28800, "allowUserTtl": true, "autostartDays": ["MONDAY", "FRIDAY"], "autostopDays": [],
        "autostopWeeks": 1, "failureTtlSeconds": null, "dormantAfterSeconds": null,
        "dormantDeleteAfterSeconds": null, "requireActiveVersion": false, "allowUserCancel": true,
        "maxWorkspacesPerUser": 3,
    }}})
}

fn dry_run() -> Value {
    let resource = json!({"address": "docker_volume.home", "type": "docker_volume"});
    json!({"__typename": "TemplateVersionDryRun", "id": "tdry_1", "job": job(), "resources": [resource], "dailyCost": 4})
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "OrganizationByName" => json!({"organization": organization()}),
        "Templates" => json!({"organization": {"templates": connection(vec![template()])}}),
        "TemplateVersions" => {
            json!({"node": {"__typename": "Template", "versions": connection(vec![version()])}})
        }
        "TemplateVersionById" => json!({"node": version()}),
        "SettingsOfTemplate" => settings(),
        "UpdateTemplate" => json!({"updateTemplate": {"template": template(), "userErrors": []}}),
        "DeleteTemplate" => json!({"deleteTemplate": {"deletedTemplateId": "tpl_1", "userErrors": []}}),
        "ArchiveTemplateVersions" => {
            let refused = json!({"__typename": "Conflict", "message": "it is active", "code": "CONFLICT", "field": null});
            let result = json!({"templateVersionId": "tver_1", "userErrors": [refused]});
            json!({"archiveTemplateVersions": {"results": [result], "userErrors": []}})
        }
        "UnarchiveTemplateVersion" => json!({"unarchiveTemplateVersion": {
            "templateVersion": {"id": "tver_1", "name": "v1", "createdAt": super::fake::NOW}, "userErrors": [],
        }}),
        "UpdateTemplateVersion" => {
            json!({"updateTemplateVersion": {"templateVersion": version(), "userErrors": []}})
        }
        "CompareTemplateVersions" => json!({"compareTemplateVersions": {
            "files": [
                {"path": "main.tf", "kind": "CHANGED", "isBinary": false, "diff": "--- a/main.tf\n+++ b/main.tf\n+x\n"},
                {"path": "logo.png", "kind": "ADDED", "isBinary": true, "diff": null},
            ],
            "parameters": [
                {"name": "cpu", "kind": "CHANGED", "isBreaking": true, "reasons": ["its type was string, it is number"]},
            ],
        }}),
        "CreateTemplateVersionDryRun" => {
            json!({"createTemplateVersionDryRun": {"templateVersionDryRun": dry_run(), "userErrors": []}})
        }
        "DryRunById" => json!({"node": dry_run()}),
        _ => return job_of_two_lines(name, variables, "SUCCEEDED"),
    })
}

#[tokio::test]
async fn an_edit_sends_what_was_named() {
    let server = Fake::knowing(known).await;
    let words = [
        "templates",
        "edit",
        "data/dev",
        "--default-ttl",
        "8h",
        "--failure-ttl",
        "none",
        "--autostart-days",
        "mon,fri",
        "--require-active-version",
        "true",
        "--max-workspaces",
        "none",
        "--deprecate",
        "old",
    ];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(
        server.variables("UpdateTemplate")["input"],
        json!({
            "templateId": "tpl_1", "deprecationMessage": "old", "defaultTtlSeconds": 28800,
            "autostartDays": ["MONDAY", "FRIDAY"], "failureTtlSeconds": null, "requireActiveVersion": true,
            "maxWorkspacesPerUser": null, "expectedVersion": 3,
        })
    );
    for shown in ["8h", "mon, fri", "never"] {
        assert!(outcome.results.contains(shown), "{}", outcome.results);
    }
    let outcome = server.run(&["templates", "show", "data/dev", "-o", "json"]).await;
    assert_eq!(outcome.json()["settings"]["maxWorkspacesPerUser"], 3);
}

#[tokio::test]
async fn a_template_is_deleted_with_a_yes_alone() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "delete", "data/dev"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(!server.asked().contains(&"DeleteTemplate".to_owned()));
    let outcome = server.run(&["templates", "delete", "data/dev", "--yes"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Deleted the template dev.\n"));
}

#[tokio::test]
async fn a_version_that_stays_is_named() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "archive", "data/dev", "v1"]).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("v1: it is active"), "{}", outcome.notes);
    assert_eq!(
        server.variables("ArchiveTemplateVersions")["input"],
        json!({"templateId": "tpl_1", "templateVersionIds": ["tver_1"], "expectedVersions": [6]})
    );
    let outcome = server.run(&["templates", "unarchive", "data/dev", "v1"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "v1 of dev is in use again.\n"));
}

#[tokio::test]
async fn versions_are_looked_up_at_once() {
    let answer = |name: &str, variables: &Value| match name {
        "TemplateVersions" => {
            let names = variables["filter"]["names"].as_array().unwrap().iter();
            let called = |name: &Value| {
                let mut version = version();
                version["id"] = json!(format!("tver_{}", name.as_str().unwrap()));
                version["name"] = name.clone();
                version
            };
            let versions = names.filter(|name| *name != "ghost").map(called).collect();
            Some(json!({"node": {"__typename": "Template", "versions": connection(versions)}}))
        }
        "ArchiveTemplateVersions" => {
            let ids = variables["input"]["templateVersionIds"].as_array().unwrap().iter();
            let results: Vec<_> = ids.map(|id| json!({"templateVersionId": id, "userErrors": []})).collect();
            Some(json!({"archiveTemplateVersions": {"results": results, "userErrors": []}}))
        }
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let names: Vec<String> = (0..149).map(|number| format!("v{number}")).collect();
    let words =
        ["templates", "archive", "data/dev", "ghost"].into_iter().chain(names.iter().map(String::as_str));
    let outcome = server.run(&words.collect::<Vec<_>>()).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("ghost: there is no template version"), "{}", outcome.notes);
    assert_eq!(outcome.results.lines().count(), 149);
    let looked_up = server.asked().iter().filter(|name| *name == "TemplateVersions").count();
    assert_eq!(looked_up, 2, "{:?}", server.asked());
    let archived = server.last_variables("ArchiveTemplateVersions")["input"].clone();
    assert_eq!(archived["templateVersionIds"][48], "tver_v148");
    assert_eq!(archived["expectedVersions"].as_array().unwrap().len(), 49);
}

#[tokio::test]
async fn a_version_is_used_from_the_version_that_was_read() {
    let answer = |name: &str, variables: &Value| match name {
        "PromoteTemplateVersion" => {
            Some(json!({"promoteTemplateVersion": {"template": template(), "userErrors": []}}))
        }
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    for (verb, operation, field, one) in [
        ("promote", "PromoteTemplateVersion", "expectedVersion", json!(2)),
        ("archive", "ArchiveTemplateVersions", "expectedVersions", json!([2])),
        ("unarchive", "UnarchiveTemplateVersion", "expectedVersion", json!(2)),
    ] {
        server.run(&["templates", verb, "data/dev", "v1"]).await;
        let read = if one.is_array() { json!([6]) } else { json!(6) };
        assert_eq!(server.last_variables(operation)["input"][field], read, "{verb}");
        server.run(&["templates", verb, "data/dev", "v1", "--expected-version", "2"]).await;
        assert_eq!(server.last_variables(operation)["input"][field], one, "{verb}");
    }
    let words = ["templates", "archive", "data/dev", "v1", "v2", "--expected-version", "2"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Usage), "{}", outcome.notes);
}

#[tokio::test]
async fn a_version_is_changed_from_the_version_that_was_read() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "edit-version", "data/dev", "v1", "--rename", "v1-final"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Changed the version v1 of dev.\n"));
    assert_eq!(
        server.variables("UpdateTemplateVersion")["input"],
        json!({"templateVersionId": "tver_1", "name": "v1-final", "expectedVersion": 6})
    );
    let words = ["templates", "update-version", "data/dev", "v1", "--message", "", "--expected-version", "2"];
    server.run(&words).await;
    assert_eq!(
        server.last_variables("UpdateTemplateVersion")["input"],
        json!({"templateVersionId": "tver_1", "message": "", "expectedVersion": 2})
    );
    let outcome = server.run(&["templates", "edit-version", "data/dev", "v1"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage), "{}", outcome.notes);
}

#[tokio::test]
async fn a_version_is_shown_with_its_parameters() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "show-version", "data/dev", "v1"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["active", "Version", "PARAMETER", "image"] {
        assert!(outcome.results.contains(part), "{part} in\n{}", outcome.results);
    }
    let outcome = server.run(&["templates", "show-version", "data/dev", "v1", "-o", "json"]).await;
    assert_eq!((&outcome.json()["version"], &outcome.json()["name"]), (&json!(6), &json!("v1")));
}

#[tokio::test]
async fn a_difference_is_a_patch_and_what_breaks() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "diff", "data/dev", "v1"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(
        outcome.results,
        "--- a/main.tf\n+++ b/main.tf\n+x\nbinary file logo.png added\n\
         parameter cpu changed (breaks workspaces): its type was string, it is number\n"
    );
}

#[tokio::test]
async fn a_dry_run_is_followed_and_shows_what_would_be() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "dry-run", "data/dev", "--param", "cpu=4"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.contains("docker_volume.home"), "{}", outcome.results);
    assert!(outcome.results.contains("Credits a day: 4"), "{}", outcome.results);
    assert_eq!(
        server.variables("CreateTemplateVersionDryRun")["input"],
        json!({"templateVersionId": "tver_1", "parameters": [{"name": "cpu", "value": "4"}]})
    );
}

#[tokio::test]
async fn a_starter_goes_into_a_free_folder_only() {
    let server = Fake::knowing(known).await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("starter");
    let words = ["templates", "init", "--directory", place.to_str().unwrap()];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for name in ["main.tf", "guildhall.toml", "README.md"] {
        assert!(place.join(name).is_file(), "{name}");
    }
    let spaced = folder.path().join("it's a starter");
    let outcome = server.run(&["templates", "init", "--directory", spaced.to_str().unwrap()]).await;
    let command = outcome.results.split('`').nth(1).unwrap();
    assert_eq!(shlex::split(command).unwrap().last().unwrap(), spaced.to_str().unwrap(), "{command}");
    let again = server.run(&words).await;
    assert_eq!(again.exit, Some(Exit::Usage), "{}", again.notes);
    let pulled = server.run(&["templates", "pull", "data/dev", "-d", place.to_str().unwrap()]).await;
    assert_eq!(pulled.exit, Some(Exit::Usage), "{}", pulled.notes);
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_import_says_why_and_names_its_job() {
    let failed = |name: &str, variables: &Value| {
        let mut version = version();
        version["isActive"] = json!(false);
        version["variables"] = json!([]);
        version["job"]["state"] = json!("FAILED");
        version["job"]["error"] = json!({"code": "INVALID", "message": "main.tf has no end"});
        let mut template = template();
        template["activeVersion"] = Value::Null;
        match name {
            "Templates" => Some(json!({"organization": {"templates": connection(vec![template])}})),
            "TemplateVersions" => {
                Some(json!({"node": {"__typename": "Template", "versions": connection(vec![version])}}))
            }
            _ => known(name, variables),
        }
    };
    let server = Fake::knowing(failed).await;
    let outcome = server.run(&["templates", "show-version", "data/dev", "v1"]).await;
    for part in ["main.tf has no end", "job_1"] {
        assert!(outcome.results.contains(part), "{part} in {}{}", outcome.results, outcome.notes);
    }
    let outcome = server.run(&["templates", "show", "data/dev"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["v1", "is failed: main.tf has no end", "guildhall provisioner jobs logs job_1"] {
        assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
    }
    let outcome = server.run(&["workspaces", "create", "dev", "-t", "data/dev"]).await;
    assert!(outcome.notes.contains("guildhall templates show data/dev"), "{}", outcome.notes);
}
