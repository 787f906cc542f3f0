//! The audit log, quotas, and the end of an organization.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, organization, organization_ref, user, viewer};
use crate::failure::Exit;

fn entry(id: &str) -> Value {
    json!({
        "id": id, "time": NOW, "actor": {"kind": "USER", "id": "usr_ana", "name": "ana"}, "action": "CREATE",
        "resource": "GROUP", "resourceId": "grp_1", "resourceName": "crew", "organizationId": "org_1",
        "changes": [{"field": "name", "before": null, "after": "crew"}], "status": "DENIED",
        "missingPermission": "GROUP_CREATE", "requestId": "r", "address": "::1", "__typename": "AuditLogEntry",
    })
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        // Two pages.
        "AuditLog" => {
            let first = variables["after"].is_null();
            let nodes = if first { vec![entry("aud_1"), entry("aud_2")] } else { vec![entry("aud_3")] };
            json!({"auditLog": {"nodes": nodes, "pageInfo": {"hasNextPage": first, "endCursor": "c"}}})
        }
        "OrganizationQuota" => {
            json!({"organization": {"quota": {"budget": null, "used": 7, "remaining": null}}})
        }
        "SetOrganizationQuota" => json!({"setOrganizationQuota": {"userErrors": []}}),
        "DeletionImpact" => json!({"organization": {"deletionImpact": {
            "workspaces": 0, "templates": 2, "provisionerKeys": 0, "groups": 1, "members": 1, "isDeletable": false,
        }}}),
        "AuditLogEntryById" => json!({"node": entry("aud_1")}),
        "DeleteOrganization" => {
            json!({"deleteOrganization": {"deletedOrganizationId": "org_1", "userErrors": []}})
        }
        _ => return None,
    })
}

#[tokio::test]
async fn an_export_is_a_line_for_each_entry_of_every_page() {
    let server = Fake::knowing(known).await;
    let words = ["audit", "export", "--org", "data", "--actor", "ana", "--status", "denied"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let lines: Vec<Value> = outcome.results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["aud_1", "aud_2", "aud_3"]);
    assert_eq!(lines[0]["changes"], json!([{"field": "name", "before": null, "after": "crew"}]));
    let asked = server.variables("AuditLog");
    assert_eq!(asked["filter"], json!({"actorId": "usr_ana", "organizationId": "org_1", "status": "DENIED"}));
    assert_eq!(asked["order"], "TIME_ASC");
    assert_eq!(server.asked().iter().filter(|name| *name == "AuditLog").count(), 2);
}

#[tokio::test]
async fn a_list_of_the_log_is_a_table() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["audit", "list", "--limit", "1"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.starts_with("TIME"), "{}", outcome.results);
    for part in ["denied", "crew", "group:create", "aud_1"] {
        assert!(outcome.results.contains(part), "{part} in {}", outcome.results);
    }
}

#[tokio::test]
async fn an_entry_is_shown_field_by_field() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["audit", "show", "aud_1"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["ana (user)", "Missing:", "group:create", "FIELD  BEFORE  AFTER\nname   -       crew"] {
        assert!(outcome.results.contains(part), "{part} in {}", outcome.results);
    }
    assert_eq!(server.variables("AuditLogEntryById"), json!({"id": "aud_1"}));
}

#[tokio::test]
async fn a_cap_is_set_removed_and_shown() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["quota", "set", "--org", "data", "500"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(
        server.variables("SetOrganizationQuota")["input"],
        json!({"organizationId": "org_1", "cap": 500})
    );
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["quota", "set", "--org", "data", "--none"]).await;
    assert_eq!(outcome.results, "data has no cap any more.\n");
    assert_eq!(server.variables("SetOrganizationQuota")["input"]["cap"], Value::Null);
    let outcome = server.run(&["quota", "show", "--org", "data"]).await;
    assert!(outcome.results.contains("no limit"), "{}", outcome.results);
}

#[tokio::test]
async fn an_organization_is_deleted_with_a_yes_alone() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["organizations", "delete", "data"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(!server.asked().contains(&"DeleteOrganization".to_owned()));
    // What there is none of is not listed.
    let holds = "data still holds 2 templates, 1 group besides Everyone, 1 member besides you.";
    assert!(outcome.notes.contains(holds), "{}", outcome.notes);
    let outcome = server.run(&["organizations", "impact", "data"]).await;
    assert!(outcome.results.contains("Can be deleted:           no"), "{}", outcome.results);
    let outcome = server.run(&["organizations", "delete", "data", "--yes"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Deleted the organization data.\n"));
}
