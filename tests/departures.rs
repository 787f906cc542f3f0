//! When somebody leaves an organization: what becomes of their workspaces, and who is left to look after them.

mod promises;

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    /// Leaves.
    mia: Person,
    /// Stays.
    ben: Person,
    daemon: Daemon,
    template: Template,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let ben = app.member_of(&owner, &org, "ben", &[]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&owner, &org, "dev").await;
        app.work(&daemon).await;
        Some(Self { app, owner, org, mia, ben, daemon, template })
    }

    /// A workspace that is up.
    async fn running(&self, person: &Person, name: &str) -> String {
        let made = self.app.workspace(person, &self.template, name, "").await;
        self.app.work(&self.daemon).await;
        made.workspace
    }

    async fn stopped(&self, person: &Person, name: &str) -> String {
        let id = self.running(person, name).await;
        self.app.done(&person.token, "stopWorkspace", "", json!({ "workspaceId": id })).await;
        self.app.work(&self.daemon).await;
        id
    }

    fn removal(&self, workspaces: &str) -> Value {
        json!({ "organizationId": self.org.id, "userId": self.mia.id, "workspaces": workspaces })
    }

    async fn remove(&self, input: Value) -> Value {
        self.app.done(&self.owner.token, "removeMember", "removedUserId workspaceIds", input).await
    }

    /// Name, owner and status of every workspace, as somebody sees them.
    async fn seen_by(&self, person: &Person) -> Vec<String> {
        let query =
            "{ workspaces(first: 100, orderBy: NAME_ASC) { nodes { name status owner { username } } } }";
        let data = self.app.ok(person, query, json!({})).await;
        let line = |node: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!("{} {} {}", text(&node["name"]), text(&node["owner"]["username"]), text(&node["status"]))
        };
        data["workspaces"]["nodes"].as_array().unwrap().iter().map(line).collect()
    }

    async fn impact(&self) -> Value {
        let query = "query($id: ID!, $user: ID!) { organization(by: { id: $id }) {
            members(filter: { userId: $user }) { nodes { removalImpact {
              workspaces runningWorkspaces stoppedWorkspaces buildingWorkspaces dailyCost groups templateAccess
            } } } } }";
        let variables = json!({ "id": self.org.id, "user": self.mia.id });
        let data = self.app.ok(&self.owner, query, variables).await;
        let impact = &data["organization"]["members"]["nodes"][0]["removalImpact"];
        let number = |field: &str| impact[field].clone();
        json!([
            number("workspaces"),
            number("runningWorkspaces"),
            number("stoppedWorkspaces"),
            number("buildingWorkspaces"),
            number("dailyCost"),
            number("groups"),
            number("templateAccess"),
        ])
    }
}

#[rstest]
#[tokio::test]
async fn kept_workspaces_stay_theirs_out_of_their_sight(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let id = scene.running(&scene.mia, "box").await;
    let removed = scene.remove(json!({ "organizationId": scene.org.id, "userId": scene.mia.id })).await;
    assert_eq!(removed, json!({ "removedUserId": scene.mia.id, "workspaceIds": [], "userErrors": [] }));
    assert_eq!(scene.seen_by(&scene.owner).await, ["box mia RUNNING"]);
    assert_eq!(scene.seen_by(&scene.mia).await, Vec::<String>::new());
    let input = json!({ "workspaceId": id });
    let refused = scene.app.refused(&scene.mia.token, "stopWorkspace", input.clone()).await;
    assert!(refused.is("NOT_FOUND", "input.workspaceId"), "{refused:?}");
    // Administrators look after it, and with a new membership it is there again.
    scene.app.done(&scene.owner.token, "stopWorkspace", "", input).await;
    scene.app.work(&scene.daemon).await;
    scene.app.join(&scene.owner, &scene.org, &scene.mia, &[]).await;
    assert_eq!(scene.seen_by(&scene.mia).await, ["box mia STOPPED"]);
}

#[rstest]
#[tokio::test]
async fn transferred_workspaces_and_their_jobs_are_the_new_owners(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let up = scene.running(&scene.mia, "up").await;
    let down = scene.stopped(&scene.mia, "down").await;
    let mut input = scene.removal("TRANSFER");
    let refused = app.refused(&owner.token, "removeMember", input.clone()).await;
    assert!(refused.is("BAD_USER_INPUT", "input.transferToUserId"), "{refused:?}");
    let stranger = app.user(owner, "sam", &[]).await;
    for nobody in [stranger.id.as_str(), &scene.mia.id, "nonsense"] {
        input["transferToUserId"] = nobody.into();
        let refused = app.refused(&owner.token, "removeMember", input.clone()).await;
        assert!(refused.is("NOT_FOUND", "input.transferToUserId"), "{nobody}: {refused:?}");
    }
    // Two of one name are nobody's wish, and a new name could build everything anew.
    input["transferToUserId"] = scene.ben.id.clone().into();
    let own = scene.running(&scene.ben, "up").await;
    let refused = app.refused(&owner.token, "removeMember", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.transferToUserId"), "{refused:?}");
    assert!(refused.message.contains("up") && !refused.message.contains("down"), "{refused:?}");
    assert_eq!(scene.seen_by(&scene.mia).await.len(), 2, "nothing has happened");
    app.done(&scene.ben.token, "deleteWorkspace", "", json!({ "workspaceId": own })).await;
    app.work(&scene.daemon).await;

    let removed = scene.remove(input).await;
    let mut ids = vec![up.clone(), down];
    ids.sort();
    assert_eq!(removed["workspaceIds"], json!(ids));
    assert_eq!(scene.seen_by(&scene.ben).await, ["down ben STOPPED", "up ben RUNNING"]);
    let query = "query($id: ID!) { node(id: $id) { ... on Workspace {
        builds { nodes { job { state initiator { username } } } } } } }";
    let builds = app.ok(&scene.ben, query, json!({ "id": up })).await["node"]["builds"]["nodes"].clone();
    assert_eq!(builds, json!([{ "job": { "state": "SUCCEEDED", "initiator": null } }]));
    app.done(&scene.ben.token, "stopWorkspace", "", json!({ "workspaceId": up })).await;
    assert_eq!(app.work(&scene.daemon).await, 1);
    let query = "query($id: ID!) { auditLog(filter: { resourceId: $id, action: UPDATE }) { nodes { changes {
        field before after } } } }";
    let entries = app.ok(owner, query, json!({ "id": up })).await;
    let [before, after] =
        [("mia", &scene.mia), ("ben", &scene.ben)].map(|(name, who)| format!("{name} ({})", who.id));
    let change = json!({ "field": "owner", "before": before, "after": after });
    assert_eq!(entries["auditLog"]["nodes"], json!([{ "changes": [change] }]));
}

#[rstest]
#[tokio::test]
async fn what_is_transferred_fits_into_the_budget(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    for (person, name) in [(&scene.mia, "one"), (&scene.mia, "two"), (&scene.ben, "three")] {
        app.workspace(person, &scene.template, name, "").await;
        let job = app.acquire(&scene.daemon).await.unwrap();
        let result =
            json!({ "workspaceBuild": { "resources": [], "apps": [], "metadata": [], "dailyCost": 4 } });
        app.complete(&scene.daemon, &job, result).await;
    }
    assert_eq!(scene.impact().await, json!([2, 2, 0, 0, 8, 0, 0]));
    let everyone = scene.org.id.replace("org_", "grp_");
    let allow = async |allowance: i32| {
        app.done(&owner.token, "setGroupQuota", "", json!({ "groupId": everyone, "allowance": allowance }))
            .await;
    };
    let mut input = scene.removal("TRANSFER");
    input["transferToUserId"] = scene.ben.id.clone().into();
    allow(11).await;
    let selection = "userErrors { code field ... on QuotaExceeded { budget used cost } }";
    let body = app.call(Some(&owner.token), "removeMember", selection, input.clone()).await;
    let error = json!({
        "code": "QUOTA_EXCEEDED", "field": ["input", "transferToUserId"], "budget": 11, "used": 4, "cost": 8,
        "message": body["data"]["removeMember"]["userErrors"][0]["message"],
    });
    assert_eq!(body["data"]["removeMember"]["userErrors"][0], error, "{body:#}");
    allow(12).await;
    scene.remove(input).await;
    assert_eq!(scene.seen_by(&scene.ben).await.len(), 3);
}

#[rstest]
#[tokio::test]
async fn workspaces_are_stopped_or_destroyed_with_the_membership(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let up = scene.running(&scene.mia, "up").await;
    let down = scene.stopped(&scene.mia, "down").await;
    scene.running(&scene.ben, "other").await;
    app.group(owner, &scene.org, "crew", &[&scene.mia]).await;
    let busy = app.workspace(&scene.mia, &scene.template, "busy", "").await;
    assert_eq!(scene.impact().await, json!([3, 1, 1, 1, 0, 1, 0]));
    for disposition in ["STOP", "DELETE"] {
        let refused = app.refused(&owner.token, "removeMember", scene.removal(disposition)).await;
        assert!(refused.is("CONFLICT", "input.workspaces"), "{refused:?}");
        assert!(refused.message.contains("busy"), "{refused:?}");
    }
    assert_eq!(app.tables().count("provisioner_job").await, 5 + 1, "nothing is queued of what is refused");
    app.done(&owner.token, "cancelProvisionerJob", "", json!({ "provisionerJobId": busy.job })).await;

    let stopped = scene.remove(scene.removal("STOP")).await;
    let mut ids = vec![up.clone(), busy.workspace.clone()];
    ids.sort();
    assert_eq!(stopped["workspaceIds"], json!(ids), "what is down is left alone");
    assert_eq!(app.work(&scene.daemon).await, 2);
    let seen = scene.seen_by(owner).await;
    assert_eq!(seen, ["busy mia STOPPED", "down mia STOPPED", "other ben RUNNING", "up mia STOPPED"]);

    scene.app.join(owner, &scene.org, &scene.mia, &[]).await;
    let deleted = scene.remove(scene.removal("DELETE")).await;
    let mut ids = vec![up, down, busy.workspace];
    ids.sort();
    assert_eq!(deleted["workspaceIds"], json!(ids));
    assert_eq!(app.work(&scene.daemon).await, 3);
    assert_eq!(scene.seen_by(owner).await, ["other ben RUNNING"]);
    let query = "select action || ' ' || resource || ' ' || resource_name from audit_log
        where action in ('STOP', 'DELETE') and actor_name = 'olga-owner' order by id";
    let mut rows = app.tables().texts(query).await;
    rows.sort();
    let expected = [
        "DELETE MEMBER mia",
        "DELETE MEMBER mia",
        "DELETE WORKSPACE busy",
        "DELETE WORKSPACE down",
        "DELETE WORKSPACE up",
        "STOP WORKSPACE busy",
        "STOP WORKSPACE up",
    ];
    assert_eq!(rows, expected);
}

#[rstest]
#[tokio::test]
async fn a_disposition_needs_its_permission(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let ada = app.member_of(&scene.owner, &scene.org, "ada", &["organization-user-admin"]).await;
    for (disposition, permission) in
        [("STOP", "WORKSPACE_STOP"), ("DELETE", "WORKSPACE_DELETE"), ("TRANSFER", "WORKSPACE_UPDATE")]
    {
        let mut input = scene.removal(disposition);
        if disposition == "TRANSFER" {
            input["transferToUserId"] = scene.ben.id.clone().into();
        }
        let selection = "userErrors { code ... on MissingPermissions { permissions } }";
        let body = app.call(Some(&ada.token), "removeMember", selection, input).await;
        let error = &body["data"]["removeMember"]["userErrors"][0];
        assert_eq!(error["code"], "MISSING_PERMISSIONS", "{body:#}");
        assert_eq!(error["permissions"], json!([permission]), "{body:#}");
    }
    assert_eq!(app.denied(Some(&scene.ben.token), "removeMember", scene.removal("KEEP")).await, "FORBIDDEN");
    let query = "query($id: ID!) { organization(by: { id: $id }) {
        members(first: 1) { nodes { removalImpact { workspaces } } } } }";
    let body = app.graphql(Some(&scene.ben.token), query, json!({ "id": scene.org.id })).await;
    assert_eq!(body["errors"][0]["extensions"]["requires"], "MEMBER_DELETE", "{body:#}");
    app.done(&ada.token, "removeMember", "", scene.removal("KEEP")).await;
}

#[rstest]
#[tokio::test]
async fn several_leave_each_for_themselves(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let stranger = app.user(owner, "sam", &[]).await;
    scene.running(&scene.mia, "box").await;
    let users = [&scene.mia.id, &owner.id, &stranger.id, &scene.ben.id, &scene.mia.id];
    let input = json!({ "organizationId": scene.org.id, "userIds": users, "workspaces": "STOP" });
    let selection = "results { userId workspaceIds userErrors { code field } }";
    let done = app.done(&owner.token, "removeMembers", selection, input).await;
    let results = done["results"].as_array().unwrap();
    let told: Vec<_> = results.iter().map(|result| &result["userErrors"][0]["code"]).collect();
    assert_eq!(
        told,
        [&json!(null), &json!("CONFLICT"), &json!("NOT_FOUND"), &json!(null), &json!("NOT_FOUND")]
    );
    assert_eq!(results[0]["workspaceIds"].as_array().map(Vec::len), Some(1));
    assert_eq!(results[1]["userErrors"][0]["field"], json!(["input", "userIds", "1"]));
    for count in [0, 101] {
        let ids = vec![scene.mia.id.clone(); count];
        let input = json!({ "organizationId": scene.org.id, "userIds": ids });
        let refused = app.refused(&owner.token, "removeMembers", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.userIds"), "{refused:?}");
    }
}

#[rstest]
#[tokio::test]
async fn several_get_their_roles_each_for_themselves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let entry = |user: &str, roles: &[&str]| json!({ "userId": user, "roles": roles });
    let members = json!([
        entry(&scene.mia.id, &["organization-auditor"]),
        entry(&scene.ben.id, &["emperor"]),
        entry(&owner.id, &[]),
        entry("nonsense", &[]),
    ]);
    let input = json!({ "organizationId": scene.org.id, "members": members });
    let selection = "results { userId member { roles { name } } userErrors { code field } }";
    let done = app.done(&owner.token, "setMembersRoles", selection, input.clone()).await;
    let results = done["results"].as_array().unwrap();
    let paths: Vec<_> = results[1..].iter().map(|result| result["userErrors"][0]["field"].clone()).collect();
    let path = |at: &str, field: &str| json!(["input", "members", at, field]);
    assert_eq!(paths, [path("1", "roles"), path("2", "userId"), path("3", "userId")]);
    let told: Vec<_> = results.iter().map(|result| &result["userErrors"][0]["code"]).collect();
    assert_eq!(told, [&json!(null), &json!("BAD_USER_INPUT"), &json!("CONFLICT"), &json!("NOT_FOUND")]);
    assert_eq!(results[0]["member"]["roles"], json!([{ "name": "organization-auditor" }]));
    assert_eq!(app.denied(Some(&scene.ben.token), "setMembersRoles", input).await, "FORBIDDEN");
}

/// Whoever makes a workspace at the moment when they are removed makes it before, and it goes with the others, or is no
/// member any more. What they are told is so: it is shown to them, it was made and is out of their sight already, or it was
/// not made.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_made_behind_the_back_of_a_removal(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    for round in 0..6 {
        let name = format!("box-{round}");
        let input = json!({ "templateId": scene.template.id, "name": name });
        let mut removal = scene.removal("TRANSFER");
        removal["transferToUserId"] = scene.ben.id.clone().into();
        let create = app.call(Some(&scene.mia.token), "createWorkspace", "workspace { id }", input);
        let remove = app.call(Some(&scene.owner.token), "removeMember", "removedUserId", removal);
        let (created, removed) = tokio::join!(create, remove);
        assert_eq!(removed["data"]["removeMember"]["userErrors"], json!([]), "{removed:#}");
        let overtaken =
            |error: &Value| error["message"].as_str().is_some_and(|text| text.starts_with("wks_"));
        let made = created["data"]["createWorkspace"]["workspace"]["id"].is_string()
            || created["errors"].as_array().is_some_and(|errors| errors.iter().any(overtaken));
        let owners = app
            .tables()
            .texts(&format!(
                "select u.username from workspace w join \"user\" u on u.id = w.owner_id where w.name = '{name}'"
            ))
            .await;
        let expected: Vec<String> = if made { vec!["ben".into()] } else { Vec::new() };
        assert_eq!(owners, expected, "{created:#}");
        app.join(&scene.owner, &scene.org, &scene.mia, &[]).await;
    }
}

/// Each workspace is in one of the parts.
#[rstest]
#[tokio::test]
async fn what_failed_is_told_as_well(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.running(&scene.mia, "up").await;
    scene.app.workspace(&scene.mia, &scene.template, "broken", "").await;
    let job = scene.app.acquire(&scene.daemon).await.unwrap();
    scene.app.fail(&scene.daemon, &job, "BUILD_FAILED", "no such image").await;
    let query = "query($id: ID!, $user: ID!) { organization(by: { id: $id }) {
        members(filter: { userId: $user }) { nodes { removalImpact {
          workspaces runningWorkspaces stoppedWorkspaces buildingWorkspaces failedWorkspaces } } } } }";
    let variables = json!({ "id": scene.org.id, "user": scene.mia.id });
    let data = scene.app.ok(&scene.owner, query, variables).await;
    let expected = json!({
        "workspaces": 2, "runningWorkspaces": 1, "stoppedWorkspaces": 0, "buildingWorkspaces": 0,
        "failedWorkspaces": 1,
    });
    assert_eq!(data["organization"]["members"]["nodes"][0]["removalImpact"], expected);
}
