//! What an organization's administrator does at a terminal, with real processes: many people at once, permissions in one
//! notation, looking before leaping, and what is left of it in the log.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::process::{Server, Terminal};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/templates/docker-dev");

/// More than the API takes in one request.
const PEOPLE: usize = 120;
/// How many the API makes in one document.
const AT_A_TIME: usize = 20;

#[rstest]
#[tokio::test]
async fn an_organization_is_run_from_a_terminal(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // Hundreds of commands in a few seconds.
    let settings = [("GUILDHALL_BUILTIN_PROVISIONERS", "1"), ("GUILDHALL_RATE_POINTS", "1000000")];
    let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
    let Some(server) = Server::start_with(backend, settings).await else { return };
    let olga = server.owner().await;
    once(&olga).await;
    let people = people(&olga).await;
    many(&olga, &people).await;
    permissions(&olga).await;
    templates(&olga, &people[0]).await;
    versions(&olga).await;
    log(&olga).await;
    impact(&olga).await;
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// The same command with the same key makes one thing.
async fn once(olga: &Terminal) {
    let words = ["organizations", "create", "data", "--idempotency-key", "setup-1"];
    let (first, second) = (olga.json(&words).await, olga.json(&words).await);
    assert_eq!(first["id"], second["id"]);
    olga.refused(6, &["organizations", "create", "data"]).await;
}

/// Service accounts, which have no passwords to be hashed.
async fn people(olga: &Terminal) -> Vec<String> {
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("robot-{number}")).collect();
    for some in names.chunks(AT_A_TIME) {
        let fields = some.iter().enumerate().map(|(place, name)| {
            format!(
                "u{place}: createUser(input: {{username: \"{name}\", serviceAccount: true}}) {{ userErrors {{ message }} }}"
            )
        });
        let query = format!("query=mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "));
        olga.ok(&["api", "graphql", "-f", &query]).await;
    }
    names
}

/// Every name is answered for itself, however many there are.
async fn many(olga: &Terminal, people: &[String]) {
    let names = people.iter().map(String::as_str).chain(["ghost"]).collect::<Vec<_>>();
    let command = |words: &[&'static str], options: &[&'static str]| -> Vec<String> {
        let all = words.iter().copied().chain(names.iter().copied()).chain(options.iter().copied());
        all.map(str::to_owned).collect()
    };
    olga.ok(&["groups", "create", "data/crew"]).await;
    for (words, options) in [
        (&["members", "add"][..], &["--org", "data"][..]),
        (&["members", "roles"], &["--org", "data", "--role", "organization-template-admin"]),
        (&["groups", "members", "add", "data/crew"], &[]),
        (&["groups", "members", "remove", "data/crew"], &[]),
    ] {
        let all = command(words, options);
        let said = olga.run(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(said.code, 6, "{words:?}: {}", said.err);
        assert_eq!(lines(&said.out), PEOPLE, "{words:?}: {}", said.err);
        let failed = format!("1 of {} failed:", PEOPLE + 1);
        assert!(said.err.contains(&failed) && said.err.contains("ghost: "), "{words:?}: {}", said.err);
    }
    let shown = olga.ok(&["members", "show", "robot-7", "--org", "data"]).await.out;
    for part in ["organization-template-admin", "everyone", "used of"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    // All but three leave.
    let leavers = people.iter().skip(3).map(String::as_str);
    let words = ["members", "remove"].into_iter().chain(leavers).chain(["--org", "data", "--yes"]);
    let said = olga.ok(&words.collect::<Vec<_>>()).await;
    assert_eq!(lines(&said.out), PEOPLE - 3, "{}", said.err);
    let left = olga.json(&["members", "list", "--org", "data"]).await;
    assert_eq!(left.as_array().map(Vec::len), Some(4), "{left:#}");
}

/// One notation, in and out.
async fn permissions(olga: &Terminal) {
    let scopes = ["group:create", "GROUP_READ_MEMBERS", "organization-read"].map(|scope| ["--scope", scope]);
    let words = [&["tokens", "create", "ci"], scopes.as_flattened()].concat();
    let token = olga.ok(&words).await.out;
    let listed = olga.ok(&["tokens", "list"]).await.out;
    assert!(listed.contains("group:create, group:read, group:read-members, organization:read"), "{listed}");
    let complaint = olga.refused(2, &["roles", "create", "data/clerk", "--permission", "group:creat"]).await;
    assert!(complaint.contains("perhaps group:create"), "{complaint}");
    let words =
        ["roles", "create", "data/clerk", "--permission", "group:create", "--permission", "quota:read"];
    olga.ok(&words).await;
    let shown = olga.ok(&["roles", "show", "data/clerk"]).await.out;
    assert!(shown.contains("group:create, quota:read"), "{shown}");
    olga.ok(&["members", "roles", "robot-0", "--org", "data", "--role", "clerk"]).await;
    let said = olga.ok(&["explain", "robot-0", "group:create", "--org", "data"]).await.out;
    assert!(said.contains("robot-0 may group:create.") && said.contains("the role clerk"), "{said}");
    // What the token leaves is all that its bearer may.
    let narrow = ["--token", token.trim()];
    let all = olga.ok(&[&["can", "--org", "data"], &narrow[..]].concat()).await.out;
    assert_eq!(all, "PERMISSION\ngroup:create\ngroup:read\ngroup:read-members\norganization:read\n");
    assert_eq!(olga.ok(&["can", "user:create"]).await.out, "yes\n");
    let complaint = olga.refused(5, &[&["organizations", "create", "web"], &narrow[..]].concat()).await;
    assert!(complaint.contains("organization:create"), "{complaint}");
}

/// Access from the side of the template, of the group and of the user; and what a start of it would cost.
async fn templates(olga: &Terminal, robot: &str) {
    olga.ok(&["templates", "push", "docker-dev", "--org", "default", "--directory", TEMPLATE]).await;
    let preview = olga.json(&["quota", "preview", "--template", "default/docker-dev"]).await;
    assert_eq!((&preview["cost"], &preview["currentCost"]), (&Value::Null, &json!(0)), "{preview:#}");

    let pushed = ["templates", "push", "docker-dev", "--org", "data", "--directory", TEMPLATE, "--detach"];
    olga.ok(&pushed).await;
    let candidates = ["templates", "access", "candidates", "data/docker-dev", "--query", "crew"];
    assert_eq!(olga.json(&candidates).await[0]["subject"]["name"], "crew");
    olga.ok(&["groups", "members", "add", "data/crew", robot]).await;
    let words = ["templates", "access", "set", "data/docker-dev", "--user", "ghost", "--group", "crew"];
    let said = olga.run(&[&words[..], &["--role", "admin"]].concat()).await;
    assert_eq!((said.code, said.out.as_str()), (6, "crew may administer docker-dev now.\n"), "{}", said.err);
    let given = olga.ok(&["groups", "templates", "data/crew"]).await.out;
    assert!(given.contains("docker-dev") && given.contains("admin"), "{given}");
    let why = olga.ok(&["templates", "access", "explain", "data/docker-dev", robot]).await.out;
    let update = why.lines().find(|line| line.starts_with("template:update")).unwrap();
    assert!(update.contains("yes") && update.contains("through the group crew"), "{why}");
}

/// Nobody overwrites what they did not see.
async fn versions(olga: &Terminal) {
    let version = olga.json(&["groups", "show", "data/crew"]).await["version"].as_i64().unwrap();
    let seen = version.to_string();
    let change =
        |text: &'static str| ["groups", "edit", "data/crew", "--display-name", text, "--expected-version"];
    olga.ok(&[&change("The crew")[..], &[&seen]].concat()).await;
    let complaint = olga.refused(6, &[&change("A crew")[..], &[&seen]].concat()).await;
    assert!(complaint.contains(&format!("it is at {}", version + 1)), "{complaint}");
    olga.ok(&["provisioner", "keys", "create", "data/gpu"]).await;
    for (show, edit) in [
        (
            &["provisioner", "keys", "show", "data/gpu"][..],
            &["provisioner", "keys", "edit", "data/gpu", "--tag", "gpu=a100"][..],
        ),
        (
            &["templates", "show-version", "data/docker-dev", "v1"],
            &["templates", "edit-version", "data/docker-dev", "v1", "--message", "the first"],
        ),
    ] {
        let seen = olga.json(show).await["version"].to_string();
        let change = [edit, &["--expected-version", &seen]].concat();
        olga.ok(&change).await;
        let complaint = olga.refused(6, &change).await;
        assert!(complaint.contains("it is at "), "{change:?}: {complaint}");
    }
    olga.ok(&["provisioner", "keys", "delete", "data/gpu", "--yes"]).await;
    // Texts of others do nothing to a terminal; the server may refuse them altogether.
    let hostile = olga.run(&["groups", "edit", "data/crew", "--display-name", "a\u{202e}b"]).await;
    let listed = olga.ok(&["groups", "list", "--org", "data"]).await.out;
    assert!(hostile.code == 6 || listed.contains("a\\u{202e}b"), "{listed}");
    assert!(!listed.contains('\u{202e}'), "{listed}");
    let complaint = olga.refused(6, &["groups", "create", "data/x", "--display-name", &"x".repeat(65)]).await;
    assert!(complaint.contains("display name: "), "{complaint}");
}

/// What was done and what was denied, entry by entry.
async fn log(olga: &Terminal) {
    let denied = olga.ok(&["audit", "list", "--status", "denied", "--from", "1h"]).await.out;
    assert!(denied.contains("organization:create"), "{denied}");
    let words =
        ["audit", "list", "--org", "data", "--resource", "group", "--action", "update", "--limit", "1"];
    let entries = olga.json(&words).await;
    let shown = olga.ok(&["audit", "show", entries[0]["id"].as_str().unwrap()]).await.out;
    assert!(shown.contains("FIELD") && shown.contains("olga (user)"), "{shown}");
    let nothing = olga.ok(&["audit", "list", "--actor", "olga", "--to", "2026-01-01"]).await;
    assert!(nothing.err.contains("No entry"), "{}", nothing.err);
}

/// What keeps an organization is said before anybody is asked.
async fn impact(olga: &Terminal) {
    let impact = olga.json(&["organizations", "impact", "data"]).await;
    assert_eq!((&impact["members"], &impact["isDeletable"]), (&json!(3), &json!(false)), "{impact:#}");
    let said = olga.run(&["organizations", "delete", "data"]).await;
    assert_eq!(said.code, 2, "there is nobody to ask: {}", said.err);
    let left = "1 template, 1 group besides Everyone, 3 members besides you";
    assert!(said.err.contains(&format!("data still holds {left}.")), "{}", said.err);
    assert!(!said.err.contains("0 "), "{}", said.err);
    // Where nobody is asked, the server says it, and nobody else.
    let said = olga.run(&["organizations", "delete", "data", "--yes"]).await;
    assert_eq!(said.code, 6, "{}", said.err);
    assert_eq!(said.err.matches(left).count(), 1, "{}", said.err);
}
