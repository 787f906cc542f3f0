//! Workspaces: names, schedules and deadlines, restarts, owners, favorites, orphans.

mod keeping;
mod links;
mod moving;
mod standing;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, HeldJob, plain_build};
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// A member with a workspace that runs.
pub(crate) struct Scene {
    pub(crate) app: TestApp,
    pub(crate) owner: Person,
    pub(crate) mia: Person,
    pub(crate) org: Org,
    pub(crate) daemon: Daemon,
    pub(crate) template: Template,
    /// Mia's, called `dev`.
    pub(crate) dev: String,
}

impl Scene {
    pub(crate) async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&owner, &org, "base").await;
        app.work(&daemon).await;
        let dev = app.workspace(&mia, &template, "dev", "").await.workspace;
        app.work(&daemon).await;
        Some(Self { app, owner, mia, org, daemon, template, dev })
    }

    /// What is asked of a workspace by somebody.
    pub(crate) async fn see(&self, person: &Person, workspace: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Workspace {{ {fields} }} }} }}");
        self.app.ok(person, &query, json!({ "id": workspace })).await["node"].clone()
    }

    /// Mia's `dev`, as she sees it.
    pub(crate) async fn dev(&self, fields: &str) -> Value {
        self.see(&self.mia, &self.dev, fields).await
    }

    /// Mia changes `dev`.
    pub(crate) async fn change(&self, mutation: &str, mut input: Value) -> Value {
        input["workspaceId"] = self.dev.clone().into();
        self.app.done(&self.mia.token, mutation, "__typename", input).await
    }

    /// What Mia is told who may not change `dev` so: `CODE field` each.
    pub(crate) async fn complaints(&self, mutation: &str, mut input: Value) -> Vec<String> {
        input["workspaceId"] = self.dev.clone().into();
        let complaints = self.app.complaints(&self.mia.token, mutation, input).await;
        complaints.iter().map(|one| format!("{} {}", one.code, one.field)).collect()
    }

    /// The builds of `dev`, oldest first: number, transition, reason and status.
    pub(crate) async fn builds(&self) -> Value {
        let fields = "builds(orderBy: NUMBER_ASC) { nodes { number transition reason status } }";
        let builds = self.see(&self.owner, &self.dev, fields).await["builds"]["nodes"].clone();
        let line = |build: &Value| {
            let text = |field: &str| build[field].as_str().unwrap().to_owned();
            json!(format!("{} {} {} {}", build["number"], text("transition"), text("reason"), text("status")))
        };
        builds.as_array().unwrap().iter().map(line).collect()
    }

    pub(crate) async fn take(&self) -> HeldJob {
        self.app.acquire(&self.daemon).await.expect("a job waits")
    }

    pub(crate) async fn finish(&self, job: &HeldJob) {
        self.app.complete(&self.daemon, job, plain_build()).await;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.app.app.db().clock().now()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.app.clock.advance(by);
    }
}

/// A time as the API writes it.
pub(crate) fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
