//! The guide, from an empty machine to a workspace, with real processes: the server, a daemon, people at terminals.
//! Terraform is real where it is installed.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::process::{Server, Terminal, engine, eventually};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/templates/docker-dev");

#[rstest]
#[tokio::test]
async fn the_guide(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(mut server) = Server::start(backend, 3).await else { return };
    let olga = first_user(&server).await;
    organization(&olga).await;
    let key = provisioner_key(&olga).await;
    waiting_says_why(&olga).await;

    let mut daemon = server.daemon(&key, "data-platform", "data-cluster");
    template(&olga).await;
    let ana = members(&server, &olga).await;
    workspace(&ana).await;
    assert!(!server.program.said().contains(&key), "the server's log shows a key");

    daemon.terminate();
    assert!(daemon.ended().await.success(), "{}", daemon.said());
    server.program.terminate();
    assert!(server.program.ended().await.success(), "{}", server.program.said());
    let complaint = ana.refused(7, &["whoami"]).await;
    assert!(complaint.contains("guildhall server"), "{complaint}");
}

/// Step 1: the server says how to make the first user, once.
async fn first_user(server: &Server) -> Terminal {
    let said = server.program.said();
    assert!(said.contains("guildhall login") && said.contains("--first-user"), "{said}");
    let stranger = server.terminal("stranger");
    let complaint = stranger.refused(3, &["login", "--username", "olga"]).await;
    assert!(complaint.contains("--first-user"), "{complaint}");
    stranger.refused(3, &["organizations", "list"]).await;
    let wrong = ["--username", "eve", "--email", "eve@example.com", "--setup-token", "not-the-token"];
    stranger.refused(6, &[&["login", "--first-user"], wrong.as_slice()].concat()).await;

    let olga = server.owner().await;
    let viewer = olga.json(&["whoami"]).await;
    assert_eq!(viewer["username"], "olga");
    assert_eq!(viewer["siteRoles"][0]["name"], "owner");
    let again = ["login", "--first-user", "--username", "eve", "--email", "eve@example.com"];
    stranger.refused(6, &again).await;
    assert!(!server.data_dir().join("setup-token").exists(), "the setup token is of no use any more");
    olga
}

/// Step 2.
async fn organization(olga: &Terminal) {
    let made = olga
        .json(&[
            "organizations",
            "create",
            "data-platform",
            "--display-name",
            "Data platform",
            "--icon",
            "🗄",
            "--description",
            "Warehouses and pipelines",
        ])
        .await;
    assert!(made["id"].as_str().unwrap().starts_with("org_"), "{made:#}");
    assert_eq!(made["displayName"], "Data platform");
    let names: Vec<Value> = elements(&olga.json(&["organizations", "list"]).await, "name");
    assert_eq!(names, ["data-platform", "default"]);

    let complaint = olga.refused(6, &["organizations", "create", "Data-Platform"]).await;
    assert!(complaint.contains("data-platform"), "{complaint}");
    let complaint = olga.refused(6, &["organizations", "create", "data--platform", "-o", "json"]).await;
    let error: Value = serde_json::from_str(&complaint).unwrap();
    assert_eq!(error["error"]["exitCode"], 6, "{error:#}");
    let complaint = olga.refused(4, &["organizations", "show", "data-platfrom"]).await;
    assert!(complaint.contains("organizations list"), "{complaint}");
    olga.refused(2, &["organizations", "make"]).await;
}

/// Step 3: the secret is printed once, and only it, so that it can be piped.
async fn provisioner_key(olga: &Terminal) -> String {
    let said =
        olga.ok(&["provisioner", "keys", "create", "data-cluster-key", "--org", "data-platform"]).await;
    assert!(said.err.contains("not be shown again"), "{}", said.err);
    let secret = said.out.trim().to_owned();
    assert!(!secret.contains(char::is_whitespace) && secret.len() > 30, "no secret: {secret}");
    let keys = olga.ok(&["provisioner", "keys", "list", "--org", "data-platform", "-o", "json"]).await;
    assert!(keys.out.contains("data-cluster-key") && !keys.out.contains(&secret), "{}", keys.out);
    secret
}

/// Step 4: built-in provisioners never serve another organization than the default one.
async fn waiting_says_why(olga: &Terminal) {
    let pushed = ["templates", "push", "docker-dev", "--org", "data-platform", "--directory", TEMPLATE];
    olga.ok(&[&pushed, ["--detach"].as_slice()].concat()).await;
    let jobs = olga.json(&["provisioner", "jobs", "list", "--org", "data-platform"]).await;
    assert_eq!(jobs[0]["state"], "PENDING", "{jobs:#}");
    assert_eq!(jobs[0]["type"], "TEMPLATE_IMPORT");
    let why = jobs[0]["pendingReason"]["message"].as_str().unwrap();
    assert!(why.contains("provisionerd start"), "{why}");

    // The same module in the default organization is imported at once, by a built-in provisioner.
    let elsewhere = ["templates", "push", "docker-dev", "--org", "default", "--directory", TEMPLATE];
    olga.ok(&elsewhere).await;
    let jobs = olga.json(&["provisioner", "jobs", "list", "--org", "data-platform"]).await;
    assert_eq!(jobs[0]["state"], "PENDING", "{jobs:#}");

    // Without an active version there is nothing to start.
    let complaint =
        olga.refused(6, &["workspaces", "create", "dev", "--template", "data-platform/docker-dev"]).await;
    assert!(complaint.contains("no version"), "{complaint}");
}

/// Step 5: the daemon takes what waited; another version is followed to its end.
async fn template(olga: &Terminal) {
    let show = ["templates", "show", "data-platform/docker-dev"];
    let shown = eventually("the first import", async || {
        let shown = olga.json(&show).await;
        (!shown["activeVersion"].is_null()).then_some(shown)
    })
    .await;
    assert_eq!(shown["activeVersion"]["name"], "v1");
    let variables = elements(&shown["activeVersion"]["variables"], "name");
    assert_eq!(variables, ["image", "cores", "memory_gib", "repositories", "registry_token"]);

    let pushed = olga
        .json(&["templates", "push", "docker-dev", "--org", "data-platform", "-d", TEMPLATE, "-m", "Again"])
        .await;
    assert_eq!(pushed["templateVersion"]["isActive"], true, "{pushed:#}");
    let versions = olga.json(&["templates", "versions", "data-platform/docker-dev"]).await;
    assert_eq!(elements(&versions, "name"), ["v2", "v1"]);

    let broken = tempfile::tempdir().unwrap();
    std::fs::write(broken.path().join("main.tf"), "variable \"x\" {").unwrap();
    let push = ["templates", "push", "broken", "--org", "data-platform", "-d"];
    let complaint = olga.refused(8, &[&push, [broken.path().to_str().unwrap()].as_slice()].concat()).await;
    assert!(complaint.contains("main.tf"), "where the module is broken is not said: {complaint}");
}

/// Step 6: members see the organization and its templates; others see nothing.
async fn members(server: &Server, olga: &Terminal) -> Terminal {
    for name in ["ana", "sam"] {
        olga.ok(&["users", "create", name, "--email", &format!("{name}@example.com")]).await;
    }
    let (ana, sam) = (server.terminal("ana"), server.terminal("sam"));
    for (terminal, name) in [(&ana, "ana"), (&sam, "sam")] {
        let signed_in = terminal.json(&["login", "--username", name]).await;
        assert_eq!(signed_in["user"]["username"], name);
        assert!(signed_in.get("token").is_none(), "the token is stored, not shown");
        assert_eq!(terminal.json(&["organizations", "list"]).await, json!([]));
        terminal.refused(4, &["organizations", "show", "data-platform"]).await;
        terminal.refused(4, &["templates", "list", "--org", "data-platform"]).await;
    }
    olga.ok(&["members", "add", "ana", "--org", "data-platform"]).await;
    olga.refused(6, &["members", "add", "ana", "--org", "data-platform"]).await;

    assert_eq!(elements(&ana.json(&["organizations", "list"]).await, "name"), ["data-platform"]);
    assert_eq!(elements(&ana.json(&["templates", "list"]).await, "name"), ["broken", "docker-dev"]);
    ana.refused(5, &["provisioner", "keys", "list"]).await;
    ana.refused(5, &["organizations", "create", "anas"]).await;
    let hidden = sam.refused(4, &["templates", "list", "--org", "data-platform"]).await;
    let missing = sam.refused(4, &["templates", "list", "--org", "data-platfort"]).await;
    assert_eq!(hidden, missing.replace("platfort", "platform"), "hidden and missing must look the same");
    ana
}

/// Step 7: a workspace with values, its log live, its outputs, and its whole life.
async fn workspace(ana: &Terminal) {
    let terraform = engine() == "terraform";
    let create = ["workspaces", "create", "dev", "--template", "docker-dev", "-p", "cores=3"];
    let complaint = ana.refused(6, &[&create, ["-p", "kores=3"].as_slice()].concat()).await;
    assert!(complaint.contains("kores"), "{complaint}");
    assert_eq!(ana.json(&["workspaces", "list"]).await, json!([]), "a refusal leaves nothing");

    let secret = ["-p", "registry_token=tok-3n", "-p", "repositories=[\"https://example.com/a.git\"]"];
    let said = ana.ok(&[&create, secret.as_slice(), &["-o", "json"]].concat()).await;
    let made: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(made["status"], "RUNNING", "{made:#}");
    assert_eq!(made["organization"]["name"], "data-platform");
    let build = &made["latestBuild"];
    assert!(!said.out.contains("tok-3n") && !said.err.contains("tok-3n"), "a sensitive value is shown");
    if terraform {
        assert!(said.err.contains("Container ana-dev is up"), "the log is not followed: {}", said.err);
        assert_eq!(elements(&build["apps"], "name"), ["VS Code", "Terminal"]);
        assert_eq!(build["dailyCost"], 4);
        let cores = json!({ "key": "cores", "value": "3" });
        assert!(build["metadata"].as_array().unwrap().contains(&cores), "{build:#}");
    }
    assert!(elements(&build["resources"], "address").contains(&json!("terraform_data.home_volume")));
    ana.refused(6, &create).await;

    let shown = ana.json(&["workspaces", "show", "dev"]).await;
    assert_eq!(shown["latestBuild"], *build);
    let logs = ana.ok(&["workspaces", "logs", "dev"]).await;
    assert!(logs.out.contains("home_volume"), "{}", logs.out);
    assert!(!logs.out.contains("tok-3n"), "a sensitive value is in the log");

    ana.ok(&["workspaces", "stop", "dev"]).await;
    let stopped = ana.json(&["workspaces", "show", "dev"]).await;
    assert_eq!(stopped["status"], "STOPPED");
    if terraform {
        assert_eq!(stopped["latestBuild"]["dailyCost"], 1);
        assert_eq!(elements(&stopped["latestBuild"]["resources"], "name"), ["home_volume"]);
        // What the module would refuse is refused before there is a build.
        let complaint = ana.refused(6, &["workspaces", "start", "dev", "-p", "cores=99"]).await;
        assert!(complaint.contains("Between 1 and 16 cores"), "{complaint}");
        assert_eq!(ana.json(&["workspaces", "show", "dev"]).await["status"], "STOPPED");
    }
    ana.ok(&["workspaces", "start", "dev", "-p", "cores=2"]).await;
    assert_eq!(ana.json(&["workspaces", "show", "dev"]).await["status"], "RUNNING");

    ana.refused(4, &["workspaces", "delete", "div", "--yes"]).await;
    // Nobody is there to answer, so nothing is deleted.
    assert_ne!(ana.run(&["workspaces", "delete", "dev"]).await.code, 0);
    ana.ok(&["workspaces", "delete", "dev", "--yes"]).await;
    assert_eq!(ana.json(&["workspaces", "list"]).await, json!([]));
    ana.refused(4, &["workspaces", "show", "dev"]).await;
    // The name is free again.
    let again = ana.json(&[&create, ["--detach"].as_slice()].concat()).await;
    assert_eq!(again["name"], "dev");
}

fn elements(list: &Value, field: &str) -> Vec<Value> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list:#}"));
    list.iter().map(|element| element[field].clone()).collect()
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_saying_what_was_wrong() {
    let Some(server) = Server::start(Backend::Sqlite, 0).await else { return };
    server.owner().await;
    let eve = server.terminal("eve");
    let file = server.folder.path().join("password");
    std::fs::write(&file, "not the password").unwrap();
    let from_file = |name| ["login", "--username", name, "--password-file", file.to_str().unwrap()];
    let wrong = eve.run_without_password(&from_file("olga")).await;
    let unknown = eve.run_without_password(&from_file("nobody")).await;
    assert_eq!((wrong.code, unknown.code), (6, 6), "{wrong:?} {unknown:?}");
    assert_eq!(wrong.err, unknown.err);
}

#[tokio::test]
async fn a_daemon_with_the_wrong_key_or_organization_says_so_and_ends() {
    let Some(server) = Server::start(Backend::Sqlite, 0).await else { return };
    let olga = server.owner().await;
    olga.ok(&["organizations", "create", "data-platform"]).await;
    let key = olga.ok(&["provisioner", "keys", "create", "key", "--org", "data-platform"]).await.out;

    let mut astray = server.daemon(key.trim(), "default", "astray");
    assert!(!astray.ended().await.success());
    assert!(astray.said().contains("data-platform"), "{}", astray.said());

    let mut unknown = server.daemon("ghpk_unknown", "data-platform", "unknown");
    assert!(!unknown.ended().await.success());
    assert!(!unknown.said().contains("ghpk_unknown"), "a key is in the log: {}", unknown.said());
}
