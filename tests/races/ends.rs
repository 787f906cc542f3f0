//! What ends while somebody gives it something: a foreign key that is violated then is their `NOT_FOUND`, or a `CONFLICT`.

use rstest::rstest;
use serde_json::json;

use super::{Call, ROUNDS, Scene, assert_no_fault};
use crate::support::Backend;

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

/// Whatever comes into an organization that somebody is deleting comes before, or not at all.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_in_an_organization_that_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let file = app.upload(owner).await;
    let program = scene.program("joiner").await;
    for round in 0..ROUNDS {
        for mutation in [
            "createGroup",
            "createRole",
            "createProvisionerKey",
            "createTemplate",
            "createApiToken",
            "addMembers",
            "createUser",
            "updateGroup",
        ] {
            let name = format!("{}-{round}", mutation.to_lowercase());
            let organization = app.organization(owner, &name).await.id;
            let mut input = json!({ "organizationId": organization, "name": name });
            match mutation {
                "createRole" => input["permissions"] = json!(["GROUP_CREATE"]),
                "createTemplate" => input["version"] = json!({ "fileId": file }),
                "addMembers" => {
                    input = json!({ "organizationId": organization, "members": [{ "userId": program }] });
                }
                "createUser" => {
                    input = json!({ "username": name, "serviceAccount": true, "organizationIds": [organization] });
                }
                "updateGroup" => {
                    let query =
                        "query($id: ID!) { organization(by: { id: $id }) { groups { nodes { id } } } }";
                    let seen = app.ok(owner, query, json!({ "id": organization })).await;
                    let everyone = &seen["organization"]["groups"]["nodes"][0]["id"];
                    input = json!({ "groupId": everyone, "quotaAllowance": 7 });
                }
                _ => {}
            }
            let end = ("deleteOrganization", json!({ "organizationId": organization }));
            scene.race((mutation, input), end).await;
        }
    }
    let ended = app.tables().texts("select name from organization where deleted_at is not null").await;
    assert!(!ended.is_empty(), "no organization was ever faster");
    for table in ["role", "group", "organization_member", "provisioner_key", "template", "workspace"] {
        let query = format!(
            "select o.name from \"{table}\" x join organization o on o.id = x.organization_id
             where o.deleted_at is not null"
        );
        assert_eq!(app.tables().texts(&query).await, Vec::<String>::new(), "{table}");
    }
}

/// Who makes something there while the end is under way waits for it, and is told that there is no such organization.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_while_an_organization_ends_waits_for_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let organization = app.organization(owner, "ending").await.id;
    let calls = vec![
        (
            "createRole",
            json!({ "organizationId": organization, "name": "x", "permissions": ["GROUP_CREATE"] }),
        ),
        ("createGroup", json!({ "organizationId": organization, "name": "x" })),
        ("createProvisionerKey", json!({ "organizationId": organization, "name": "x" })),
        ("createApiToken", json!({ "organizationId": organization, "name": "x" })),
    ];
    let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
    let row = "organization where name = 'ending'";
    let end = format!("update {row}").replace(" where", " set deleted_at = created_at where");
    let lock = format!("select 1 from {row} for update; {end}");
    let bodies = app.tables().during(&end, &lock, scene.at_once(calls)).await;
    for (name, body) in names.iter().zip(&bodies) {
        assert_eq!(body["data"][*name]["userErrors"][0]["code"], "NOT_FOUND", "{name}: {body:#}");
    }
    for table in ["role", "group", "provisioner_key", "api_token"] {
        let rows = app.tables().texts(&format!("select name from \"{table}\" where name = 'x'")).await;
        assert_eq!(rows, Vec::<String>::new(), "{table}");
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
