//! What can be looked at before something is done: what is allowed, what it costs, what it is now; and how it is done
//! once, from what was seen.

use rstest::rstest;
use serde_json::{Value, json};

use super::fake::{
    Fake, NOW, connection, organization, organization_ref, template, user, user_ref, viewer,
    workspace_summary,
};
use crate::failure::Exit;

fn reason(permission: &str, allowed: bool) -> Value {
    let missing = if allowed { Value::Null } else { json!(permission) };
    let role = json!({"name": "organization-member", "displayName": "", "builtIn": true});
    json!({
        "permission": permission, "allowed": allowed, "suspended": false, "missing": missing, "deniedBy": [],
        "grantedBy": [], "grantedByTemplateRole": null, "grantedByMembership": false,
        "reasons": if allowed {
            json!([{"reach": "ORGANIZATION", "role": role, "templateRole": null, "group": null}])
        } else {
            json!([])
        },
    })
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    let quota = json!({"budget": 20, "used": 7, "remaining": 13});
    let group = json!({
        "id": "grp_1", "name": "crew", "displayName": "Crew", "avatarUrl": "", "quotaAllowance": 0,
        "source": "USER", "isEveryone": false, "memberCount": 1, "version": 1, "createdAt": NOW,
    });
    let role = json!({
        "id": "role_1", "name": "clerk", "displayName": "", "description": "", "builtIn": false, "assignable": true,
        "permissions": ["GROUP_CREATE"], "version": 2,
    });
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "Templates" => json!({"organization": {"templates": connection(vec![template()])}}),
        "Groups" => json!({"organization": {"groups": connection(vec![group])}}),
        "Workspaces" => json!({"workspaces": connection(vec![workspace_summary("ana")])}),
        "OrganizationRoles" => json!({"organization": {"roles": [role]}}),
        "ViewerCan" => {
            json!({"node": {"__typename": "Organization", "viewerCan": ["GROUP_READ", "QUOTA_READ"]}})
        }
        "ExplainAccess" => {
            let permission = variables["permission"].as_str()?;
            json!({"explainAccess": reason(permission, permission == "GROUP_READ")})
        }
        "AccessOf" => json!({"node": {
            "__typename": "Template",
            "accessOf": [reason("TEMPLATE_READ", true), reason("TEMPLATE_UPDATE", false)],
        }}),
        "AccessCandidates" => {
            let mut ana = user_ref("ana");
            ana["__typename"] = json!("User");
            json!({"node": {"__typename": "Template", "accessCandidates": connection(vec![json!({"subject": ana})])}})
        }
        "GroupTemplates" => json!({"node": {"__typename": "Group", "templates": connection(vec![
            json!({"role": "USE", "template": {"id": "tpl_1", "name": "dev", "displayName": "Dev"}}),
        ])}}),
        "BuildCost" => json!({"buildCostPreview": {
            "cost": 5, "basis": "TEMPLATE_VERSION", "currentCost": 0, "accepted": true, "ownerQuota": quota,
            "organizationQuota": null,
        }}),
        "OneMember" => json!({"organization": {"members": {"nodes": [{
            "user": user("ana"), "createdAt": NOW, "groups": {"nodes": [{"id": "grp_1", "name": "crew"}]},
            "roles": [{"name": "organization-admin", "displayName": "", "builtIn": true}],
        }]}}}),
        "MemberQuotas" => json!({"organization": {"members": {"nodes": [
            {"user": {"username": "ana"}, "quota": quota},
        ]}}}),
        "CreateOrganization" => {
            json!({"createOrganization": {"organization": organization(), "userErrors": []}})
        }
        "CreateGroup" => json!({"createGroup": {"group": group, "userErrors": []}}),
        "CreateRole" => json!({"createRole": {"role": role, "userErrors": []}}),
        "CreateUser" => json!({"createUser": {"user": user("robot"), "userErrors": []}}),
        "UpdateOrganization" => {
            json!({"updateOrganization": {"organization": organization(), "userErrors": []}})
        }
        "UpdateGroup" => json!({"updateGroup": {"group": group, "userErrors": []}}),
        "UpdateRole" => json!({"updateRole": {"role": role, "userErrors": []}}),
        "UpdateUser" => json!({"updateUser": {"user": user("ana"), "userErrors": []}}),
        "UpdateWorkspace" => json!({"updateWorkspace": {"workspace": null, "userErrors": [{
            "__typename": "StaleVersion", "code": "STALE_VERSION", "field": null, "currentVersion": 8,
            "message": "it has changed since: you expected version 7, it is at 8; read it again",
        }]}}),
        _ => return None,
    })
}

#[tokio::test]
async fn what_one_may_do_is_a_list_or_a_word() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["can", "--org", "data"]).await;
    assert_eq!(outcome.results, "PERMISSION\ngroup:read\nquota:read\n", "{}", outcome.notes);
    assert_eq!(server.variables("ViewerCan"), json!({"id": "org_1"}));
    let outcome = server.run(&["can", "group:read", "--org", "data"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "yes\n"));
    assert_eq!(
        server.variables("ExplainAccess"),
        json!({"user": "usr_ana", "permission": "GROUP_READ", "object": "org_1"})
    );
    let outcome = server.run(&["can", "user:create"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (Some(Exit::Forbidden), "no\n"));
    assert_eq!(outcome.notes, "");
    let outcome = server.run(&["can", "workspace:stop", "--workspace", "data/dev", "-o", "json"]).await;
    assert_eq!(outcome.json(), json!({"permission": "WORKSPACE_STOP", "allowed": false}));
    let outcome = server.run(&["can"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
}

#[tokio::test]
async fn who_may_use_a_template_is_known_from_both_sides() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "access", "explain", "data/dev", "ana"]).await;
    let expected = "PERMISSION       ALLOWED  WHY\n\
        template:read    yes      Granted by the role organization-member in the organization.\n\
        template:update  no       Nothing grants it.\n";
    assert_eq!(outcome.results, expected, "{}", outcome.notes);
    assert_eq!(server.variables("AccessOf"), json!({"template": "tpl_1", "user": "usr_ana"}));
    let outcome = server.run(&["templates", "access", "candidates", "data/dev", "--query", "an"]).await;
    assert_eq!(outcome.results, "WHO   NAME\nuser  ana\n", "{}", outcome.notes);
    assert_eq!(server.variables("AccessCandidates")["filter"], json!({"query": "an"}));
    let outcome = server.run(&["groups", "templates", "data/crew"]).await;
    assert_eq!(
        outcome.results, "TEMPLATE  DISPLAY NAME  ROLE\ndev       Dev           use\n",
        "{}",
        outcome.notes
    );
}

#[tokio::test]
async fn a_cost_is_known_before_it_is_made() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["quota", "preview", "--template", "data/dev"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["Credits a day:   5", "the last such build of another workspace", "Owner has left:  13"] {
        assert!(outcome.results.contains(part), "{part} in\n{}", outcome.results);
    }
    let asked = json!({"workspace": null, "templateVersion": "tver_1", "owner": null, "transition": "START"});
    assert_eq!(server.variables("BuildCost"), asked);
    server.run(&["quota", "preview", "--workspace", "dev", "--transition", "stop"]).await;
    let asked = json!({"workspace": "ws_ana", "templateVersion": null, "owner": null, "transition": "STOP"});
    assert_eq!(server.last_variables("BuildCost"), asked);
}

#[tokio::test]
async fn a_member_is_shown_with_what_they_hold() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["members", "show", "ana", "--org", "data"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    for part in ["organization-admin", "crew", "7 used of 20"] {
        assert!(outcome.results.contains(part), "{part} in\n{}", outcome.results);
    }
    let outcome = server.run(&["members", "show", "ana", "--org", "data", "-o", "json"]).await;
    assert_eq!(outcome.json()["quota"]["remaining"], 13);
    // Whoever may not see the budget sees the member.
    let blind = |name: &str, variables: &Value| match name {
        "MemberQuotas" => None,
        _ => known(name, variables),
    };
    let outcome = Fake::knowing(blind).await.run(&["members", "show", "ana", "--org", "data"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(!outcome.results.contains("Credits a day"), "{}", outcome.results);
}

#[rstest]
#[case("organizations create web", "CreateOrganization")]
#[case("groups create data/crew", "CreateGroup")]
#[case("roles create data/clerk --permission group:create", "CreateRole")]
#[case("users create robot --service-account", "CreateUser")]
#[tokio::test]
async fn what_is_made_can_be_made_once(#[case] line: &str, #[case] operation: &str) {
    let server = Fake::knowing(known).await;
    let words = line.split(' ').collect::<Vec<_>>();
    let outcome = server.run(&[&words[..], &["--idempotency-key", "setup-1"]].concat()).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(server.variables(operation)["input"]["idempotencyKey"], "setup-1");
    server.run(&words).await;
    assert_eq!(server.last_variables(operation)["input"].get("idempotencyKey"), None);
}

#[rstest]
#[case("organizations edit data --description x", "UpdateOrganization", json!(1))]
#[case("groups edit data/crew --quota-allowance 3", "UpdateGroup", json!(1))]
#[case("roles edit data/clerk --description x", "UpdateRole", json!(2))]
#[case("users edit ana --name x", "UpdateUser", json!(4))]
#[tokio::test]
async fn what_is_changed_was_seen(#[case] line: &str, #[case] operation: &str, #[case] read: Value) {
    let server = Fake::knowing(known).await;
    let words = line.split(' ').collect::<Vec<_>>();
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(server.variables(operation)["input"]["expectedVersion"], read);
    server.run(&[&words[..], &["--expected-version", "7"]].concat()).await;
    assert_eq!(server.last_variables(operation)["input"]["expectedVersion"], 7);
}

#[tokio::test]
async fn what_was_changed_since_is_told() {
    let server = Fake::knowing(known).await;
    let words = ["workspaces", "rename", "dev", "main", "--expected-version", "7"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    // The server's words say which version it is at.
    assert!(outcome.notes.contains("you expected version 7, it is at 8; read it again"), "{}", outcome.notes);
    assert_eq!(outcome.notes.matches('8').count(), 1, "{}", outcome.notes);
    assert_eq!(server.variables("UpdateWorkspace")["input"]["expectedVersion"], 7);
}
