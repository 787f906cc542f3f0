//! Whatever changes where workspaces stand, at once: they are kept as they stand, and nobody waits for somebody who waits for
//! them.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Call, ROUNDS, Scene, assert_no_fault};
use crate::support::daemon::{HeldJob, plain_build, plain_import};
use crate::support::{Backend, Person};

impl Scene {
    /// Sends mutations at once, which may be refused; then every workspace is kept as it stands.
    async fn meet(&self, calls: Vec<(String, Call)>) -> Vec<Value> {
        let names: Vec<_> = calls.iter().map(|(_, (mutation, _))| *mutation).collect();
        let bodies = self.all_at_once(calls).await;
        for (name, body) in names.iter().zip(&bodies) {
            assert_no_fault(name, body);
        }
        let wrong = self.app.tables().false_standings().await;
        assert!(wrong.is_empty(), "{wrong:#?}\nafter {names:?} at once");
        bodies
    }

    fn by(&self, person: &Person, mutation: &'static str, input: Value) -> (String, Call) {
        (person.token.clone(), (mutation, input))
    }

    fn by_daemon(&self, mutation: &'static str, input: Value) -> (String, Call) {
        (self.daemon.secret.clone(), (mutation, input))
    }

    fn promotion(&self, version: &str) -> (String, Call) {
        self.by(&self.owner, "promoteTemplateVersion", json!({ "templateVersionId": version }))
    }

    async fn take(&self) -> HeldJob {
        self.app.acquire(&self.daemon).await.expect("a job waits")
    }

    /// Two versions that may be promoted.
    async fn versions(&self) -> [String; 2] {
        let second = self.app.push(&self.owner, &self.template, json!({ "promote": false })).await.id;
        self.app.work(&self.daemon).await;
        [self.template.version.clone(), second]
    }

    /// Ends whatever is left over.
    async fn settle(&self) {
        self.app.clock.advance(chrono::TimeDelta::minutes(6));
        self.app.app.reap().await.unwrap();
        self.app.work(&self.daemon).await;
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn builds_go_on_while_versions_are_promoted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let versions = scene.versions().await;
    let mut boxes = Vec::new();
    for at in 0..5 {
        boxes.push(
            scene.app.workspace(&scene.owner, &scene.template, &format!("box-{at}"), "").await.workspace,
        );
    }
    scene.app.work(&scene.daemon).await;
    for round in 0..ROUNDS {
        for workspace in &boxes {
            let input = json!({ "workspaceId": workspace, "templateVersionId": versions[round % 2] });
            scene.app.done(&scene.owner.token, "startWorkspace", "", input).await;
        }
        let held = [scene.take().await, scene.take().await, scene.take().await];
        let report = |job: &HeldJob, more: Value| {
            let mut input = json!({ "provisionerJobId": job.id, "attempt": job.attempt });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let failure = json!({ "code": "FAILED", "message": "it went wrong" });
        let back = json!({ "code": "STOPPED", "message": "it stops", "handedBack": true });
        let rename = json!({ "workspaceId": boxes[1], "name": format!("box-1-{round}") });
        let make = json!({ "templateId": scene.template.id, "name": format!("new-{round}") });
        let quiet = json!({ "workspaceId": scene.workspace });
        scene
            .meet(vec![
                scene.by_daemon(
                    "completeProvisionerJob",
                    report(&held[0], json!({ "result": plain_build() })),
                ),
                scene.promotion(&versions[(round + 1) % 2]),
                scene.by_daemon("failProvisionerJob", report(&held[1], failure)),
                scene.by_daemon("failProvisionerJob", report(&held[2], back)),
                scene.by(&scene.owner, "cancelProvisionerJob", json!({ "provisionerJobId": held[0].id })),
                scene.by(&scene.owner, "updateWorkspace", rename),
                scene.by_daemon("acquireProvisionerJob", json!({ "provisionerDaemonId": scene.daemon.id })),
                scene.by(&scene.owner, "createWorkspace", make),
                scene.by(&scene.owner, "startWorkspace", quiet),
                scene.promotion(&versions[round % 2]),
            ])
            .await;
        scene.settle().await;
        assert_eq!(scene.app.tables().false_standings().await, Vec::<String>::new());
    }
}

/// Who locks several workspaces: whoever promotes a version, and whoever removes their owner.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn versions_are_promoted_while_owners_leave(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let versions = scene.versions().await;
    for round in 0..ROUNDS {
        for fate in ["STOP", "DELETE", "TRANSFER"] {
            let person =
                app.member_of(owner, &scene.org, &format!("{}-{round}", fate.to_lowercase()), &[]).await;
            let mut theirs = Vec::new();
            for at in 0..4 {
                // Their names are in another order than their ids.
                let name = format!("{}-{}-{round}", fate.to_lowercase(), 9 - at);
                theirs.push(app.workspace(&person, &scene.template, &name, "").await.workspace);
            }
            app.work(&scene.daemon).await;
            let mut removal =
                json!({ "organizationId": scene.org.id, "userId": person.id, "workspaces": fate });
            if fate == "TRANSFER" {
                removal["transferToUserId"] = json!(scene.mia.id);
            }
            let gift = json!({ "workspaceId": theirs[0], "ownerId": scene.mia.id });
            let taken = json!({ "workspaceId": scene.workspace, "ownerId": person.id });
            scene
                .meet(vec![
                    scene.by(owner, "removeMember", removal),
                    scene.promotion(&versions[1]),
                    scene.by(owner, "transferWorkspace", gift),
                    scene.by(owner, "transferWorkspace", taken),
                    scene.by(&person, "stopWorkspace", json!({ "workspaceId": theirs[1] })),
                    scene.promotion(&versions[0]),
                    scene.by_daemon(
                        "acquireProvisionerJob",
                        json!({ "provisionerDaemonId": scene.daemon.id }),
                    ),
                ])
                .await;
            scene.settle().await;
        }
    }
}

/// Who makes a workspace while a version is promoted waits, and hears of it.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_made_meanwhile_knows_the_version_that_was_promoted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let [_, second] = scene.versions().await;
    let promote = "update template set active_version_id =
        (select id from template_version v where v.template_id = template.id and v.id <> template.active_version_id)";
    let make = json!({
        "templateId": scene.template.id, "name": "late", "templateVersionId": scene.template.version,
    });
    let build = json!({ "workspaceId": scene.workspace, "templateVersionId": second });
    let calls = vec![("createWorkspace", make), ("startWorkspace", build)];
    scene.app.tables().during(promote, promote, scene.at_once(calls)).await;
    let kept = "select name || case when outdated then ' outdated' else '' end from workspace order by name";
    assert_eq!(scene.app.tables().texts(kept).await, ["box", "late outdated"]);
    assert_eq!(scene.app.tables().false_standings().await, Vec::<String>::new());
}

/// An import that promotes its version ends while somebody changes the version.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_ends_while_its_version_is_changed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for round in 0..ROUNDS {
        let pushed = scene.app.push(&scene.owner, &scene.template, json!({ "promote": true })).await;
        let job = scene.take().await;
        let end = json!({ "provisionerJobId": job.id, "attempt": job.attempt, "result": plain_import() });
        let mut calls = vec![scene.by_daemon("completeProvisionerJob", end)];
        for at in 0..4 {
            let name = json!({ "templateVersionId": pushed.id, "name": format!("name-{round}-{at}") });
            calls.push(scene.by(&scene.owner, "updateTemplateVersion", name));
        }
        for body in scene.meet(calls).await {
            assert!(body.get("errors").is_none(), "{body:#}");
        }
    }
}
