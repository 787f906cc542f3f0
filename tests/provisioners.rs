//! Keys that are rotated and disabled, daemons that come and go, a queue that is fair, jobs that are taken again, and the
//! health of it all.

mod daemons;
mod health;
mod keys;
mod machine;
mod process;
mod queue;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, ProvisionerKey};
use crate::support::{Backend, Org, Person, TestApp};

/// An organization with its owner, a key, and a daemon of it.
struct Scene {
    app: std::sync::Arc<TestApp>,
    owner: Person,
    org: Org,
    key: ProvisionerKey,
    daemon: Daemon,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = std::sync::Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        Some(Self { app, owner, org, key, daemon })
    }

    /// Queues an import; answers its job.
    async fn import(&self, person: &Person, name: &str, tags: &[(&str, &str)]) -> String {
        let tags: Vec<_> = tags.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let input = json!({ "name": name, "version": { "tags": tags } });
        let template = self.app.described_template(person, &self.org, input).await;
        let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { job { id } } } }";
        let node = self.app.ok(person, query, json!({ "id": template.version })).await;
        node["node"]["job"]["id"].as_str().unwrap().to_owned()
    }

    /// A node as the owner sees it.
    async fn node(&self, id: &str, ty: &str, selection: &str) -> Value {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {ty} {{ {selection} }} }} }}");
        self.app.ok(&self.owner, &query, json!({ "id": id })).await["node"].clone()
    }

    async fn job(&self, id: &str) -> Value {
        let selection = "state attempts position pendingReason { code message } error { code message }
            logs { nodes { sequence text } }";
        self.node(id, "ProvisionerJob", selection).await
    }

    /// What a daemon with this secret hears to a sign of life: nothing, or a code.
    async fn beat(&self, daemon: &str, secret: &str) -> Option<String> {
        let input = json!({ "provisionerDaemonId": daemon, "runningJobIds": [] });
        let body = self.app.call(Some(secret), "heartbeatProvisionerDaemon", "__typename", input).await;
        body["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    }
}
