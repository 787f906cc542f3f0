//! Roles.

use serde_json::{Value, json};

use super::fake::{Fake, organization, organization_ref, viewer};
use crate::failure::Exit;

fn role(name: &str, built_in: bool, permissions: &[&str]) -> Value {
    json!({
        "id": format!("role_{name}"), "name": name, "displayName": name, "description": "", "builtIn": built_in,
        "assignable": built_in, "permissions": permissions, "version": if built_in { Value::Null } else { json!(3) },
    })
}

fn known(name: &str, _: &Value) -> Option<Value> {
    let clerk = || role("clerk", false, &["GROUP_CREATE", "GROUP_UPDATE"]);
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "OrganizationRoles" => {
            json!({"organization": {"roles": [role("organization-auditor", true, &["GROUP_READ"]), clerk()]}})
        }
        "SiteRoles" => json!({"roles": [role("owner", true, &["USER_CREATE"])]}),
        "CreateRole" => json!({"createRole": {"role": clerk(), "userErrors": []}}),
        "UpdateRole" => json!({"updateRole": {"role": null, "userErrors": [{
            "__typename": "MissingPermissions", "message": "you can't give it", "code": "MISSING_PERMISSIONS",
            "field": ["input", "permissions"], "permissions": ["GROUP_DELETE"],
        }]}}),
        "DeleteRole" => {
            json!({"deleteRole": {"deletedRoleId": "role_clerk", "takenFrom": 2, "userErrors": []}})
        }
        "Permissions" => json!({"permissions": [
            {"permission": "GROUP_CREATE", "description": "Create groups.", "reach": "ORGANIZATION"},
        ]}),
        _ => return None,
    })
}

#[tokio::test]
async fn roles_are_listed_and_shown() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["roles", "list", "--org", "data"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.starts_with("NAME") && outcome.results.contains("clerk"), "{}", outcome.results);
    let outcome = server.run(&["roles", "list", "--site", "-o", "json"]).await;
    assert_eq!(outcome.json()[0]["permissions"], json!(["USER_CREATE"]));
    let outcome = server.run(&["roles", "show", "data/CLERK"]).await;
    assert!(outcome.results.contains("group:create, group:update"), "{}", outcome.results);
    let outcome = server.run(&["roles", "show", "data/nobody"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotFound));
    let outcome = server.run(&["roles", "show", "OWNER", "--site"]).await;
    assert!(outcome.results.contains("user:create"), "{}", outcome.results);
    let outcome = server.run(&["roles", "show", "data/owner", "--site"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    let outcome = server.run(&["roles", "permissions"]).await;
    assert!(outcome.results.contains("Create groups."), "{}", outcome.results);
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let server = Fake::knowing(known).await;
    let words =
        ["roles", "create", "data/clerk", "--permission", "group-create", "--permission", "GROUP_UPDATE"];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Created the role clerk (role_clerk).\n"));
    let input =
        json!({"organizationId": "org_1", "name": "clerk", "permissions": ["GROUP_CREATE", "GROUP_UPDATE"]});
    assert_eq!(server.variables("CreateRole")["input"], input);
    let outcome = server.run(&["roles", "update", "data/clerk", "--permission", "GROUP_DELETE"]).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("missing: group:delete"), "{}", outcome.notes);
    let input = json!({"roleId": "role_clerk", "permissions": ["GROUP_DELETE"], "expectedVersion": 3});
    assert_eq!(server.variables("UpdateRole")["input"], input);
    let outcome = server.run(&["roles", "delete", "data/clerk"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage), "not without a yes");
    let outcome = server.run(&["roles", "delete", "data/clerk", "--yes"]).await;
    assert_eq!(outcome.results, "Deleted the role clerk, which 2 members held.\n");
}
