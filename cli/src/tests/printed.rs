//! What is printed, of others' texts and of nothing.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, connection, organization, organization_ref, viewer};
use crate::failure::Exit;

/// Turns the direction of what follows, breaks the line and clears the screen.
const HOSTILE: &str = "a\u{202e}b\nc\u{1b}[2J";

fn group(name: &str) -> Value {
    json!({
        "id": "grp_1", "name": "crew", "displayName": name, "avatarUrl": "", "quotaAllowance": 5, "source": "USER",
        "isEveryone": false, "memberCount": 1, "version": 3, "createdAt": NOW,
    })
}

fn hostile(name: &str, _: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "Groups" => json!({"organization": {"groups": connection(vec![group(HOSTILE)])}}),
        _ => return None,
    })
}

fn empty(name: &str, _: &Value) -> Option<Value> {
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "Organizations" => json!({"organizations": connection(Vec::new())}),
        "Groups" => json!({"organization": {"groups": connection(Vec::new())}}),
        "Members" => json!({"organization": {"members": connection(Vec::new())}}),
        "AuditLog" => json!({"auditLog": connection(Vec::new())}),
        _ => return None,
    })
}

#[tokio::test]
async fn a_name_of_others_is_a_cell_of_one_row() {
    let server = Fake::knowing(hostile).await;
    let outcome = server.run(&["groups", "list"]).await;
    assert_eq!(outcome.results.lines().count(), 2, "{:?}", outcome.results);
    assert!(outcome.results.contains("a\\u{202e}b\\nc\\u{1b}[2J"), "{:?}", outcome.results);
    let outcome = server.run(&["groups", "show", "crew"]).await;
    assert!(!outcome.results.contains(['\u{202e}', '\u{1b}']), "{:?}", outcome.results);
    // Programs get what it is, in letters that do nothing to a terminal.
    let outcome = server.run(&["groups", "list", "-o", "json"]).await;
    assert!(!outcome.results.contains(['\u{202e}', '\u{1b}']), "{:?}", outcome.results);
    assert_eq!(outcome.json()[0]["displayName"], HOSTILE);
}

#[tokio::test]
async fn what_was_narrowed_to_nothing_needs_no_making() {
    let server = Fake::knowing(empty).await;
    for (words, what) in [
        (&["organizations", "list", "--query", "zzz"][..], "organization"),
        (&["members", "list", "--role", "nope"], "member"),
        (&["members", "list", "--status", "suspended"], "member"),
        (&["groups", "list", "--source", "scim"], "group"),
        (&["audit", "list"], "entry that you may read"),
    ] {
        let outcome = server.run(words).await;
        assert_eq!((outcome.exit, outcome.results.as_str()), (None, ""), "{words:?}");
        assert_eq!(outcome.notes, format!("No {what} matches what you asked for.\n"), "{words:?}");
    }
    let outcome = server.run(&["groups", "list"]).await;
    assert!(outcome.notes.contains("guildhall groups create NAME --org data"), "{}", outcome.notes);
}

#[tokio::test]
async fn a_long_list_of_organizations_is_wrapped() {
    let of =
        |number: usize| json!({"id": "org_1", "name": format!("organization-{number}"), "displayName": ""});
    let many =
        move |name: &str, _: &Value| (name == "CurrentUser").then(|| viewer((0..40).map(of).collect()));
    let server = Fake::knowing(many).await;
    let outcome = server.run(&["whoami"]).await;
    assert!(outcome.results.lines().count() > 8, "{}", outcome.results);
    assert!(outcome.results.lines().all(|line| line.len() < 110), "{}", outcome.results);
    let outcome = server.run(&["groups", "list"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(outcome.notes.lines().all(|line| line.len() < 110), "{}", outcome.notes);
    assert!(outcome.notes.contains("organization-39"), "{}", outcome.notes);
}

/// The same for every noun.
#[tokio::test]
async fn a_change_of_nothing_is_refused_before_the_server_is_asked() {
    let server = Fake::knowing(|_, _| None).await;
    for words in [
        &["organizations", "edit", "data"][..],
        &["groups", "update", "data/crew"],
        &["roles", "edit", "data/clerk"],
        &["users", "edit", "ana"],
        &["templates", "edit", "data/dev"],
        &["provisioner", "keys", "edit", "data/gpu"],
    ] {
        let outcome = server.run(words).await;
        assert_eq!(outcome.exit, Some(Exit::Usage), "{words:?}");
        assert!(outcome.notes.contains("nothing to change"), "{words:?}: {}", outcome.notes);
        assert!(outcome.notes.contains("edit --help"), "{words:?}: {}", outcome.notes);
    }
    assert!(server.asked().is_empty() || server.asked().iter().all(|name| name == "CurrentUser"));
}

#[tokio::test]
async fn refusals_have_the_words_of_the_command_line() {
    let refused = |name: &str, variables: &Value| match name {
        "CreateGroup" => Some(json!({"createGroup": {"group": null, "userErrors": [
            {"__typename": "InvalidInput", "message": "at most 64 characters", "code": "BAD_USER_INPUT",
                "field": ["input", "displayName"]},
            {"__typename": "MissingPermissions", "message": "you lack GROUP_CREATE", "code": "MISSING_PERMISSIONS",
                "field": ["input", "organizationId"], "permissions": ["QUOTA_UPDATE"]},
        ]}})),
        _ => hostile(name, variables),
    };
    let server = Fake::knowing(refused).await;
    let outcome = server.run(&["groups", "create", "crew"]).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    for part in ["display name: at most", "organization: you lack group:create (missing: quota:update)"] {
        assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
    }
}
