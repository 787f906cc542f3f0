//! The commands around provisioning as a person types them, each against a real server with a real daemon: what they do is
//! looked at where it is done.

mod progress;
mod provisioners;
mod quotas;
mod templates;
mod workspaces;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::process::{Program, Server, Terminal, engine, eventually};
use crate::support::{Backend, PASSWORD};

const ORG: &str = "data-platform";

/// What runs says so, and goes on when somebody lets it. It does not outlive the test's folder.
const MODULE: &str = r#"
variable "region" {
  type        = string
  default     = "eu"
  description = "Where"
  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "There is eu, and us."
  }
}
variable "workspace" {
  type = object({ id = string, name = string, transition = string, owner = string, organization = string })
}
resource "terraform_data" "disk" { input = var.region }
resource "terraform_data" "machine" {
  count = var.workspace.transition == "start" ? 1 : 0
  provisioner "local-exec" { command = "echo begun; until test -e GO; do sleep 0.05; test -d FOLDER || exit 1; done; echo finished" }
}
output "daily_cost" { value = 4 }
output "metadata" { value = { region = var.region } }
"#;

/// A server, its owner, an organization with a key, and a daemon.
struct Scene {
    server: Server,
    olga: Terminal,
    key: String,
    daemon: Program,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let server = Server::start(backend, 0).await?;
        let olga = server.owner().await;
        olga.ok(&["organizations", "create", ORG]).await;
        let key = olga.ok(&["provisioner", "keys", "create", "cluster", "--org", ORG]).await;
        let key = key.out.trim().to_owned();
        let mut daemon = server.daemon(&key, ORG, "cluster");
        daemon.says("the provisioner is ready").await;
        let scene = Self { server, olga, key, daemon };
        scene.let_go();
        Some(scene)
    }

    /// A folder of this name with these files.
    fn folder(&self, name: &str, files: &[(&str, &str)]) -> String {
        let folder = self.server.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        folder.to_str().unwrap().to_owned()
    }

    fn module(&self) -> String {
        let folder = self.server.folder.path().to_str().unwrap();
        MODULE.replace("GO", self.go().to_str().unwrap()).replace("FOLDER", folder)
    }

    fn go(&self) -> PathBuf {
        self.server.folder.path().join("go")
    }

    /// What is built does not wait.
    fn let_go(&self) {
        std::fs::write(self.go(), "").unwrap();
    }

    /// The same with the template, and what is built of it waits. `None` also without Terraform: nothing takes time then.
    async fn held(backend: Backend) -> Option<Self> {
        if engine() == "echo" {
            println!("skipped: nothing takes time without Terraform");
            return None;
        }
        let scene = Self::new(backend).await?;
        scene.template().await;
        scene.hold();
        Some(scene)
    }

    /// What is built waits, once it has begun.
    fn hold(&self) {
        std::fs::remove_file(self.go()).unwrap();
    }

    /// The template `machine`, pushed and imported.
    async fn template(&self) {
        let folder = self.folder("machine", &[("main.tf", &self.module()), ("README.md", "# A machine\n")]);
        self.olga.ok(&["templates", "push", "machine", "--org", ORG, "-d", &folder, "-m", "First"]).await;
    }

    /// What the API answers the owner.
    async fn ask(&self, query: &str) -> Value {
        self.ask_as("olga", query).await
    }

    /// What the API answers somebody.
    async fn ask_as(&self, login: &str, query: &str) -> Value {
        let ask = async |token: &str, query: &str, variables: Value| -> Value {
            let request = reqwest::Client::new()
                .post(format!("{}/graphql", self.server.url))
                .json(&json!({ "query": query, "variables": variables }));
            let request = if token.is_empty() { request } else { request.bearer_auth(token) };
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            assert!(answer.get("errors").is_none(), "{answer:#}");
            answer["data"].clone()
        };
        let input = json!({ "input": { "login": login, "password": PASSWORD } });
        let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let token = ask("", sign_in, input).await["signIn"]["token"].as_str().unwrap().to_owned();
        ask(&token, query, json!({})).await
    }
}

/// A field of each element.
fn each(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list:#}"));
    list.iter().map(|element| element[field].as_str().unwrap_or_default().to_owned()).collect()
}
