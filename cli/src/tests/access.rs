//! Access lists of templates, and explanations.

use serde_json::{Value, json};

use super::fake::{
    Fake, NOW, connection, organization, organization_ref, template, user, user_ref, users_called, viewer,
};
use crate::failure::Exit;

fn role(name: &str) -> Value {
    json!({"name": name, "displayName": name, "builtIn": true})
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "UsersByUsername" => users_called(variables),
        "Templates" => json!({"organization": {"templates": connection(vec![template()])}}),
        "Groups" => json!({"organization": {"groups": connection(vec![json!({
            "id": "grp_1", "name": "crew", "displayName": "Crew", "avatarUrl": "", "memberCount": 2, "version": 1,
            "quotaAllowance": 0, "source": "USER", "isEveryone": false, "createdAt": NOW,
        })])}}),
        "TemplateAccessList" => {
            let everyone = json!({"__typename": "Group", "id": "grp_0", "name": "everyone"});
            let mut ana = user_ref("ana");
            ana["__typename"] = json!("User");
            json!({"node": {"__typename": "Template", "access": connection(vec![
                json!({"subject": everyone, "role": "USE", "createdAt": NOW}),
                json!({"subject": ana, "role": "ADMIN", "createdAt": NOW}),
                json!({"subject": null, "role": "USE", "createdAt": NOW}),
            ])}})
        }
        "SetTemplateAccess" => {
            let refused = json!([{"__typename": "Conflict", "message": "nobody gives themselves access",
                "code": "CONFLICT", "field": ["input", "entries", "userId"]}]);
            json!({"setTemplateAccess": {"results": [
                {"subjectId": "usr_ana", "role": null, "userErrors": refused},
                {"subjectId": "grp_1", "role": variables["input"]["entries"][1]["role"], "userErrors": []},
            ], "userErrors": []}})
        }
        "ExplainAccess" => json!({"explainAccess": {
            "permission": variables["permission"], "allowed": true, "suspended": false, "missing": null,
            "deniedBy": [], "grantedBy": [], "grantedByTemplateRole": null, "grantedByMembership": false,
            "reasons": [
                {"reach": "ACCESS_LIST", "role": null, "templateRole": "USE", "group": {"id": "grp_0", "name": "everyone"}},
                {"reach": "SITE", "role": role("owner"), "templateRole": null, "group": null},
            ],
        }}),
        _ => return None,
    })
}

#[tokio::test]
async fn a_list_names_users_and_groups() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["templates", "access", "list", "data/dev"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let expected = "WHO    NAME      ROLE   SINCE\n\
                    group  everyone  use    just now\n\
                    user   ana       admin  just now\n\
                    -      -         use    just now\n";
    assert_eq!(outcome.results, expected);
}

#[tokio::test]
async fn every_entry_is_answered() {
    let server = Fake::knowing(known).await;
    let words =
        ["templates", "access", "set", "data/dev", "--user", "ana", "--group", "crew", "--role", "admin"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert_eq!(outcome.results, "crew may administer dev now.\n");
    assert!(outcome.notes.contains("ana: ") && outcome.notes.contains("nobody gives"), "{}", outcome.notes);
    let entries = json!([{"userId": "usr_ana", "role": "ADMIN"}, {"groupId": "grp_1", "role": "ADMIN"}]);
    assert_eq!(
        server.variables("SetTemplateAccess")["input"],
        json!({"templateId": "tpl_1", "entries": entries})
    );
    let server = Fake::knowing(known).await;
    let words = ["templates", "access", "remove", "data/dev", "--user", "ana", "--group", "crew"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.results, "crew is not on the access list of dev any more.\n");
}

#[tokio::test]
async fn groups_are_looked_up_at_once() {
    let answer = |name: &str, variables: &Value| match name {
        "Groups" => {
            let names = variables["filter"]["names"].as_array().unwrap().iter();
            let called = |name: &Value| {
                json!({
                    "id": format!("grp_{}", name.as_str().unwrap()), "name": name, "displayName": "", "avatarUrl": "",
                    "memberCount": 2, "version": 1, "quotaAllowance": 0, "source": "USER", "isEveryone": false,
                    "createdAt": NOW,
                })
            };
            let groups = names.filter(|name| *name != "ghost").map(called).collect();
            Some(json!({"organization": {"groups": connection(groups)}}))
        }
        "SetTemplateAccess" => {
            let entries = variables["input"]["entries"].as_array().unwrap().iter();
            let done = |entry: &Value| json!({"subjectId": entry["groupId"], "role": entry["role"], "userErrors": []});
            Some(
                json!({"setTemplateAccess": {"results": entries.map(done).collect::<Vec<_>>(), "userErrors": []}}),
            )
        }
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let words = ["templates", "access", "set", "data/dev", "--role", "use"];
    let groups = ["--group", "crew", "--group", "ghost", "--group", "Analysts"];
    let outcome = server.run(&[&words[..], &groups].concat()).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("ghost: there is no group"), "{}", outcome.notes);
    assert_eq!(outcome.results.lines().count(), 2, "{}", outcome.results);
    assert_eq!(server.asked().iter().filter(|name| *name == "Groups").count(), 1, "{:?}", server.asked());
    assert_eq!(server.variables("Groups")["filter"], json!({"names": ["crew", "ghost", "Analysts"]}));
}

#[tokio::test]
async fn an_explanation_is_sentences() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["explain", "ana", "template-use", "tpl_1"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let expected = "ana may template:use.\n  Granted by the access list (use), through the group everyone.\n  \
        Granted by the site role owner.\n";
    assert_eq!(outcome.results, expected);
    let asked = json!({"user": "usr_ana", "permission": "TEMPLATE_USE", "object": "tpl_1"});
    assert_eq!(server.variables("ExplainAccess"), asked);
}

#[tokio::test]
async fn things_are_explained_by_their_names() {
    for (words, object) in [
        (&["--template", "data/dev"][..], json!("tpl_1")),
        (&["--group", "crew", "--org", "data"], json!("grp_1")),
        (&["--org", "data"], json!("org_1")),
        (&[], json!(null)),
    ] {
        let server = Fake::knowing(known).await;
        let outcome = server.run(&[&["explain", "ana", "GROUP_READ"], words].concat()).await;
        assert_eq!(outcome.exit, None, "{words:?}: {}", outcome.notes);
        assert_eq!(server.variables("ExplainAccess")["object"], object, "{words:?}");
    }
}

#[tokio::test]
async fn what_is_missing_and_what_takes_away_is_told() {
    let answer = |name: &str, variables: &Value| match name {
        "ExplainAccess" if variables["permission"] == "GROUP_CREATE" => Some(json!({"explainAccess": {
            "permission": "GROUP_CREATE", "allowed": false, "suspended": true, "missing": "GROUP_CREATE",
            "deniedBy": [], "reasons": [], "grantedBy": [role("owner"), role("user-admin")],
            "grantedByTemplateRole": null, "grantedByMembership": false,
        }})),
        "ExplainAccess" if variables["object"] == "tpl_1" => Some(json!({"explainAccess": {
            "permission": "WORKSPACE_CREATE", "allowed": false, "suspended": false, "missing": "TEMPLATE_USE",
            "deniedBy": [], "reasons": [], "grantedBy": [role("organization-admin")],
            "grantedByTemplateRole": "USE", "grantedByMembership": true,
        }})),
        "ExplainAccess" => Some(json!({"explainAccess": {
            "permission": "WORKSPACE_CREATE", "allowed": false, "suspended": false, "missing": null,
            "deniedBy": [role("organization-workspace-creation-ban")], "grantedBy": [],
            "grantedByTemplateRole": null, "grantedByMembership": false,
            "reasons": [{"reach": "OWN", "role": role("organization-member"), "templateRole": null, "group": null}],
        }})),
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let outcome = server.run(&["explain", "ana", "GROUP_CREATE"]).await;
    let expected = "ana may not group:create.\n  Suspended: nothing is allowed until the account is active again.\n  \
        Nothing grants it.\n  Roles that would: owner, user-admin.\n";
    assert_eq!(outcome.results, expected);
    let outcome = server.run(&["explain", "ana", "WORKSPACE_CREATE"]).await;
    let expected = "ana may not workspace:create.\n  Taken away by: organization-workspace-creation-ban.\n  \
        Granted by the role organization-member, for what one owns.\n";
    assert_eq!(outcome.results, expected);
    let outcome = server.run(&["explain", "ana", "WORKSPACE_CREATE", "tpl_1"]).await;
    let expected = "ana may not workspace:create.\n  Nothing grants template:use.\n  \
        Belonging to the organization would.\n  An entry of the access list would: use.\n  \
        Roles that would: organization-admin.\n";
    assert_eq!(outcome.results, expected);
    let outcome = server.run(&["explain", "ana", "WORKSPACE_CREATE", "-o", "json"]).await;
    assert_eq!(outcome.json()["deniedBy"][0]["name"], "organization-workspace-creation-ban");
}
