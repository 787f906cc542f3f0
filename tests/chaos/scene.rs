//! Two servers, three daemons, a template whose resources note when they are made and destroyed, and people who build.

use std::collections::HashSet;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep};

use super::stream::Source;
use crate::support::process::{Program, Server, Terminal, eventually};
use crate::support::tables::Tables;
use crate::support::{Backend, PASSWORD};

pub(super) const SERVERS: usize = 2;
pub(super) const DAEMONS: usize = 3;
/// Lines that a build of the module writes.
pub(super) const STEPS: usize = 5;
const WORKSPACES: usize = 8;
const ORG: &str = "data-platform";

/// What notes its id does so quickly: Terraform runs no destroy-time provisioner of a thing whose creation was interrupted
/// (it is tainted), so what takes long, and is interrupted by most of the kills, notes nothing.
const MODULE: &str = r#"
variable "workspace" {
  type = object({ id = string, name = string, transition = string, owner = string, organization = string })
}
resource "terraform_data" "kept" {
  input = "FOLDER"
  provisioner "local-exec" { command = "echo ${self.id} >> FOLDER/made" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.id} >> ${self.input}/destroyed"
  }
}
resource "terraform_data" "up" {
  count      = var.workspace.transition == "start" ? 2 : 0
  input      = "FOLDER"
  depends_on = [terraform_data.kept]
  provisioner "local-exec" { command = "echo ${self.id} >> FOLDER/made" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.id} >> ${self.input}/destroyed"
  }
}
resource "terraform_data" "slow" {
  count      = var.workspace.transition == "start" ? 1 : 0
  depends_on = [terraform_data.up]
  provisioner "local-exec" {
    command = "for step in 1 2 3 4 5; do echo step $step of 5; sleep 0.1; done"
  }
}
output "metadata" {
  value = { ids = join(" ", concat([terraform_data.kept.id], terraform_data.up[*].id)) }
}
"#;

/// The servers and daemons, which come and go.
pub(super) struct Scene {
    servers: Vec<Server>,
    daemons: Vec<Program>,
    key: String,
    olga: Terminal,
    pub(super) token: String,
    pub(super) organization: String,
    template: String,
    workspaces: Vec<String>,
}

impl Scene {
    /// `None`, said aloud, without PostgreSQL.
    pub(super) async fn new() -> Option<Self> {
        // One person stands for many, and many of them come back each time that a server dies: none is to wait for points.
        let settings = [("GUILDHALL_BUILTIN_PROVISIONERS", "0"), ("GUILDHALL_RATE_POINTS", "0")];
        let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
        let first = Server::start_with(Backend::Postgres, settings).await?;
        let olga = first.owner().await;
        olga.ok(&["organizations", "create", ORG]).await;
        let key =
            olga.ok(&["provisioner", "keys", "create", "cluster", "--org", ORG]).await.out.trim().to_owned();
        let second = first.beside().await;
        let notes = first.folder.path().join("notes");
        let module = first.folder.path().join("module");
        std::fs::create_dir(&notes).unwrap();
        std::fs::create_dir(&module).unwrap();
        std::fs::write(module.join("main.tf"), MODULE.replace("FOLDER", notes.to_str().unwrap())).unwrap();
        let servers = vec![first, second];
        let (token, organization, template) = (String::new(), String::new(), String::new());
        let mut scene = Self {
            servers,
            daemons: Vec::new(),
            key,
            olga,
            token,
            organization,
            template,
            workspaces: Vec::new(),
        };
        scene.daemons = (0..DAEMONS).map(|at| scene.daemon(at)).collect();
        scene.olga.ok(&["templates", "push", "thing", "--org", ORG, "-d", module.to_str().unwrap()]).await;
        scene.sign_in().await;
        scene.make_workspaces().await;
        Some(scene)
    }

    /// Each daemon has a server, and keeps to it.
    fn daemon(&self, at: usize) -> Program {
        self.servers[at % SERVERS].daemon(&self.key, ORG, &format!("cluster-{at}"))
    }

    async fn sign_in(&mut self) {
        let input = json!({ "input": { "login": "olga", "password": PASSWORD } });
        let signed_in = self
            .ask(0, "mutation($input: SignInInput!) { signIn(input: $input) { token } }", input)
            .await
            .unwrap();
        signed_in["signIn"]["token"].as_str().unwrap().clone_into(&mut self.token);
        let found = self
            .ask(
                0,
                "{ organization(by: { name: \"data-platform\" }) { id templates(first: 1) { nodes { id } } } }",
                json!({}),
            )
            .await
            .unwrap();
        found["organization"]["id"].as_str().unwrap().clone_into(&mut self.organization);
        found["organization"]["templates"]["nodes"][0]["id"].as_str().unwrap().clone_into(&mut self.template);
    }

    async fn make_workspaces(&mut self) {
        for number in 0..WORKSPACES {
            let input = json!({ "input": { "templateId": self.template, "name": format!("ws-{number}") } });
            let mutation = "mutation($input: CreateWorkspaceInput!) {
                createWorkspace(input: $input) { workspace { id } userErrors { message } }
            }";
            let made = self.ask(number % SERVERS, mutation, input).await.unwrap();
            let id = made["createWorkspace"]["workspace"]["id"].as_str();
            self.workspaces.push(id.unwrap_or_else(|| panic!("{made:#}")).to_owned());
        }
    }

    pub(super) fn url(&self, server: usize) -> String {
        self.servers[server].url.clone()
    }

    /// Where olga follows what happens.
    pub(super) fn source(&self, server: usize) -> Source {
        Source { url: self.url(server), token: self.token.clone() }
    }

    pub(super) fn tables(&self) -> Tables {
        self.servers[0].tables()
    }

    async fn ask(&self, server: usize, document: &str, variables: Value) -> Option<Value> {
        ask(&self.url(server), &self.token, document, variables).await
    }

    pub(super) async fn event_cursor(&self) -> String {
        let answer = self.ask(0, "{ eventCursor }", json!({})).await.unwrap();
        answer["eventCursor"].as_str().unwrap().to_owned()
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self, whom: usize) {
        match whom.checked_sub(SERVERS) {
            None => self.servers[whom].program.kill().await,
            Some(at) => self.daemons[at].kill().await,
        }
    }

    /// Starts again who was killed.
    pub(super) async fn start(&mut self, whom: usize) {
        match whom.checked_sub(SERVERS) {
            None => self.servers[whom].start_again().await,
            Some(at) => self.daemons[at] = self.daemon(at),
        }
    }

    /// People who start and stop workspaces until there are so many builds, at whichever server answers.
    pub(super) fn people(&self, builds: usize, seed: u64) -> JoinHandle<()> {
        let urls: Vec<String> = (0..SERVERS).map(|at| self.url(at)).collect();
        let (token, workspaces) = (self.token.clone(), self.workspaces.clone());
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut made = WORKSPACES;
            while made < builds {
                let workspace = &workspaces[random.random_range(0..workspaces.len())];
                let verb = if random.random_bool(0.5) { "start" } else { "stop" };
                let url = &urls[random.random_range(0..urls.len())];
                made += usize::from(build(url, &token, verb, workspace).await);
                sleep(Duration::from_millis(20)).await;
            }
        })
    }

    /// Waits until every build has ended: long before the reaper would end those that nobody knows of. There are none, whoever
    /// died when.
    pub(super) async fn calm(&self) {
        let deadline = Instant::now() + Duration::from_secs(120);
        let open = "select cast(count(*) as text) from provisioner_job where completed_at is null";
        while self.count(open).await > 0 {
            assert!(Instant::now() < deadline, "builds do not end");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// One more build of every workspace, alternately up and down.
    pub(super) async fn rebuild_everything(&self) {
        for (at, workspace) in self.workspaces.iter().enumerate() {
            let verb = if at % 2 == 0 { "start" } else { "stop" };
            eventually("a build to be accepted", async || {
                build(&self.url(at % SERVERS), &self.token, verb, workspace).await.then_some(())
            })
            .await;
        }
    }

    /// Waits for the last builds, each of which must succeed: nothing is stuck.
    pub(super) async fn settle(&self) {
        self.calm().await;
        let stuck = self
            .texts(
                "select w.name || ' ' || coalesce(j.error_code, '') || ' ' || coalesce(j.error_message, '')
                 from workspace w join workspace_build b on b.workspace_id = w.id
                 and b.number = (select max(number) from workspace_build n where n.workspace_id = w.id)
                 join provisioner_job j on j.id = b.provisioner_job_id where j.state <> 'SUCCEEDED'",
            )
            .await;
        assert!(stuck.is_empty(), "after the chaos: {stuck:#?}");
    }

    /// The ids of everything that is in a state, as the outputs of the last builds say.
    pub(super) async fn in_state(&self) -> HashSet<String> {
        let shown = self
            .ask(
                0,
                "{ workspaces(first: 100) { nodes { latestBuild { metadata { key value } } } } }",
                json!({}),
            )
            .await
            .unwrap();
        let nodes = shown["workspaces"]["nodes"].as_array().unwrap();
        let ids = nodes.iter().filter_map(|node| node["latestBuild"]["metadata"][0]["value"].as_str());
        ids.flat_map(str::split_whitespace).map(str::to_owned).collect()
    }

    /// What resources noted of themselves.
    pub(super) fn notes(&self, name: &str) -> Vec<String> {
        let path: PathBuf = self.servers[0].folder.path().join("notes").join(name);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) async fn texts(&self, query: &str) -> Vec<String> {
        self.tables().texts(query).await
    }

    pub(super) async fn count(&self, query: &str) -> usize {
        self.texts(query).await[0].parse().unwrap()
    }
}

/// Asks a server; `None` when it does not answer, or not well: it may just have been killed.
pub(super) async fn ask(url: &str, token: &str, document: &str, variables: Value) -> Option<Value> {
    let mut request = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .timeout(Duration::from_secs(15))
        .json(&json!({ "query": document, "variables": variables }));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let answer: Value = request.send().await.ok()?.json().await.ok()?;
    answer.get("errors").is_none().then(|| answer["data"].clone())
}

/// Asks for a build; whether it was made.
async fn build(url: &str, token: &str, verb: &str, workspace: &str) -> bool {
    let (kind, mutation) = match verb {
        "start" => ("StartWorkspaceInput", "startWorkspace"),
        _ => ("StopWorkspaceInput", "stopWorkspace"),
    };
    let document =
        format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ message }} }} }}");
    let input = json!({ "input": { "workspaceId": workspace } });
    ask(url, token, &document, input).await.is_some_and(|answer| answer[mutation]["userErrors"] == json!([]))
}
