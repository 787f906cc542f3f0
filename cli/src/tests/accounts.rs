//! Users, their sessions and their tokens.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, connection, organization, organization_ref, run, user, user_ref, viewer};
use crate::failure::Exit;

fn token(name: &str) -> Value {
    json!({
        "id": "atok_1", "name": name, "user": user_ref("ana"), "scopes": ["WORKSPACE_START", "WORKSPACE_READ"],
        "organization": organization_ref(), "createdAt": NOW, "lastUsedAt": null, "expiresAt": NOW,
    })
}

fn known(name: &str, variables: &Value) -> Option<Value> {
    let changed = |field: &str| json!({field: {"user": user("ben"), "userErrors": []}});
    Some(match name {
        "CurrentUser" => viewer(vec![organization_ref()]),
        "OrganizationByName" => json!({"organization": organization()}),
        "UserByUsername" => json!({"user": user(variables["username"].as_str()?)}),
        "Users" => json!({"users": connection(vec![user("ana"), user("ben")])}),
        "UpdateUser" => changed("updateUser"),
        "SetUserSiteRoles" => changed("setUserSiteRoles"),
        "SuspendUser" => changed("suspendUser"),
        "ActivateUser" => changed("activateUser"),
        "ChangePassword" => changed("changePassword"),
        "ResetPassword" => changed("resetPassword"),
        "DeleteUser" => json!({"deleteUser": {"deletedUserId": "usr_ben", "userErrors": []}}),
        "CreateUser" => json!({"createUser": {"user": user("robot"), "userErrors": []}}),
        "Sessions" => json!({"user": {"sessions": connection(vec![json!({
            "id": "ses_1", "ip": "::1", "userAgent": "guildhall", "createdAt": NOW, "lastUsedAt": NOW,
            "expiresAt": NOW, "isCurrent": true,
        })])}}),
        "RevokeSession" => json!({"revokeSession": {"revokedSessionId": "ses_1", "userErrors": []}}),
        "RevokeAllSessions" => json!({"revokeAllSessions": {"revokedCount": 2, "userErrors": []}}),
        "ApiTokens" => json!({"user": {"apiTokens": connection(vec![token("ci")])}}),
        "CreateApiToken" => json!({"createApiToken": {
            "apiToken": token("ci"), "secret": "ghat_secret", "userErrors": [],
        }}),
        "RevokeApiToken" => json!({"revokeApiToken": {"revokedApiTokenId": "atok_1", "userErrors": []}}),
        _ => return None,
    })
}

#[tokio::test]
async fn users_are_listed_by_what_is_asked() {
    let server = Fake::knowing(known).await;
    let words = ["users", "list", "--status", "suspended", "--site-role", "auditor", "--sort", "last-seen"];
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(
        outcome.results.starts_with("USERNAME") && outcome.results.contains("ben"),
        "{}",
        outcome.results
    );
    let asked = server.variables("Users");
    assert_eq!(asked["filter"], json!({"status": "SUSPENDED", "siteRole": "auditor"}));
    assert_eq!(asked["order"], "LAST_SEEN_AT_DESC");
}

#[tokio::test]
async fn a_user_is_changed_word_by_word() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["users", "update", "ben", "--rename", "benjamin", "--name", "Ben Ode"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let expected =
        json!({"userId": "usr_ben", "username": "benjamin", "name": "Ben Ode", "expectedVersion": 4});
    assert_eq!(server.variables("UpdateUser")["input"], expected);
    for (verb, operation) in [("suspend", "SuspendUser"), ("activate", "ActivateUser")] {
        let outcome = server.run(&["users", verb, "ben"]).await;
        assert_eq!(outcome.exit, None, "{}", outcome.notes);
        assert_eq!(server.variables(operation)["input"], json!({"userId": "usr_ben"}));
        assert!(outcome.results.contains("ben"), "{}", outcome.results);
    }
    let outcome = server.run(&["users", "roles", "ben", "--none"]).await;
    assert_eq!(outcome.results, "ben has no role in the whole deployment any more.\n");
    assert_eq!(server.variables("SetUserSiteRoles")["input"], json!({"userId": "usr_ben", "siteRoles": []}));
}

#[tokio::test]
async fn a_user_is_deleted_only_when_somebody_says_so() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["users", "delete", "ben"]).await;
    assert_eq!(outcome.exit, Some(Exit::Usage), "{}", outcome.notes);
    assert!(!server.asked().contains(&"DeleteUser".to_owned()));
    let outcome = server.run(&["users", "delete", "ben", "--yes", "-o", "json"]).await;
    assert_eq!(outcome.json(), json!({"deletedUserId": "usr_ben"}));
}

#[tokio::test]
async fn passwords_come_from_files_and_go_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (file("old", "as it was\n"), file("new", "as it is now\n"));
    let server = Fake::knowing(known).await;
    let words = ["users", "password", "--current-password-file", &old, "--password-file", &new];
    let own = server.run(&words).await;
    assert_eq!(own.exit, None, "{}", own.notes);
    let expected = json!({"currentPassword": "as it was", "newPassword": "as it is now"});
    assert_eq!(server.variables("ChangePassword")["input"], expected);
    let reset = server.run(&["users", "password", "ben", "--password-file", &new]).await;
    assert_eq!(reset.exit, None, "{}", reset.notes);
    let expected = json!({"userId": "usr_ben", "password": "as it is now"});
    assert_eq!(server.variables("ResetPassword")["input"], expected);
    for outcome in [own, reset] {
        assert!(!format!("{}{}", outcome.results, outcome.notes).contains("as it"), "{outcome:?}");
    }
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["users", "sessions"]).await;
    assert!(
        outcome.results.contains("ses_1") && outcome.results.contains("guildhall"),
        "{}",
        outcome.results
    );
    assert_eq!(server.variables("Sessions")["username"], "ana");
    server.run(&["users", "sessions", "--end", "ses_1"]).await;
    assert_eq!(server.variables("RevokeSession")["input"], json!({"sessionId": "ses_1"}));
    let outcome = server.run(&["users", "sessions", "ben", "--end-all"]).await;
    assert_eq!(outcome.results, "Ended 2 sessions.\n");
    let expected = json!({"userId": "usr_ben", "keepCurrent": true});
    assert_eq!(server.variables("RevokeAllSessions")["input"], expected);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_and_forgets_the_sign_in() {
    let server = Fake::knowing(known).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = format!("[servers.\"{0}/\"]\nusername = \"ana\"\ntoken = \"a-session\"\n", server.url);
    std::fs::write(folder.path().join("credentials.toml"), kept).unwrap();
    let outcome = run(folder.path(), &["logout", &server.url, "--everywhere"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert!(outcome.results.contains("everywhere"), "{}", outcome.results);
    assert_eq!(server.variables("RevokeAllSessions")["input"], json!({"keepCurrent": false}));
    let left = std::fs::read_to_string(folder.path().join("credentials.toml")).unwrap();
    assert!(!left.contains("a-session"), "{left}");
}

#[tokio::test]
async fn a_new_token_prints_its_secret_alone_and_warns_beside_it() {
    let server = Fake::knowing(known).await;
    let words = ["tokens", "create", "ci", "--org", "data", "--user", "robot", "--scope", "workspace:start"];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, "ghat_secret\n"));
    assert!(outcome.notes.contains("will not be shown again"), "{}", outcome.notes);
    assert!(!outcome.notes.contains("ghat_secret"), "{}", outcome.notes);
    let expected = json!({
        "userId": "usr_robot", "name": "ci", "scopes": ["WORKSPACE_START"], "organizationId": "org_1",
    });
    assert_eq!(server.variables("CreateApiToken")["input"], expected);
    let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
    assert_eq!(
        (&outcome.json()["secret"], &outcome.json()["apiToken"]["name"]),
        (&json!("ghat_secret"), &json!("ci"))
    );
}

#[tokio::test]
async fn tokens_are_listed_and_revoked_by_name() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["tokens", "list", "--user", "robot"]).await;
    assert!(outcome.results.contains("workspace:read, workspace:start"), "{}", outcome.results);
    assert_eq!(server.variables("ApiTokens")["username"], "robot");
    let outcome = server.run(&["tokens", "revoke", "ci", "--yes"]).await;
    assert_eq!(outcome.results, "Revoked the token ci of ana.\n");
    assert_eq!(server.variables("RevokeApiToken")["input"], json!({"apiTokenId": "atok_1"}));
}

#[tokio::test]
async fn a_service_account_is_made_without_a_password() {
    let server = Fake::knowing(known).await;
    let outcome = server.run(&["users", "create", "robot", "--service-account"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let expected =
        json!({"username": "robot", "serviceAccount": true, "siteRoles": [], "organizationIds": []});
    assert_eq!(server.variables("CreateUser")["input"], expected);
    assert!(outcome.results.contains("guildhall tokens create"), "{}", outcome.results);
}

#[tokio::test]
async fn a_token_that_was_made_before_is_shown_without_its_secret() {
    let answer = |name: &str, variables: &Value| match name {
        "CreateApiToken" => {
            Some(json!({"createApiToken": {"apiToken": token("ci"), "secret": null, "userErrors": []}}))
        }
        _ => known(name, variables),
    };
    let server = Fake::knowing(answer).await;
    let words = ["tokens", "create", "ci", "--idempotency-key", "once"];
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (None, ""), "{}", outcome.notes);
    for part in ["atok_1", "guildhall tokens revoke ci --user ana"] {
        assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
    }
    let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
    assert_eq!(
        (&outcome.json()["secret"], &outcome.json()["apiToken"]["name"]),
        (&Value::Null, &json!("ci"))
    );
}
