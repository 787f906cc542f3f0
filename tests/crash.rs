//! `kill -9` of a daemon in the middle of an apply, and of the server in the middle of requests and builds: nothing is
//! lost, builds end truthfully, and the next start works. Real processes, real Terraform.

use std::path::Path;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::Backend;
use crate::support::process::{Program, Server, Terminal, engine, eventually};

/// A module that first makes something with an id of its own, and then takes `pace` seconds.
const MODULE: &str = r#"
variable "pace" { default = 0 }
variable "workspace" {
  type = object({ id = string, name = string, transition = string, owner = string, organization = string })
}
resource "terraform_data" "first" {
  input = var.workspace.name
}
resource "terraform_data" "slow" {
  count      = var.workspace.transition == "start" ? 1 : 0
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo begun; sleep ${var.pace}; touch MARKER; echo finished"
  }
}
output "metadata" { value = { first = terraform_data.first.id } }
"#;

/// A server, and a template in an organization of its own.
struct Scene {
    server: Server,
    olga: Terminal,
    key: String,
}

impl Scene {
    /// `None`, said aloud, without Terraform or without the database.
    async fn new(backend: Backend, provisioners: u16, org: &str) -> Option<Self> {
        if engine() == "echo" {
            println!("skipped: there is nothing to kill without Terraform");
            return None;
        }
        let server = Server::start(backend, provisioners).await?;
        let olga = server.owner().await;
        if org != "default" {
            olga.ok(&["organizations", "create", org]).await;
        }
        let key =
            olga.ok(&["provisioner", "keys", "create", "cluster", "--org", org]).await.out.trim().to_owned();
        let scene = Self { server, olga, key };
        let module = scene.server.folder.path().join("module");
        std::fs::create_dir(&module).unwrap();
        let text = MODULE.replace("MARKER", scene.marker().to_str().unwrap());
        std::fs::write(module.join("main.tf"), text).unwrap();
        let push = ["templates", "push", "slow", "--org", org, "--detach", "-d", module.to_str().unwrap()];
        scene.olga.ok(&push).await;
        Some(scene)
    }

    /// Touched when the slow part is over.
    fn marker(&self) -> std::path::PathBuf {
        self.server.folder.path().join("finished")
    }

    fn daemon(&self) -> Program {
        self.server.daemon(&self.key, "data-platform", "cluster")
    }

    /// Begins a build that takes `pace` seconds; answers the id of what it made first, when the slow part has begun.
    async fn begin(&self, org: &str, pace: &str) -> String {
        eventually("the import", async || {
            let templates = self.olga.json(&["templates", "list", "--org", org]).await;
            (!templates[0]["activeVersion"].is_null()).then_some(())
        })
        .await;
        let (template, pace) = (format!("{org}/slow"), format!("pace={pace}"));
        self.olga.ok(&["workspaces", "create", "dev", "-t", &template, "-p", &pace, "--detach"]).await;
        eventually("the slow part", async || {
            let log = self.olga.run(&["workspaces", "logs", "dev"]).await.out;
            if !log.contains("begun") {
                return None;
            }
            let made = log.lines().find(|line| line.contains("first: Creation complete"))?;
            let (_, id) = made.split_once("[id=")?;
            Some(id.split_once(']')?.0.to_owned())
        })
        .await
    }

    /// The workspace when its build has ended.
    async fn ended(&self) -> Value {
        eventually("the end of the build", async || {
            let shown = self.olga.json(&["workspaces", "show", "dev"]).await;
            let state = shown["latestBuild"]["status"].as_str()?.to_owned();
            ["SUCCEEDED", "FAILED", "CANCELED"].contains(&state.as_str()).then_some(shown)
        })
        .await
    }

    /// Starts the workspace once more; what was made first must still be there.
    async fn builds_on(&self, first: &str) {
        self.olga.ok(&["workspaces", "start", "dev", "-p", "pace=0"]).await;
        let shown = self.ended().await;
        assert_eq!(shown["status"], "RUNNING", "{shown:#}");
        let metadata = &shown["latestBuild"]["metadata"][0];
        assert_eq!(
            (&metadata["key"], &metadata["value"]),
            (&"first".into(), &first.into()),
            "the state was lost"
        );
    }
}

async fn exists(path: &Path) {
    eventually(&path.display().to_string(), async || path.exists().then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn terraform_outlives_its_daemon_and_brings_its_state_home(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend, 0, "data-platform").await else { return };
    let mut daemon = scene.daemon();
    let first = scene.begin("data-platform", "3").await;
    daemon.kill().await;
    exists(&scene.marker()).await;
    let tables = scene.server.tables();
    eventually("Terraform to unlock", async || {
        (tables.count("terraform_state_lock").await == 0).then_some(())
    })
    .await;

    let _daemon = scene.daemon();
    let shown = scene.ended().await;
    assert_eq!(shown["latestBuild"]["status"], "FAILED");
    assert_eq!(shown["latestBuild"]["job"]["error"]["code"], "DAEMON_LOST", "{shown:#}");
    scene.builds_on(&first).await;
    // The slow part was done before: what the orphan sent last is the state from which this build began.
    let log = scene.olga.ok(&["workspaces", "logs", "dev"]).await.out;
    assert!(!log.contains("begun"), "{log}");
}

#[rstest]
#[tokio::test]
async fn a_daemon_that_comes_back_ends_what_still_runs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend, 0, "data-platform").await else { return };
    let mut daemon = scene.daemon();
    let first = scene.begin("data-platform", "300").await;
    daemon.kill().await;
    let _daemon = scene.daemon();
    let shown = scene.ended().await;
    assert_eq!(shown["status"], "FAILED", "{shown:#}");
    assert!(!scene.marker().exists());
    scene.builds_on(&first).await;
    scene.olga.ok(&["workspaces", "delete", "dev", "--yes"]).await;
}

#[rstest]
#[tokio::test]
async fn a_build_goes_on_while_the_server_is_dead(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut scene) = Scene::new(backend, 0, "data-platform").await else { return };
    let _daemon = scene.daemon();
    let first = scene.begin("data-platform", "2").await;
    scene.server.program.kill().await;
    // Terraform ends, and nobody takes its state.
    exists(&scene.marker()).await;
    scene.server.start_again().await;
    let shown = scene.ended().await;
    assert!(["RUNNING", "FAILED"].contains(&shown["status"].as_str().unwrap()), "{shown:#}");
    scene.builds_on(&first).await;
}

#[rstest]
#[tokio::test]
async fn a_server_that_is_killed_with_its_own_provisioner_starts_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut scene) = Scene::new(backend, 1, "default").await else { return };
    let first = scene.begin("default", "300").await;
    scene.server.program.kill().await;
    scene.server.start_again().await;
    let shown = scene.ended().await;
    assert_eq!(shown["status"], "FAILED", "{shown:#}");
    scene.builds_on(&first).await;
}

#[rstest]
#[tokio::test]
async fn sigterm_lets_jobs_finish_and_a_second_one_interrupts_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut scene) = Scene::new(backend, 1, "default").await else { return };
    let first = scene.begin("default", "3").await;
    scene.server.program.terminate();
    assert!(scene.server.program.ended().await.success(), "{}", scene.server.program.said());
    assert!(scene.marker().exists(), "it did not wait for its job");
    scene.server.start_again().await;
    assert_eq!(scene.ended().await["status"], "RUNNING");

    scene.olga.ok(&["workspaces", "stop", "dev"]).await;
    scene.olga.ok(&["workspaces", "start", "dev", "-p", "pace=300", "--detach"]).await;
    eventually("the slow part", async || {
        scene.olga.run(&["workspaces", "logs", "dev"]).await.out.contains("begun").then_some(())
    })
    .await;
    scene.server.program.terminate();
    scene.server.program.says("shutting down").await;
    let told = Instant::now();
    scene.server.program.terminate();
    assert!(scene.server.program.ended().await.success(), "{}", scene.server.program.said());
    assert!(told.elapsed() < Duration::from_secs(60), "{:?}", told.elapsed());
    scene.server.start_again().await;
    assert_eq!(scene.ended().await["status"], "FAILED");
    scene.builds_on(&first).await;
}

#[rstest]
#[tokio::test]
async fn a_daemon_that_is_told_to_end_finishes_its_job_and_interrupts_it_when_told_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend, 0, "data-platform").await else { return };
    let mut daemon = scene.daemon();
    let first = scene.begin("data-platform", "3").await;
    daemon.terminate();
    assert!(daemon.ended().await.success(), "{}", daemon.said());
    assert!(scene.marker().exists(), "it did not wait for its job");
    let shown = scene.ended().await;
    assert_eq!((&shown["status"], &shown["latestBuild"]["status"]), (&"RUNNING".into(), &"SUCCEEDED".into()));

    let mut daemon = scene.daemon();
    scene.olga.ok(&["workspaces", "stop", "dev"]).await;
    scene.olga.ok(&["workspaces", "start", "dev", "-p", "pace=300", "--detach"]).await;
    eventually("the slow part", async || {
        scene.olga.run(&["workspaces", "logs", "dev"]).await.out.contains("begun").then_some(())
    })
    .await;
    daemon.terminate();
    daemon.says("draining").await;
    daemon.terminate();
    assert!(daemon.ended().await.success(), "{}", daemon.said());
    let shown = scene.ended().await;
    assert_eq!(shown["latestBuild"]["job"]["error"]["code"], "DAEMON_STOPPED", "{shown:#}");
    let _daemon = scene.daemon();
    scene.builds_on(&first).await;
}

#[rstest]
#[tokio::test]
async fn a_request_that_dies_with_the_server_is_done_or_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = Server::start(backend, 0).await else { return };
    let olga = server.owner().await;
    let mut creates = JoinSet::new();
    for number in 0..12 {
        let olga = olga.clone();
        creates.spawn(async move {
            let name = format!("o{number}");
            (olga.run(&["organizations", "create", &name]).await.code == 0).then_some(name)
        });
    }
    // Some are done, some are under way.
    let first = eventually("the first answer", async || creates.try_join_next()).await.unwrap();
    server.program.kill().await;
    let mut done: Vec<_> = creates.join_all().await.into_iter().flatten().collect();
    done.extend(first);

    server.start_again().await;
    let listed = olga.json(&["organizations", "list"]).await;
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(done.iter().all(|name| names.contains(&name.as_str())), "{done:?} of {names:?}");
    // Whole or not at all: with its group, its first member and its audit row.
    let tables = server.tables();
    for query in [
        "select name from organization o where not exists (select 1 from \"group\" g where g.id = o.id)",
        "select name from organization o where not exists
            (select 1 from organization_member m where m.organization_id = o.id)",
        "select name from organization o where 1 <> (select count(*) from audit_log a
            where a.resource_id = o.id and a.action = 'CREATE')",
    ] {
        assert_eq!(tables.texts(query).await, Vec::<String>::new(), "{query}");
    }
    for number in 0..12 {
        let name = format!("o{number}");
        let code = olga.run(&["organizations", "create", &name]).await.code;
        assert_eq!(code, if names.contains(&name.as_str()) { 6 } else { 0 }, "{name}");
    }
}

#[rstest]
#[tokio::test]
async fn there_is_one_first_user_whatever_happens(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = Server::start(backend, 0).await else { return };
    let mut logins = JoinSet::new();
    for name in ["ada", "bea", "cleo", "dora"] {
        let (terminal, data_dir) = (server.terminal(name), server.data_dir());
        logins.spawn(async move {
            let email = format!("{name}@example.com");
            let data_dir = data_dir.to_str().unwrap().to_owned();
            let login =
                ["login", "--first-user", "--username", name, "--email", &email, "--data-dir", &data_dir];
            (terminal.run(&login).await.code == 0).then_some(terminal)
        });
    }
    let mut first = eventually("the first answer", async || logins.try_join_next()).await.unwrap();
    server.program.kill().await;
    for other in logins.join_all().await {
        assert!(first.is_none() || other.is_none(), "two are the first user");
        first = first.or(other);
    }
    server.start_again().await;
    let owners = server.tables().texts("select username from \"user\"").await;
    assert!(owners.len() <= 1, "{owners:?}");
    assert!(first.is_none() || owners.len() == 1, "the first user is lost");
    let late = server.terminal("late");
    let data_dir = server.data_dir();
    let login = [
        "login",
        "--first-user",
        "--username",
        "late",
        "--email",
        "late@example.com",
        "--data-dir",
        data_dir.to_str().unwrap(),
    ];
    assert_eq!(late.run(&login).await.code, if owners.is_empty() { 0 } else { 6 });
    if let Some(first) = first {
        assert_eq!(first.json(&["whoami"]).await["username"], owners[0].as_str());
    }
}
