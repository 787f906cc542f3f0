//! Templates: their settings and what they forbid, their versions and parameters, dry runs, their end.

mod dry_runs;
mod everywhere;
mod parameters;
mod settings;
mod versions;

use serde_json::json;

use crate::support::daemon::Daemon;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// An organization with a template that is imported, its owner and a plain member.
pub(crate) struct Scene {
    pub(crate) app: std::sync::Arc<TestApp>,
    pub(crate) owner: Person,
    pub(crate) mia: Person,
    pub(crate) org: Org,
    pub(crate) daemon: Daemon,
    pub(crate) template: Template,
}

impl Scene {
    pub(crate) async fn new(backend: Backend) -> Option<Self> {
        let app = std::sync::Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&owner, &org, "dev").await;
        app.work(&daemon).await;
        Some(Self { app, owner, mia, org, daemon, template })
    }

    /// Changes a setting of the template.
    pub(crate) async fn set(&self, field: &str, value: serde_json::Value) {
        let mut input = json!({ "templateId": self.template.id });
        input[field] = value;
        self.app.done(&self.owner.token, "updateTemplate", "template { id }", input).await;
    }
}
