//! Keys, daemons and the health of provisioners.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, connection, organization, organization_ref, viewer};
use crate::failure::Exit;

fn key(state: &str) -> Value {
    json!({
        "id": "pkey_1", "name": "gpu", "tags": [], "createdBy": null, "createdAt": NOW, "lastUsedAt": null,
        "expiresAt": null, "disabledAt": null, "state": state, "previousSecretExpiresAt": NOW,
        "version": 3,
    })
}

fn daemon(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "version": "0.0.1", "versionMatches": false, "engines": ["TERRAFORM"],
        "tags": [{"name": "gpu", "value": "a100"}], "status": "BUSY", "lastSeenAt": NOW, "keyName": "gpu",
        "currentJobs": [{"id": "job_1", "type": "WORKSPACE_BUILD", "state": "RUNNING"}], "lastJob": null,
    })
}

fn known(name: &str, _: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "ProvisionerKeys" => json!({"organization": {"provisionerKeys": connection(vec![key("ACTIVE")])}}),
        "RotateProvisionerKey" => json!({"rotateProvisionerKey": {
            "provisionerKey": key("ACTIVE"), "secret": "ghpk_new", "userErrors": [],
        }}),
        "UpdateProvisionerKey" => {
            json!({"updateProvisionerKey": {"provisionerKey": key("ACTIVE"), "userErrors": []}})
        }
        "DisableProvisionerKey" => {
            json!({"disableProvisionerKey": {"provisionerKey": key("DISABLED"), "userErrors": []}})
        }
        "ProvisionerDaemons" => json!({"organization": {"provisionerDaemons": connection(vec![
            daemon("pdmn_1", "twin"), daemon("pdmn_2", "twin"), daemon("pdmn_3", "single"),
        ])}}),
        "DeleteProvisionerDaemon" => {
            json!({"deleteProvisionerDaemon": {"deletedProvisionerDaemonId": "pdmn_3", "userErrors": []}})
        }
        "HealthOfProvisioners" => json!({"organization": {"provisionerHealth": {
            "idleDaemons": 2, "busyDaemons": 1, "offlineDaemons": 0, "mismatchedDaemons": 1,
            "daemonGroups": [{"keyName": null, "version": "1", "versionMatches": true, "tags": [], "idle": 2,
                "busy": 1, "offline": 0}],
            "waitingJobs": 7, "oldestWaitingSince": NOW,
            "queues": [{"tags": [{"name": "gpu", "value": "h200"}], "jobs": 7, "oldestWaitingSince": NOW,
                "reason": {"code": "TAGS_UNMATCHED", "message": "no provisioner carries gpu=h200", "tags": []}}],
            "jobs": [{"type": "WORKSPACE_BUILD", "succeeded": 9, "failed": 1, "canceled": 2, "successRate": 0.9,
                "durationP50Seconds": 3.25, "durationP95Seconds": 60.0}],
            "history": [
                {"start": "2026-11-23T00:00:00Z", "end": "2026-11-24T00:00:00Z", "succeeded": 0, "failed": 0,
                    "canceled": 0, "successRate": null, "durationP50Seconds": null, "durationMaxSeconds": null},
                {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z", "succeeded": 9, "failed": 1,
                    "canceled": 2, "successRate": 0.9, "durationP50Seconds": 3.25, "durationMaxSeconds": 75.5},
            ],
        }}}),
        _ => return None,
    })
}

#[tokio::test]
async fn a_rotated_key_prints_its_new_secret_alone() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "keys", "rotate", "data/gpu", "--overlap-minutes", "5"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "ghpk_new\n"));
    assert!(outcome.notes.contains(&format!("is accepted until {NOW}.")), "{}", outcome.notes);
    let input = server.variables("RotateProvisionerKey")["input"].clone();
    assert_eq!(input, json!({"provisionerKeyId": "pkey_1", "overlapMinutes": 5}));
}

#[tokio::test]
async fn a_change_sends_what_was_asked_for_alone() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "keys", "update", "data/gpu", "--never-expires"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Changed the key gpu.\n"));
    let input = server.variables("UpdateProvisionerKey")["input"].clone();
    assert_eq!(input, json!({"provisionerKeyId": "pkey_1", "expiresAt": null, "expectedVersion": 3}));
    let server = Fake::knowing(known).await;
    let words = ["provisioner", "keys", "update", "data/gpu", "--no-tags", "--expected-version", "2"];
    server.run(&words).await;
    let input = server.variables("UpdateProvisionerKey")["input"].clone();
    assert_eq!(input, json!({"provisionerKeyId": "pkey_1", "tags": [], "expectedVersion": 2}));
}

#[tokio::test]
async fn a_key_is_shown_with_its_version() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "keys", "show", "data/gpu"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let told = outcome.results.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let told: Vec<_> = told.collect();
    for line in ["Name: gpu", "Organization: data", "Version: 3", "State: active"] {
        assert!(told.iter().any(|one| one == line), "{line} in\n{}", outcome.results);
    }
    let outcome = server.run(&["provisioner", "keys", "show", "data/gpu", "-o", "json"]).await;
    assert_eq!(outcome.json()["version"], 3);
    assert_eq!(server.run(&["provisioner", "keys", "show", "data/none"]).await.exit, Some(Exit::NotFound));
}

#[tokio::test]
async fn keys_are_disabled_and_listed_by_state() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "keys", "disable", "data/gpu", "-o", "json"]).await;
    assert_eq!(outcome.json()["state"], "DISABLED");
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "keys", "list", "--org", "data", "--state", "active"]).await;
    assert!(outcome.results.contains("active"), "{}", outcome.results);
    assert_eq!(server.variables("ProvisionerKeys")["filter"]["state"], "ACTIVE");
}

#[tokio::test]
async fn a_daemon_is_forgotten_by_its_name_or_id() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "daemons", "delete", "data/single", "--yes"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Deleted the daemon single.\n"));
    let outcome = server.run(&["provisioner", "daemons", "delete", "data/twin", "--yes"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(outcome.notes.contains("pdmn_1, pdmn_2"), "{}", outcome.notes);
    let outcome = server.run(&["provisioner", "daemons", "delete", "data/none", "--yes"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotFound));
    let outcome = server.run(&["provisioner", "list", "--org", "data"]).await;
    assert!(outcome.results.contains("0.0.1 (not the server's)"), "{}", outcome.results);
    assert!(outcome.results.contains("job_1"), "{}", outcome.results);
}

#[tokio::test]
async fn health_tells_who_is_there_and_what_waits() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["provisioner", "health", "--org", "data"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in
        ["2 idle, 1 busy, 0 offline", "9 succeeded, 1 failed", "90 %", "half within 3.2 s", "gpu=h200"]
    {
        assert!(outcome.results.contains(part), "{part} in\n{}", outcome.results);
    }
    let asked = server.variables("HealthOfProvisioners");
    assert_eq!((&asked["width"], &asked["last"]), (&json!("HOUR"), &json!(24)));
    let outcome = server.run(&["provisioner", "health", "--org", "data", "-o", "json"]).await;
    assert_eq!(outcome.json()["queues"][0]["reason"]["code"], "TAGS_UNMATCHED");
}

#[tokio::test]
async fn health_over_time_is_a_line_of_bars_and_a_table_of_what_is_in_it() {
    let server = Fake::knowing(known).await;
    let asked = ["provisioner", "health", "--org", "data", "--by", "day", "--last", "2"];
    let outcome = server.run(&asked).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let variables = server.variables("HealthOfProvisioners");
    assert_eq!((&variables["width"], &variables["last"]), (&json!("DAY"), &json!(2)));
    let said = &outcome.results;
    assert!(said.contains("·█ up to 12"), "{said}");
    let row = said.lines().find(|line| line.starts_with("2026-11-24")).unwrap_or_default();
    let cells: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["2026-11-24", "9", "1", "2", "90 %", "3.2 s", "75.5 s"], "{said}");
    assert!(!said.contains("2026-11-23"), "a day without jobs needs no row: {said}");
    let outcome = server.run(&[&asked[..], &["-o", "json"]].concat()).await;
    let history = outcome.json()["history"].clone();
    assert_eq!((&history[0]["succeeded"], &history[1]["successRate"]), (&json!(0), &json!(0.9)));
}

#[tokio::test]
async fn a_key_that_was_made_before_is_shown_without_its_secret() {
    let answer = |name: &str, variables: &Value| match name {
        "CreateProvisionerKey" => Some(json!({"createProvisionerKey": {
            "provisionerKey": key("ACTIVE"), "secret": null, "userErrors": [],
        }})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let words = ["provisioner", "keys", "create", "data/gpu", "--idempotency-key", "once"];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, ""), "{}", outcome.notes);
    for part in ["pkey_1", "guildhall provisioner keys rotate data/gpu"] {
        assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
    }
    let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
    assert_eq!(
        (&outcome.json()["secret"], &outcome.json()["provisionerKey"]["name"]),
        (&Value::Null, &json!("gpu"))
    );
}
