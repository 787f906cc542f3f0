//! Following an organization.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, organization, organization_ref, viewer};
use crate::failure::Exit;

fn known(name: &str, variables: &Value) -> Option<Value> {
    // Each stream breaks off after one event.
    let after = variables["after"].as_str().map_or(0, |cursor| cursor.parse().unwrap_or(0));
    let event = json!({
        "cursor": format!("{}", after + 1), "kind": "UPDATED", "resource": "WORKSPACE", "subjectId": "ws_1", "time": NOW,
    });
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "OrganizationEvents" => json!({ "organizationEvents": event }),
        _ => return None,
    })
}

#[tokio::test]
async fn events_are_lines_and_a_broken_stream_goes_on_where_it_broke() {
    let server = Fake::knowing(known).await;
    let words = ["events", "--org", "data", "--resource", "workspace", "--after", "7", "--limit", "3"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let lines: Vec<Value> = outcome.results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cursors: Vec<_> = lines.iter().map(|line| line["cursor"].as_str().unwrap()).collect();
    assert_eq!(cursors, ["8", "9", "10"]);
    assert_eq!(lines[0]["subjectId"], "ws_1");
    let asked = server.variables("OrganizationEvents");
    assert_eq!((&asked["resources"], &asked["after"]), (&json!(["WORKSPACE"]), &json!("7")));
}

#[tokio::test]
async fn what_the_server_refuses_ends_it() {
    let server = Fake::knowing(
        |name, variables| {
            if name == "OrganizationEvents" { None } else { known(name, variables) }
        },
    )
    .await;
    let outcome = server.run(&["events", "--org", "data"]).await;
    assert!(outcome.exit.is_some_and(|exit| exit != Exit::JobFailed), "{outcome:?}");
    assert!(outcome.notes.contains("must not come"), "{}", outcome.notes);
}
