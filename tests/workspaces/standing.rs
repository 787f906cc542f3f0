//! Where workspaces stand is kept with them: whatever happens, it is as builds, jobs and templates say, and no change of theirs.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::{HeldJob, plain_build, plain_import};
use crate::support::seed::seed;

/// How much happens in a history.
const STEPS: usize = 150;

impl Scene {
    /// The workspaces of the whole deployment that a filter finds, by name.
    async fn found(&self, filter: &str) -> Value {
        let query = format!(
            "{{ workspaces(filter: {{ {filter} }}, orderBy: NAME_ASC) {{ totalCount nodes {{ name }} }} }}"
        );
        let found = self.app.ok(&self.owner, &query, json!({})).await["workspaces"].clone();
        let names: Value =
            found["nodes"].as_array().unwrap().iter().map(|node| node["name"].clone()).collect();
        assert_eq!(found["totalCount"], names.as_array().unwrap().len(), "{filter}");
        names
    }

    /// `dev` is at this, is found by it, and has not changed by it.
    async fn stands(&self, status: &str, before: &Value) {
        let dev = self.dev("status version updatedAt").await;
        assert_eq!(dev["status"], status);
        assert_eq!(
            (&dev["version"], &dev["updatedAt"]),
            (&before["version"], &before["updatedAt"]),
            "{status}"
        );
        assert_eq!(self.found(&format!("status: {status}")).await, json!(["dev"]));
        let organization = format!("status: {status}, organizationId: \"{}\"", self.org.id);
        assert_eq!(self.found(&organization).await, json!(["dev"]));
    }
}

#[rstest]
#[tokio::test]
async fn each_step_of_a_build_is_a_status(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let before = scene.dev("version updatedAt").await;
    scene.stands("RUNNING", &before).await;
    scene.change("stopWorkspace", json!({})).await;
    scene.stands("PENDING", &before).await;
    let stop = scene.take().await;
    scene.stands("STOPPING", &before).await;
    scene.finish(&stop).await;
    scene.stands("STOPPED", &before).await;
    scene.change("startWorkspace", json!({})).await;
    let start = scene.take().await;
    scene.stands("STARTING", &before).await;
    app.done(&scene.mia.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": start.id })).await;
    scene.stands("CANCELING", &before).await;
    let end = json!({ "provisionerJobId": start.id, "code": "CANCELED", "message": "", "canceled": true });
    app.done(&scene.daemon.secret, "failProvisionerJob", "", end).await;
    scene.stands("CANCELED", &before).await;
    scene.change("startWorkspace", json!({})).await;
    let start = scene.take().await;
    let back =
        json!({ "provisionerJobId": start.id, "code": "STOPPED", "message": "it stops", "handedBack": true });
    app.done(&scene.daemon.secret, "failProvisionerJob", "", back).await;
    scene.stands("PENDING", &before).await;
    let start = scene.take().await;
    app.fail(&scene.daemon, &start, "APPLY_FAILED", "it went wrong").await;
    scene.stands("FAILED", &before).await;
    // Another version, another answer; the builds that come are of the one that they are made of.
    assert_eq!(scene.found("outdated: true").await, json!([]));
    let second = app.push(&scene.owner, &scene.template, json!({ "promote": true })).await;
    app.work(&scene.daemon).await;
    assert_eq!(scene.found("outdated: true").await, json!(["dev"]));
    assert_eq!(scene.found("outdated: false").await, json!([]));
    assert_eq!(scene.dev("isOutdated version").await["isOutdated"], true);
    scene.stands("FAILED", &before).await;
    scene.change("startWorkspace", json!({ "templateVersionId": second.id })).await;
    assert_eq!(scene.found("outdated: false").await, json!(["dev"]));
    app.work(&scene.daemon).await;
    scene.change("deleteWorkspace", json!({})).await;
    let end = scene.take().await;
    scene.stands("DELETING", &before).await;
    scene.finish(&end).await;
    assert_eq!(scene.found("status: DELETED").await, json!([]), "it is gone");
    assert_eq!(app.tables().texts("select status from workspace").await, ["DELETED"]);
    assert_eq!(app.tables().false_standings().await, Vec::<String>::new());
}

/// What happened, and may happen next.
struct History<'a> {
    scene: &'a Scene,
    dice: StdRng,
    workspaces: Vec<String>,
    versions: Vec<String>,
    jobs: Vec<String>,
    held: Vec<HeldJob>,
}

impl History<'_> {
    /// Somebody tries something: it is done, or refused, and no fault.
    async fn attempt(&self, token: &str, mutation: &str, selection: &str, input: Value) -> Value {
        let body = self.scene.app.call(Some(token), mutation, selection, input.clone()).await;
        let code = &body["errors"][0]["extensions"]["code"];
        assert!(
            code.is_null() || code == "CONFLICT" || code == "NOT_FOUND",
            "{mutation} of {input}: {body:#}"
        );
        body["data"][mutation].clone()
    }

    fn any(&mut self, of: fn(&Self) -> &Vec<String>) -> Option<String> {
        let count = of(self).len();
        (count > 0).then(|| self.dice.random_range(0..count)).map(|at| of(self)[at].clone())
    }

    /// A job that a daemon holds, which it holds no longer.
    fn release(&mut self) -> Option<HeldJob> {
        let count = self.held.len();
        (count > 0).then(|| self.held.swap_remove(self.dice.random_range(0..count)))
    }

    /// One thing happens; answers what.
    async fn step(&mut self) -> String {
        let scene = self.scene;
        let (mia, owner) = (scene.mia.token.as_str(), scene.owner.token.as_str());
        let daemon = scene.daemon.secret.as_str();
        match self.dice.random_range(0..16) {
            0 | 1 => {
                let name = format!("box-{}", self.workspaces.len());
                let version = self.any(|history| &history.versions);
                let input = json!({
                    "templateId": scene.template.id, "name": name, "templateVersionId": version,
                });
                let selection = "workspace { id latestBuild { job { id } } }";
                let made = self.attempt(mia, "createWorkspace", selection, input).await["workspace"].clone();
                self.workspaces.extend(made["id"].as_str().map(str::to_owned));
                self.jobs.extend(made["latestBuild"]["job"]["id"].as_str().map(str::to_owned));
                format!("{name} is made")
            }
            2..=6 => {
                let mutations = [
                    "startWorkspace",
                    "startWorkspace",
                    "stopWorkspace",
                    "restartWorkspace",
                    "updateWorkspaceVersion",
                    "deleteWorkspace",
                ];
                let mutation = mutations[self.dice.random_range(0..mutations.len())];
                let Some(workspace) = self.any(|history| &history.workspaces) else { return String::new() };
                let mut input = json!({ "workspaceId": workspace });
                if mutation == "startWorkspace" {
                    input["templateVersionId"] = self.any(|history| &history.versions).into();
                }
                let selection = "workspaceBuild { job { id } }";
                let made = self.attempt(mia, mutation, selection, input).await["workspaceBuild"].clone();
                self.jobs.extend(made["job"]["id"].as_str().map(str::to_owned));
                format!("{mutation} of {workspace}")
            }
            7..=9 => {
                let taken = scene.app.acquire(&scene.daemon).await;
                self.held.extend(taken.clone());
                format!("{:?} is taken", taken.map(|job| job.id))
            }
            10 | 11 => {
                let Some(job) = self.release() else { return String::new() };
                let result = if job.kind == "TEMPLATE_IMPORT" { plain_import() } else { plain_build() };
                let input = json!({ "provisionerJobId": job.id, "attempt": job.attempt, "result": result });
                self.attempt(daemon, "completeProvisionerJob", "__typename", input).await;
                format!("{} is completed", job.id)
            }
            12 => {
                let Some(job) = self.release() else { return String::new() };
                let input = json!({
                    "provisionerJobId": job.id, "attempt": job.attempt, "code": "FAILED", "message": "so it is",
                    "canceled": self.dice.random_bool(0.5), "handedBack": self.dice.random_bool(0.3),
                });
                self.attempt(daemon, "failProvisionerJob", "__typename", input).await;
                format!("{} is failed", job.id)
            }
            13 => {
                let Some(job) = self.any(|history| &history.jobs) else { return String::new() };
                let input = json!({ "provisionerJobId": job });
                self.attempt(owner, "cancelProvisionerJob", "__typename", input).await;
                format!("{job} is canceled")
            }
            14 => {
                let promote = self.dice.random_bool(0.5);
                let pushed =
                    scene.app.push(&scene.owner, &scene.template, json!({ "promote": promote })).await;
                self.versions.push(pushed.id);
                "a version is pushed".to_owned()
            }
            _ => {
                let Some(version) = self.any(|history| &history.versions) else { return String::new() };
                let input = json!({ "templateVersionId": version });
                self.attempt(owner, "promoteTemplateVersion", "__typename", input).await;
                format!("{version} is promoted")
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn whatever_happens_they_are_kept_as_they_stand(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut history = History {
        scene: &scene,
        dice: StdRng::seed_from_u64(seed()),
        workspaces: vec![scene.dev.clone()],
        versions: vec![scene.template.version.clone()],
        jobs: Vec::new(),
        held: Vec::new(),
    };
    let mut happened = Vec::new();
    for _ in 0..STEPS {
        happened.push(history.step().await);
        let wrong = scene.app.tables().false_standings().await;
        assert!(wrong.is_empty(), "{wrong:#?}\nafter {happened:#?}");
    }
    // The daemon that is heard of no more, and jobs that nobody takes.
    scene.advance(chrono::TimeDelta::hours(1));
    scene.app.app.reap().await.unwrap();
    assert_eq!(scene.app.tables().false_standings().await, Vec::<String>::new());
}
