//! Template archives: uploading them, and templates made from them.

use std::path::Path;

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::{Org, Person, TestApp};

/// The template that most tests use: `examples/templates/docker-dev`, packed as `guildhall templates push` does.
pub(crate) fn docker_dev() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/templates/docker-dev");
    let mut archive = Vec::new();
    guildhall_archive::pack(&folder, &mut archive).unwrap();
    archive
}

/// A template whose first version waits for its import.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) version: String,
}

impl TestApp {
    /// `PUT /files`; answers status and body.
    pub(crate) async fn put_file(&self, token: Option<&str>, archive: Vec<u8>) -> (StatusCode, Value) {
        let mut request = Request::put("/files").header(header::CONTENT_TYPE, "application/gzip");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let (status, body) = self.send(request.body(Body::from(archive)).unwrap()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Uploads [`docker_dev`]; answers the file's id.
    pub(crate) async fn upload(&self, person: &Person) -> String {
        let (status, body) = self.put_file(Some(&person.token), docker_dev()).await;
        assert_eq!(status, StatusCode::CREATED, "{body:#}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Creates a template from [`docker_dev`]; a daemon has yet to import its first version.
    pub(crate) async fn template(&self, person: &Person, org: &Org, name: &str) -> Template {
        self.described_template(person, org, json!({ "name": name })).await
    }

    /// The same with more of `CreateTemplateInput`. `version.fileId` is set here.
    pub(crate) async fn described_template(&self, person: &Person, org: &Org, mut input: Value) -> Template {
        input["organizationId"] = org.id.clone().into();
        input["version"]["fileId"] = self.upload(person).await.into();
        let payload = self
            .run(
                person,
                "mutation($input: CreateTemplateInput!) {
                   createTemplate(input: $input) { template { id } templateVersion { id } userErrors { message } }
                 }",
                json!({ "input": input }),
            )
            .await;
        let id = |field: &str| payload[field]["id"].as_str().unwrap().to_owned();
        Template { id: id("template"), version: id("templateVersion") }
    }
}
