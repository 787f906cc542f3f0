//! Signing in and out.

use serde_json::{Value, json};

use super::fake::{Fake, NOW, run, user, viewer};
use crate::failure::Exit;

fn with_users(name: &str, variables: &Value) -> Option<Value> {
    Some(match name {
        "DeploymentStatus" => json!({"deployment": {"version": "0.1.0", "setupRequired": false}}),
        "SignIn" if variables["input"]["password"] == "right" => json!({"signIn": {
            "user": user("ana"), "token": "a-session", "expiresAt": NOW, "userErrors": [],
        }}),
        "SignIn" => json!({"signIn": {"user": null, "token": null, "expiresAt": null, "userErrors": [
            {"__typename": "InvalidInput", "message": "wrong username or password", "code": "BAD_USER_INPUT",
             "field": null},
        ]}}),
        "CurrentUser" => viewer(Vec::new()),
        "SignOut" => json!({"signOut": {"userErrors": []}}),
        _ => return None,
    })
}

fn with_password(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn a_sign_in_is_remembered_until_the_sign_out() {
    let server = Fake::knowing(with_users).await;
    let folder = tempfile::tempdir().unwrap();
    let password = with_password("right\n");
    let password = password.path().to_str().unwrap();

    let words = ["login", &server.url, "--username", "ana", "--password-file", password];
    let outcome = run(folder.path(), &words).await;
    assert_eq!((outcome.exit, outcome.results), (None, format!("Signed in to {}/ as ana.\n", server.url)));
    assert!(!outcome.notes.contains("a-session"));

    // Neither --url nor --token: both are remembered.
    let outcome = run(folder.path(), &["whoami", "-o", "json"]).await;
    assert_eq!((outcome.exit, &outcome.json()["username"]), (None, &json!("ana")));

    let outcome = run(folder.path(), &["logout"]).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(server.asked().last().map(String::as_str), Some("SignOut"));
    let outcome = run(folder.path(), &["--url", &server.url, "whoami"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotSignedIn));
    assert!(outcome.notes.contains("guildhall login http"), "{}", outcome.notes);
}

#[tokio::test]
async fn a_sign_out_with_a_token_ends_no_session() {
    let server = Fake::knowing(with_users).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = format!("[servers.\"{0}/\"]\nusername = \"ana\"\ntoken = \"a-session\"\n", server.url);
    let path = folder.path().join("credentials.toml");
    std::fs::write(&path, &kept).unwrap();
    for everywhere in [&[][..], &["--everywhere"]] {
        let words = [&["--token", "another", "logout", &server.url], everywhere].concat();
        let outcome = run(folder.path(), &words).await;
        assert_eq!(outcome.exit, Some(Exit::Usage));
        for part in ["GUILDHALL_TOKEN", "guildhall tokens revoke"] {
            assert!(outcome.notes.contains(part), "{part} in {}", outcome.notes);
        }
    }
    assert!(server.asked().is_empty(), "{:?}", server.asked());
    assert_eq!(std::fs::read_to_string(path).unwrap(), kept);
}

#[tokio::test]
async fn whoever_is_not_signed_in_learns_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let kept = "[servers.\"https://a.example/\"]\nusername = \"ana\"\ntoken = \"a-session\"\n";
    std::fs::write(folder.path().join("credentials.toml"), kept).unwrap();
    for words in [&["whoami"][..], &["logout"]] {
        let outcome = run(folder.path(), words).await;
        assert_eq!(outcome.exit, Some(Exit::NotSignedIn), "{words:?}");
        assert!(outcome.notes.contains("signed in to https://a.example/"), "{words:?}: {}", outcome.notes);
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_leaves_nothing() {
    let server = Fake::knowing(with_users).await;
    let folder = tempfile::tempdir().unwrap();
    let password = with_password("wrong");
    let password = password.path().to_str().unwrap();
    let words = ["login", &server.url, "--username", "ana", "--password-file", password];
    let outcome = run(folder.path(), &words).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("wrong username or password"), "{}", outcome.notes);
    assert!(!folder.path().join("credentials.toml").exists());
}

#[tokio::test]
async fn the_first_user_is_created_once_and_with_the_token_of_the_data_folder() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = data.path().to_str().unwrap();
    let password = with_password("right");
    let words = |url| {
        let password = password.path().to_str().unwrap();
        [
            "login",
            url,
            "--first-user",
            "--username",
            "ana",
            "--email",
            "a@example.com",
            "--data-dir",
            data_dir,
        ]
        .into_iter()
        .chain(["--password-file", password])
        .collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();

    let used = Fake::knowing(with_users).await;
    let outcome = run(folder.path(), &words(&used.url)).await;
    assert_eq!(outcome.exit, Some(Exit::Refused));
    assert!(outcome.notes.contains("has its first user already"), "{}", outcome.notes);

    let new = Fake::knowing(|name, _| {
        Some(match name {
            "DeploymentStatus" => json!({"deployment": {"version": "0.1.0", "setupRequired": true}}),
            "CreateFirstUser" => json!({"createFirstUser": {
                "user": user("ana"), "token": "a-session", "expiresAt": NOW, "userErrors": [],
            }}),
            _ => return None,
        })
    })
    .await;
    let outcome = run(folder.path(), &words(&new.url)).await;
    assert!(outcome.exit.is_some() && outcome.notes.contains("--setup-token"), "{}", outcome.notes);

    std::fs::write(data.path().join("setup-token"), "from-the-folder\n").unwrap();
    let outcome = run(folder.path(), &words(&new.url)).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(new.variables("CreateFirstUser")["input"]["setupToken"], "from-the-folder");

    let outcome = run(folder.path(), &["login", &new.url, "--username", "ana"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotSignedIn));
    assert!(outcome.notes.contains("--first-user"), "{}", outcome.notes);
}
