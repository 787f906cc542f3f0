//! Commands about workspaces against canned answers.

use serde_json::{Value, json};

use super::fake::{
    Fake, NOW, connection, job, job_of_two_lines, organization_ref, user, viewer, workspace_summary,
};
use crate::failure::Exit;

fn build(number: i32, transition: &str) -> Value {
    json!({
        "id": format!("bld_{number}"), "number": number, "transition": transition, "status": "PENDING",
        "createdAt": NOW, "job": job(), "dailyCost": 0,
    })
}

/// A workspace with its latest build.
fn whole() -> Value {
    let mut whole = workspace_summary("ana");
    whole["__typename"] = json!("Workspace");
    for (field, value) in times().as_object().unwrap() {
        if !matches!(field.as_str(), "id" | "name") {
            whole[field] = value.clone();
        }
    }
    whole["isOutdated"] = json!(true);
    whole["updatedAt"] = json!(NOW);
    whole["version"] = json!(1);
    whole["latestBuild"]["templateVersion"] = json!({"id": "tver_1", "name": "v1", "createdAt": NOW});
    whole["latestBuild"]["initiator"] = Value::Null;
    for empty in ["parameters", "resources", "apps", "metadata"] {
        whole["latestBuild"][empty] = json!([]);
    }
    whole
}

fn times() -> Value {
    json!({
        "__typename": "Workspace", "id": "ws_ana", "name": "dev", "ttlSeconds": 32_400,
        "autostartSchedule": {"cron": "30 8 * * 1-5", "timeZone": "Europe/Berlin"},
        "nextAutostartAt": "2026-11-25T07:30:00Z", "deadline": "2026-11-24T20:00:00Z",
        "automaticUpdates": "NEVER", "dormantAt": null, "deletingAt": null, "lastUsedAt": null,
    })
}

fn done(name: &str) -> Value {
    json!({ name: {"workspace": times(), "userErrors": []} })
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "Workspaces" => json!({"workspaces": connection(vec![workspace_summary("ana")])}),
        "TimesOfWorkspace" => json!({"node": times()}),
        "UpdateWorkspace" | "ClearAutostart" | "ClearTtl" => done("updateWorkspace"),
        "ExtendWorkspaceDeadline" => done("extendWorkspaceDeadline"),
        "ActivateWorkspace" => done("activateWorkspace"),
        "TouchWorkspace" => done("touchWorkspace"),
        "TransferWorkspace" => json!({"transferWorkspace": {"userErrors": []}}),
        "SetWorkspaceFavorite" => json!({"setWorkspaceFavorite": {"userErrors": []}}),
        "RestartWorkspace" => {
            json!({"restartWorkspace": {"workspaceBuild": build(2, "STOP"), "userErrors": []}})
        }
        "WorkspaceById" => json!({"node": whole()}),
        "WorkspaceBuilds" => json!({"node": {
            "__typename": "Workspace", "builds": connection(vec![build(3, "START"), build(2, "STOP")]),
        }}),
        "ForgetWorkspace" => {
            json!({"deleteWorkspace": {"deletedWorkspaceId": "ws_ana", "userErrors": []}})
        }
        _ => return job_of_two_lines(name, variables, "SUCCEEDED"),
    })
}

#[tokio::test]
async fn a_restart_follows_both_halves() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "restart", "dev", "-p", "image=debian"]).await;
    let input = server.variables("RestartWorkspace")["input"].clone();
    assert_eq!(input["parameters"], json!([{"name": "image", "value": "debian"}]));
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let asked = server.asked();
    // Each stream tells a line, or the end.
    assert_eq!(asked.iter().filter(|name| *name == "LogOfJob").count(), 6, "{}", outcome.notes);
    let builds = asked.iter().position(|name| name == "WorkspaceBuilds").unwrap();
    assert_eq!(asked[..builds].iter().filter(|name| *name == "LogOfJob").count(), 3, "the stop comes first");

    let outcome = server.run(&["workspaces", "restart", "dev", "--detach"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["Queued the restart of data/dev", "and then the start with the same command"] {
        assert!(outcome.results.contains(part), "{part} in {}", outcome.results);
    }
}

#[tokio::test]
async fn a_schedule_is_set_shown_and_cleared() {
    let server = Fake::knowing(known).await;
    let words = ["workspaces", "schedule", "set", "dev", "--autostart", "30 8 * * 1-5", "--timezone", "UTC"];
    let outcome = server.run(&[&words[..], &["--ttl", "9h"]].concat()).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(
        server.variables("UpdateWorkspace")["input"],
        json!({
            "workspaceId": "ws_ana", "ttlSeconds": 32_400,
            "autostartSchedule": {"cron": "30 8 * * 1-5", "timeZone": "UTC"},
        }),
        "what is not given is absent"
    );
    for part in ["30 8 * * 1-5 (Europe/Berlin)", "9h", "in 8h"] {
        assert!(outcome.results.contains(part), "{part} in {}", outcome.results);
    }
    let outcome = server.run(&["workspaces", "schedule", "clear", "dev", "--autostart"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(server.asked().contains(&"ClearAutostart".to_owned()));
    assert!(!server.asked().contains(&"ClearTtl".to_owned()));
}

#[tokio::test]
async fn a_deadline_moves_by_what_is_said() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "extend", "dev", "90m"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let deadline = server.variables("ExtendWorkspaceDeadline")["input"]["deadline"].clone();
    assert!(deadline.as_str().unwrap().starts_with("2026-11-24T21:30:00"), "{deadline}");
}

#[tokio::test]
async fn small_changes_say_what_they_did() {
    let server = Fake::knowing(known).await;
    for (words, sentence) in [
        (&["workspaces", "rename", "dev", "main"][..], "Renamed data/dev to dev."),
        (&["workspaces", "transfer", "dev", "--to", "ben"], "Gave data/dev to ben."),
        (&["workspaces", "favorite", "dev"], "data/dev is a favorite of yours."),
        (&["workspaces", "favorite", "dev", "--remove"], "is no favorite of yours any more."),
        (&["workspaces", "activate", "dev"], "guildhall workspaces start data/dev"),
        (&["workspaces", "touch", "dev"], "data/dev was used just now."),
    ] {
        let outcome = server.run(words).await;
        assert_eq!(outcome.exit, None, "{words:?}: {}", outcome.notes);
        assert!(outcome.results.contains(sentence), "{words:?}: {}", outcome.results);
    }
    let outcome = server.run(&["workspaces", "builds", "dev"]).await;
    assert_eq!(outcome.results.lines().count(), 3, "{}", outcome.results);
}

#[tokio::test]
async fn a_build_that_is_in_the_way_can_be_canceled() {
    let busy = |name: &str, variables: &Value| match name {
        "StopWorkspace" => Some(json!({"stopWorkspace": {"workspaceBuild": null, "userErrors": [{
            "__typename": "Conflict", "code": "CONFLICT", "field": ["input", "workspaceId"],
            "message": "another build of this workspace is active; wait for it or cancel its job",
        }]}})),
        "Workspaces" => known(name, variables).map(|answer| {
            let text = answer.to_string().replace(r#""status":"RUNNING""#, r#""status":"STARTING""#);
            serde_json::from_str(&text).unwrap()
        }),
        _ => known(name, variables),
    };
    let server = Fake::knowing(busy).await;
    let outcome = server.run(&["workspaces", "stop", "dev"]).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("guildhall provisioner jobs cancel job_1"), "{}", outcome.notes);
    for words in [["workspaces", "show", "dev"], ["workspaces", "builds", "dev"]] {
        let outcome = server.run(&words).await;
        assert!(outcome.results.contains("job_1"), "{words:?}: {}", outcome.results);
    }
    // What is refused for another reason has no build that could be ended.
    let dormant = move |name: &str, variables: &Value| match name {
        "StopWorkspace" => busy(name, variables),
        _ => known(name, variables),
    };
    let outcome = Fake::knowing(dormant).await.run(&["workspaces", "stop", "dev"]).await;
    assert!(
        outcome.exit == Some(Exit::Refused) && !outcome.notes.contains("jobs cancel"),
        "{}",
        outcome.notes
    );
}

#[tokio::test]
async fn what_was_changed_is_answered_as_it_is_then() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "favorite", "dev", "-o", "json"]).await;
    assert_eq!(outcome.json()["isFavorite"], true);
    let outcome = server.run(&["workspaces", "favorite", "dev", "--remove", "-o", "json"]).await;
    assert_eq!(outcome.json()["isFavorite"], false);
    let outcome = server.run(&["workspaces", "transfer", "dev", "--to", "ben", "-o", "json"]).await;
    assert_eq!(outcome.json()["owner"]["username"], "ben");
}

#[tokio::test]
async fn a_workspace_is_shown_with_what_it_does_by_itself() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "show", "dev"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for row in [
        "Template:           dev v1 (there is a newer one)",
        "Autostart:          30 8 * * 1-5 (Europe/Berlin)",
        "Next start:         in 20h",
        "Runs for:           9h",
        "Stops:              in 8h",
        "Automatic updates:  never",
    ] {
        assert!(outcome.results.contains(row), "`{row}` in\n{}", outcome.results);
    }
    let outcome = server.run(&["workspaces", "show", "dev", "-o", "json"]).await;
    assert_eq!(outcome.json()["deadline"], "2026-11-24T20:00:00Z");
    assert_eq!(outcome.json()["autostartSchedule"]["timeZone"], "Europe/Berlin");
}

#[tokio::test]
async fn what_destroys_asks_first() {
    let server = Fake::knowing(known).await;
    for words in [
        &["workspaces", "delete", "dev", "--orphan"][..],
        &["workspaces", "state", "push", "dev", "/dev/null"],
    ] {
        let outcome = server.run(words).await;
        assert_eq!(outcome.exit, Some(Exit::Usage), "{words:?}: {}", outcome.results);
        assert!(outcome.notes.contains("--yes"), "{}", outcome.notes);
    }
    assert!(!server.asked().contains(&"ForgetWorkspace".to_owned()));
    let outcome = server.run(&["workspaces", "delete", "dev", "--orphan", "--yes"]).await;
    assert!(outcome.results.contains("its state is kept"), "{}", outcome.results);
}

#[tokio::test]
async fn a_state_comes_and_goes() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["workspaces", "state", "pull", "dev"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "{\"serial\":1}\n"), "{}", outcome.notes);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dev.tfstate");
    let path = file.to_str().unwrap();
    let words = ["workspaces", "state", "pull", "dev", "--build", "3", "--file", path];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, ""), "{}", outcome.notes);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"serial\":1}");
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Usage), "a file that is there is not written over");
    assert!(outcome.notes.contains(path) && outcome.notes.contains("--file"), "{}", outcome.notes);
    let outcome = server.run(&["workspaces", "state", "push", "dev", path, "--yes"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.contains("after build 1"), "{}", outcome.results);
}
