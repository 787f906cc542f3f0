//! Access lists of templates: who may use and administer one, who may change that, and what a group reaches by them.

mod ends;
mod honoured;
mod lists;
mod power;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// An organization with a template that Everyone may use.
struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    /// Holds the role that administers all templates.
    author: Person,
    ana: Person,
    mia: Person,
    /// Mia is in it.
    crew: String,
    daemon: Daemon,
    template: Template,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let author = app.member_of(&owner, &org, "author", &["organization-template-admin"]).await;
        let ana = app.member_of(&owner, &org, "ana", &[]).await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let crew = app.group(&owner, &org, "crew", &[&mia]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&author, &org, "dev").await;
        app.work(&daemon).await;
        Some(Self { app, owner, org, author, ana, mia, crew, daemon, template })
    }

    fn everyone(&self) -> String {
        self.org.id.replace("org_", "grp_")
    }

    fn entries(&self, entries: Value) -> Value {
        json!({ "templateId": self.template.id, "entries": entries })
    }

    fn user(person: &Person, role: &str) -> Value {
        json!({ "userId": person.id, "role": role })
    }

    fn group(id: &str, role: &str) -> Value {
        json!({ "groupId": id, "role": role })
    }

    /// Changes one entry; answers the code of what it complains of.
    async fn set(&self, by: &Person, entry: Value) -> Option<String> {
        let selection = "results { role userErrors { code field } }";
        let payload =
            self.app.done(&by.token, "setTemplateAccess", selection, self.entries(json!([entry]))).await;
        payload["results"][0]["userErrors"][0]["code"].as_str().map(str::to_owned)
    }

    /// What somebody sees of the template, if they see it.
    async fn can(&self, person: &Person) -> Option<Vec<String>> {
        let query = "query($id: ID!) { node(id: $id) { ... on Template { viewerCan } } }";
        let body = self.app.ok(person, query, json!({ "id": self.template.id })).await;
        let held = body["node"]["viewerCan"].as_array()?;
        Some(held.iter().map(|permission| permission.as_str().unwrap().to_owned()).collect())
    }

    /// The access list: who, and their role.
    async fn list(&self, by: &Person) -> Vec<(String, String)> {
        let query =
            "query($id: ID!) { node(id: $id) { ... on Template { access(first: 50) { totalCount nodes {
            role subject { ... on User { name: username } ... on Group { groupName: name } } } } } } }";
        let body = self.app.ok(by, query, json!({ "id": self.template.id })).await;
        let access = &body["node"]["access"];
        let nodes = access["nodes"].as_array().unwrap();
        assert_eq!(access["totalCount"], nodes.len());
        let entry = |node: &Value| {
            let name = node["subject"]["name"].as_str().or(node["subject"]["groupName"].as_str());
            (name.unwrap().to_owned(), node["role"].as_str().unwrap().to_owned())
        };
        nodes.iter().map(entry).collect()
    }
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

/// What each role gives, in the order of the matrix.
const USE: [&str; 2] = ["TEMPLATE_READ", "TEMPLATE_USE"];
const ADMIN: [&str; 4] = ["TEMPLATE_READ", "TEMPLATE_UPDATE", "TEMPLATE_DELETE", "TEMPLATE_USE"];
