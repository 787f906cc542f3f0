//! Lists: what is asked of the API, how much of it is shown, and in which order.

use rstest::rstest;
use serde_json::{Value, json};

use super::fake::{
    Fake, NOW, connection, job, organization, organization_ref, template, user, version, viewer,
    workspace_summary,
};

fn known(name: &str, variables: &Value) -> Option<Value> {
    let favorite = &variables["filter"]["favorite"];
    let workspace = |name: &str| {
        let mut summary = workspace_summary("ana");
        summary["name"] = json!(name);
        summary["isFavorite"] = favorite.clone();
        summary
    };
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "Organizations" => json!({"organizations": connection(vec![organization(), organization()])}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "Users" => json!({"users": connection(vec![user("ana"), user("ben")])}),
        "Templates" => json!({"organization": {"templates": connection(vec![template()])}}),
        "TemplateVersions" => json!({"node": {
            "__typename": "Template", "versions": connection(vec![version(), version()]),
        }}),
        "Groups" => json!({"organization": {"groups": connection(vec![group()])}}),
        "GroupMembers" => json!({"node": {"__typename": "Group", "members": connection(Vec::new())}}),
        "ProvisionerKeys" => json!({"organization": {"provisionerKeys": connection(Vec::new())}}),
        "ProvisionerDaemons" => json!({"organization": {"provisionerDaemons": connection(Vec::new())}}),
        "ProvisionerJobs" => json!({"organization": {"provisionerJobs": connection(Vec::new())}}),
        "ApiTokens" => json!({"user": {"apiTokens": connection(Vec::new())}}),
        "AuditLog" => json!({"auditLog": connection(Vec::new())}),
        "WorkspaceBuilds" => {
            json!({"node": {"__typename": "Workspace", "builds": connection(vec![build(2), build(1)])}})
        }
        // The one that a command is about.
        "Workspaces" if variables["filter"]["name"] == "dev" => {
            json!({"workspaces": connection(vec![workspace_summary("ana")])})
        }
        "Workspaces" if *favorite == true => {
            json!({"workspaces": connection(vec![workspace("zeta")])})
        }
        "Workspaces" => {
            json!({"workspaces": connection(vec![workspace("alpha"), workspace("beta")])})
        }
        _ => return None,
    })
}

fn group() -> Value {
    json!({
        "id": "grp_1", "name": "crew", "displayName": "Crew", "avatarUrl": "", "quotaAllowance": 0,
        "source": "USER", "isEveryone": false, "memberCount": 1, "version": 1, "createdAt": NOW,
    })
}

fn build(number: i32) -> Value {
    json!({
        "id": "bld_1", "number": number, "transition": "START", "status": "PENDING", "createdAt": NOW,
        "job": job(), "dailyCost": 0,
    })
}

#[rstest]
#[case("organizations list --query data --sort newest", "Organizations", json!({"query": "data"}), "CREATED_AT_DESC")]
#[case("users list --sort oldest", "Users", json!({}), "CREATED_AT_ASC")]
#[case("templates list --query dev", "Templates", json!({"query": "dev"}), "NAME_ASC")]
#[case("templates versions dev --archived=false", "TemplateVersions", json!({"archived": false}), "CREATED_AT_DESC")]
#[case(
    "templates versions dev --archived --query fix --sort oldest",
    "TemplateVersions",
    json!({"query": "fix", "archived": true}),
    "CREATED_AT_ASC"
)]
#[case("groups list --source oidc --query a", "Groups", json!({"query": "a", "source": "OIDC"}), "NAME_ASC")]
#[case("groups members list crew --query ana --sort newest", "GroupMembers", json!({"query": "ana"}), "CREATED_AT_DESC")]
#[case(
    "provisioner keys list --query gpu --state expired",
    "ProvisionerKeys",
    json!({"query": "gpu", "state": "EXPIRED"}),
    "NAME_ASC"
)]
#[case("provisioner daemons --status busy", "ProvisionerDaemons", json!({"status": "BUSY"}), "NAME_ASC")]
#[case("provisioner daemons list --sort newest", "ProvisionerDaemons", json!({}), "CREATED_AT_DESC")]
#[case(
    "provisioner jobs --type template-import --initiator ana --state failed --sort oldest",
    "ProvisionerJobs",
    json!({"state": "FAILED", "type": "TEMPLATE_IMPORT", "initiatorId": "usr_ana"}),
    "CREATED_AT_ASC"
)]
#[case("tokens list --sort newest", "ApiTokens", json!({}), "CREATED_AT_DESC")]
#[case("audit list --resource-id wks_1", "AuditLog", json!({"resourceId": "wks_1"}), "TIME_DESC")]
#[case(
    "workspaces builds dev --status failed --transition stop --reason autostop",
    "WorkspaceBuilds",
    json!({"status": "FAILED", "transition": "STOP", "reason": "AUTOSTOP"}),
    "NUMBER_DESC"
)]
#[case(
    "workspaces list --all --favorite --query d --status running --template dev --dormant=false --outdated",
    "Workspaces",
    json!({
        "query": "d", "templateId": "tpl_1", "status": "RUNNING", "dormant": false, "outdated": true,
        "favorite": true,
    }),
    "NAME_ASC"
)]
#[tokio::test]
async fn a_list_asks_for_what_was_said(
    #[case] line: &str,
    #[case] operation: &str,
    #[case] filter: Value,
    #[case] order: &str,
) {
    let server = Fake::knowing(known).await;
    let words: Vec<_> = line.split(' ').collect();
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let asked = server.last_variables(operation);
    assert_eq!((&asked["filter"], &asked["order"]), (&filter, &json!(order)), "{asked:#}");
}

#[rstest]
#[case("organizations list", 2)]
#[case("users list", 2)]
#[case("templates versions dev", 2)]
#[case("workspaces builds dev", 2)]
#[case("workspaces list", 3)]
#[tokio::test]
async fn a_list_ends_where_it_was_told_to(#[case] line: &str, #[case] all: usize) {
    let server = Fake::knowing(known).await;
    for limit in 1..=all + 1 {
        let limit = limit.to_string();
        let words: Vec<_> = line.split(' ').chain(["--limit", &limit, "-o", "json"]).collect();
        let shown = server.run(&words).await.json().as_array().map(Vec::len);
        assert_eq!(shown, Some(all.min(limit.parse().unwrap())), "{line} --limit {limit}");
    }
}

#[tokio::test]
async fn favorites_come_first() {
    let server = Fake::knowing(known).await;
    let names = async |words: &[&str]| {
        let outcome = server.run(&[&["workspaces", "list", "-o", "json"], words].concat()).await;
        let names = outcome.json();
        names
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&[]).await, ["zeta", "alpha", "beta"]);
    assert_eq!(names(&["--limit", "2"]).await, ["zeta", "alpha"]);
    assert_eq!(names(&["--favorite"]).await, ["zeta"]);
    assert_eq!(names(&["--favorite=false"]).await, ["alpha", "beta"]);
    let outcome = server.run(&["workspaces", "list"]).await;
    let lines: Vec<_> = outcome.results.lines().map(str::trim_end).collect();
    assert!(lines[1].starts_with("zeta") && lines[1].ends_with("yes"), "{}", outcome.results);
}
