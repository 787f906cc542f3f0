//! Members and groups.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, connection, organization, organization_ref, user, users_called, viewer};
use crate::failure::Exit;

fn group(name: &str) -> Value {
    json!({
        "id": format!("grp_{name}"), "name": name, "displayName": name, "avatarUrl": "", "quotaAllowance": 5,
        "source": "USER", "isEveryone": false, "memberCount": 2, "version": 3, "createdAt": NOW,
    })
}

fn person(name: &str) -> Value {
    json!({ "id": format!("usr_{name}"), "username": name, "name": "" })
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "UsersByUsername" => users_called(variables),
        "Groups" => json!({"organization": {"groups": connection(vec![group("crew")])}}),
        "GroupMembers" => json!({"node": {"__typename": "Group", "members": connection(vec![
            json!({"user": person("ana"), "createdAt": NOW}),
        ])}}),
        "UpdateGroup" => json!({"updateGroup": {"group": group("crew"), "userErrors": []}}),
        "DeleteGroup" => json!({"deleteGroup": {"deletedGroupId": "grp_crew", "userErrors": []}}),
        "RemoveGroupMembers" => json!({"removeGroupMembers": {"userErrors": [], "results": [
            {"userId": "usr_ana", "userErrors": []},
            {"userId": "usr_ben", "userErrors": [
                {"__typename": "NotFound", "message": "is not in it", "code": "NOT_FOUND", "field": null}]},
        ]}}),
        "Members" => json!({"organization": {"members": connection(vec![
            json!({"user": person("ana"), "roles": [], "createdAt": NOW}),
        ])}}),
        "RemovalImpact" => json!({"organization": {"members": {"nodes": [{"removalImpact": {
            "workspaces": 3, "runningWorkspaces": 2, "stoppedWorkspaces": 1, "failedWorkspaces": 0,
            "buildingWorkspaces": 0,
            "dailyCost": 7, "groups": 1, "templateAccess": 0,
        }}]}}}),
        "RemoveMembers" => json!({"removeMembers": {"userErrors": [], "results": [
            {"userId": "usr_ben", "workspaceIds": ["ws_1", "ws_2"], "userErrors": []},
        ]}}),
        "SetMembersRoles" => json!({"setMembersRoles": {"userErrors": [], "results": [
            {"userId": "usr_ana", "userErrors": [], "member": {"user": person("ana"), "createdAt": NOW, "roles": [
                {"name": "organization-admin", "displayName": "Organization Admin", "builtIn": true}]}},
            {"userId": "usr_ben", "userErrors": [], "member": {"user": person("ben"), "createdAt": NOW, "roles": []}},
        ]}}),
        _ => return None,
    })
}

#[tokio::test]
async fn a_group_is_changed_from_the_version_that_was_read() {
    let server = Fake::knowing(known).await;
    let words = ["groups", "update", "data/crew", "--display-name", "The crew", "--quota-allowance", "0"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(
        server.variables("UpdateGroup")["input"],
        json!({"groupId": "grp_crew", "displayName": "The crew", "quotaAllowance": 0, "expectedVersion": 3})
    );
    let outcome = server.run(&["groups", "update", "data/crew"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    let outcome = server.run(&["groups", "show", "data/crew"]).await;
    assert!(outcome.results.contains("Managed by:"), "{}", outcome.results);
}

#[tokio::test]
async fn a_group_is_deleted_with_a_yes_alone() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["groups", "delete", "data/crew"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(!server.asked().contains(&"DeleteGroup".to_owned()));
    let outcome = server.run(&["groups", "delete", "data/crew", "--yes"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "Deleted the group crew.\n"));
}

#[tokio::test]
async fn who_is_in_a_group_is_listed_and_taken_out_one_by_one() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["groups", "members", "list", "data/crew"]).await;
    assert!(
        outcome.results.starts_with("USERNAME") && outcome.results.contains("ana"),
        "{}",
        outcome.results
    );
    assert_eq!(server.variables("GroupMembers")["group"], "grp_crew");
    let outcome = server.run(&["groups", "members", "remove", "data/crew", "ana", "ben"]).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (Some(Exit::Refused), "Took ana out of crew.\n"));
    assert!(outcome.notes.contains("ben: is not in it"), "{}", outcome.notes);
}

#[tokio::test]
async fn members_are_listed_by_what_is_asked() {
    let server = Fake::knowing(known).await;
    let words =
        ["members", "list", "--org", "data", "--group", "crew", "--status", "suspended", "--sort", "newest"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let asked = server.variables("Members");
    assert_eq!(asked["filter"], json!({"groupId": "grp_crew", "status": "SUSPENDED"}));
    assert_eq!(asked["order"], "CREATED_AT_DESC");
}

#[tokio::test]
async fn whoever_leaves_leaves_their_workspaces_as_asked() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["members", "impact", "ben", "--org", "data", "-o", "json"]).await;
    assert_eq!(outcome.json()["runningWorkspaces"], 2);
    assert_eq!(server.variables("RemovalImpact")["filter"], json!({"userId": "usr_ben"}));

    let words =
        ["members", "remove", "ben", "--org", "data", "--workspaces", "transfer", "--transfer-to", "ana"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(!server.asked().contains(&"RemoveMembers".to_owned()));
    let outcome = server.run(&[&words[..], &["--yes"]].concat()).await;
    assert_eq!(
        (outcome.exit, outcome.results.as_str()),
        (None, "Removed ben from data. Workspaces given away: 2.\n")
    );
    assert_eq!(
        server.variables("RemoveMembers")["input"],
        json!({
            "organizationId": "org_1", "userIds": ["usr_ben"], "workspaces": "TRANSFER",
            "transferToUserId": "usr_ana",
        })
    );
}

#[tokio::test]
async fn roles_are_set_for_several_at_once() {
    let server = Fake::knowing(known).await;
    let words = ["members", "roles", "ana", "ben", "--org", "data", "--role", "organization-admin"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.contains("ana has these roles in data now: organization-admin."));
    assert!(outcome.results.contains("ben is a plain member of data now."), "{}", outcome.results);
    assert_eq!(server.variables("SetMembersRoles")["input"]["members"].as_array().map(Vec::len), Some(2));
}
