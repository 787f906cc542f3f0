//! Two at once: updates of different fields both come true, and what is deleted under somebody's hands is not there for
//! them, never a fault.

mod ends;
mod reads;
mod standing;

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::daemon::Daemon;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// How often each pair is tried: either may come first.
const ROUNDS: usize = 6;

/// A mutation and its input.
type Call = (&'static str, Value);

/// Whatever became of a mutation, it is no fault.
fn assert_no_fault(mutation: &str, body: &Value) {
    for error in body["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap();
        assert!(["CONFLICT", "NOT_FOUND"].contains(&code), "{mutation}: {body:#}");
    }
}

struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    mia: Person,
    daemon: Daemon,
    template: Template,
    workspace: String,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&owner, &org, "dev").await;
        app.work(&daemon).await;
        let workspace = app.workspace(&owner, &template, "box", "").await.workspace;
        app.work(&daemon).await;
        Some(Self { app, owner, org, mia, daemon, template, workspace })
    }

    /// Sends mutations at once; answers the whole bodies, in their order.
    async fn at_once(&self, calls: Vec<Call>) -> Vec<Value> {
        self.all_at_once(calls.into_iter().map(|call| (self.owner.token.clone(), call)).collect()).await
    }

    /// The same for whoever sends them.
    async fn all_at_once(&self, calls: Vec<(String, Call)>) -> Vec<Value> {
        let mut running = JoinSet::new();
        for (place, (token, (mutation, input))) in calls.into_iter().enumerate() {
            let app = self.app.clone();
            running.spawn(async move {
                let body = Box::pin(app.call(Some(&token), mutation, "__typename", input)).await;
                (place, body)
            });
        }
        let mut bodies = running.join_all().await;
        bodies.sort_by_key(|(place, _)| *place);
        bodies.into_iter().map(|(_, body)| body).collect()
    }
}

/// Somebody who expects no version changes what is there, whoever else does.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_different_fields_both_come_true(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let crew = app.group(owner, &scene.org, "crew", &[]).await;
    let role = app.role(owner, &scene.org, "clerk", &["GROUP_CREATE"]).await;
    let things = [
        ("updateOrganization", "organizationId", scene.org.id.as_str(), ["displayName", "description"]),
        ("updateGroup", "groupId", crew.as_str(), ["displayName", "avatarUrl"]),
        ("updateUser", "userId", scene.mia.id.as_str(), ["name", "avatarUrl"]),
        ("updateRole", "roleId", role.as_str(), ["displayName", "description"]),
        ("updateTemplate", "templateId", scene.template.id.as_str(), ["displayName", "description"]),
        ("updateTemplateVersion", "templateVersionId", scene.template.version.as_str(), ["name", "message"]),
        ("updateWorkspace", "workspaceId", scene.workspace.as_str(), ["name", "automaticUpdates"]),
    ];
    for (mutation, which, id, fields) in things {
        for round in 0..ROUNDS {
            let value = |field: &str| match field {
                "avatarUrl" => format!("/pictures/{round}.png"),
                "automaticUpdates" => ["ALWAYS", "NEVER"][round % 2].to_owned(),
                _ => format!("{}-{round}", field.to_lowercase()),
            };
            let calls = fields.map(|field| (mutation, json!({ which: id, field: value(field) })));
            for body in scene.at_once(calls.to_vec()).await {
                assert_eq!(body["data"][mutation]["userErrors"], json!([]), "{mutation}: {body:#}");
            }
            let kind = which.strip_suffix("Id").unwrap();
            let kind = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
            let query =
                format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {} }} }} }}", fields.join(" "));
            let seen = app.ok(owner, &query, json!({ "id": id })).await["node"].clone();
            for field in fields {
                assert_eq!(seen[field], value(field), "{mutation} of {field}: {seen:#}");
            }
        }
    }
    // Who expects a version is told when somebody was faster.
    let calls = ["one", "two"].map(|text| {
        ("updateGroup", json!({ "groupId": crew, "displayName": text, "expectedVersion": 1 + 2 * ROUNDS }))
    });
    let codes = scene.at_once(calls.to_vec()).await;
    let codes: Vec<_> =
        codes.iter().map(|body| &body["data"]["updateGroup"]["userErrors"][0]["code"]).collect();
    assert!(codes.contains(&&Value::Null) && codes.contains(&&json!("STALE_VERSION")), "{codes:?}");
}

/// What changes nothing is no new version, and is in the log all the same.
#[rstest]
#[tokio::test]
async fn an_update_of_nothing_is_no_new_version(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    let crew = app.group(owner, &scene.org, "crew", &[]).await;
    let role = app.role(owner, &scene.org, "clerk", &["GROUP_CREATE"]).await;
    let calls = [
        ("updateOrganization", json!({ "organizationId": scene.org.id })),
        ("updateOrganization", json!({ "organizationId": scene.org.id, "name": "Data-Platform" })),
        ("setOrganizationQuota", json!({ "organizationId": scene.org.id, "cap": null })),
        ("updateGroup", json!({ "groupId": crew, "displayName": "crew display" })),
        ("updateGroup", json!({ "groupId": crew, "quotaAllowance": 5 })),
        ("setGroupQuota", json!({ "groupId": crew, "allowance": 5 })),
        ("updateUser", json!({ "userId": scene.mia.id, "name": "mia" })),
        ("setUserSiteRoles", json!({ "userId": scene.mia.id, "siteRoles": [] })),
        ("updateRole", json!({ "roleId": role, "permissions": ["GROUP_CREATE"] })),
        ("updateTemplate", json!({ "templateId": scene.template.id, "defaultTtlSeconds": null })),
        ("promoteTemplateVersion", json!({ "templateVersionId": scene.template.version })),
        ("updateWorkspace", json!({ "workspaceId": scene.workspace, "name": "box" })),
    ];
    let versions = async || {
        let tables = ["organization", "\"group\"", "\"user\"", "role", "template", "workspace"];
        let one = |table| format!("select '{table} ' || cast(version as text) from {table}");
        let mut all = app.tables().texts(&tables.map(one).join(" union all ")).await;
        all.sort_unstable();
        all
    };
    let empty = "select resource_name from audit_log where cast(diff as text) = '{}' and status = 'SUCCESS'";
    let (before, entries) = (versions().await, app.tables().count("audit_log").await);
    let told = app.tables().texts(empty).await.len();
    for (mutation, input) in &calls {
        app.done(&owner.token, mutation, "", input.clone()).await;
        assert_eq!(versions().await, before, "{mutation} of {input}");
    }
    assert_eq!(app.tables().count("audit_log").await - entries, calls.len());
    assert_eq!(app.tables().texts(empty).await.len() - told, calls.len());
}
