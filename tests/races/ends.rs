//! What ends while somebody gives it something: a foreign key that is violated then is their `NOT_FOUND`, or a `CONFLICT`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Call, ROUNDS, Scene};
use crate::support::Backend;

/// Whatever became of a mutation, it is no fault.
fn assert_no_fault(mutation: &str, body: &Value) {
    for error in body["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap();
        assert!(["CONFLICT", "NOT_FOUND"].contains(&code), "{mutation}: {body:#}");
    }
}

impl Scene {
    async fn race(&self, one: Call, other: Call) {
        let names = [one.0, other.0];
        let bodies = self.at_once(vec![one, other]).await;
        for (name, body) in names.into_iter().zip(&bodies) {
            assert_no_fault(name, body);
        }
    }

    /// A service account, which takes no password to hash.
    async fn program(&self, name: &str) -> String {
        let input = json!({ "username": name, "serviceAccount": true });
        let made = self.app.done(&self.owner.token, "createUser", "user { id }", input).await;
        made["user"]["id"].as_str().unwrap().to_owned()
    }

    async fn member(&self, name: &str) -> String {
        let id = self.program(name).await;
        let input = json!({ "organizationId": self.org.id, "members": [{ "userId": id }] });
        self.app.done(&self.owner.token, "addMembers", "", input).await;
        id
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_who_leave_are_given_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (org, app) = (scene.org.id.as_str(), &scene.app);
    for round in 0..ROUNDS {
        let name = |what: &str| format!("{what}-{round}");
        let user = scene.program(&name("added")).await;
        let add = json!({ "organizationId": org, "members": [{ "userId": user }] });
        scene.race(("addMembers", add), ("deleteUser", json!({ "userId": user }))).await;
        let user = scene.program(&name("carrier")).await;
        let token = json!({ "userId": user, "name": "ci" });
        scene.race(("createApiToken", token), ("deleteUser", json!({ "userId": user }))).await;
        let group = app.group(&scene.owner, &scene.org, &name("crew"), &[]).await;
        for (mutation, input) in [
            ("addGroupMembers", json!({ "groupId": group, "userIds": [] })),
            ("setTemplateAccess", json!({ "templateId": scene.template.id, "entries": [] })),
            ("createWorkspace", json!({ "templateId": scene.template.id, "name": "box" })),
            ("setMemberRoles", json!({ "organizationId": org, "roles": ["organization-auditor"] })),
        ] {
            let user = scene.member(&format!("{}-{round}", mutation.to_lowercase())).await;
            let mut input = input;
            match mutation {
                "addGroupMembers" => input["userIds"] = json!([user]),
                "setTemplateAccess" => input["entries"] = json!([{ "userId": user, "role": "USE" }]),
                "createWorkspace" => input["ownerId"] = json!(user),
                _ => input["userId"] = json!(user),
            }
            let removal = json!({ "organizationId": org, "userId": user });
            scene.race((mutation, input), ("removeMember", removal)).await;
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn things_that_end_are_given_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let file = app.upload(owner).await;
    for round in 0..ROUNDS {
        let name = |what: &str| format!("{what}-{round}");
        for (mutation, input) in [
            ("addGroupMembers", json!({ "userIds": [scene.mia.id] })),
            ("setTemplateAccess", json!({ "templateId": scene.template.id })),
        ] {
            let group = app.group(owner, &scene.org, &name(&mutation.to_lowercase()), &[]).await;
            let mut input = input;
            match mutation {
                "addGroupMembers" => input["groupId"] = json!(group),
                _ => input["entries"] = json!([{ "groupId": group, "role": "USE" }]),
            }
            scene.race((mutation, input), ("deleteGroup", json!({ "groupId": group }))).await;
        }
        let role = app.role(owner, &scene.org, &name("clerk"), &["GROUP_CREATE"]).await;
        let give =
            json!({ "organizationId": scene.org.id, "userId": scene.mia.id, "roles": [name("clerk")] });
        scene.race(("setMemberRoles", give), ("deleteRole", json!({ "roleId": role }))).await;
        let template = app.template(owner, &scene.org, &name("template")).await;
        let version = json!({ "templateId": template.id, "fileId": file });
        let end = ("deleteTemplate", json!({ "templateId": template.id }));
        scene.race(("createTemplateVersion", version), end).await;
        for mutation in ["createGroup", "createTemplate", "createProvisionerKey", "createRole"] {
            let organization = app.organization(owner, &name(&mutation.to_lowercase())).await;
            let mut input = json!({ "organizationId": organization.id, "name": "thing" });
            match mutation {
                "createTemplate" => input["version"] = json!({ "fileId": file }),
                "createRole" => input["permissions"] = json!(["GROUP_CREATE"]),
                _ => {}
            }
            let end = ("deleteOrganization", json!({ "organizationId": organization.id }));
            scene.race((mutation, input), end).await;
        }
    }
}
