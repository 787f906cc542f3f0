//! `guildhall audit export` from a real server: whole up to its beginning while people go on writing, and never an end that
//! looks like one when the right to read was lost on the way.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use crate::support::process::{PATIENCE, Server};
use crate::support::{Backend, PASSWORD};

/// Groups that are made with one request.
const AT_ONCE: usize = 20;
/// Entries before the export begins: several of its pages, and more than a pipe holds.
const BEFORE: usize = 500;

/// Somebody who writes.
#[derive(Clone)]
struct Writer {
    url: String,
    token: String,
    org: String,
}

impl Writer {
    async fn ask(&self, document: &str, variables: Value) -> Value {
        let mut request = reqwest::Client::new()
            .post(format!("{}/graphql", self.url))
            .timeout(Duration::from_secs(30))
            .json(&json!({ "query": document, "variables": variables }));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{document}\n{answer:#}");
        answer["data"].clone()
    }

    /// Olga, signed in once more, and an organization.
    async fn new(server: &Server) -> Self {
        let mut olga = Self { url: server.url.clone(), token: String::new(), org: String::new() };
        let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let input = json!({ "input": { "login": "olga", "password": PASSWORD } });
        olga.token = olga.ask(sign_in, input).await["signIn"]["token"].as_str().unwrap().to_owned();
        let org = "mutation { createOrganization(input: { name: \"alpha\" }) { organization { id } } }";
        let made = olga.ask(org, json!({})).await;
        olga.org = made["createOrganization"]["organization"]["id"].as_str().unwrap().to_owned();
        olga
    }

    /// Makes groups; answers their names once all of them are there.
    async fn groups(&self, from: usize, number: usize) -> Vec<String> {
        let names: Vec<String> = (from..from + number).map(|at| format!("crew-{at}")).collect();
        for some in names.chunks(AT_ONCE) {
            let mut document = String::new();
            for (at, name) in some.iter().enumerate() {
                let input = format!("{{ organizationId: \"{}\", name: \"{name}\" }}", self.org);
                write!(document, "m{at}: createGroup(input: {input}) {{ userErrors {{ message }} }} ")
                    .unwrap();
            }
            let made = self.ask(&format!("mutation {{ {document} }}"), json!({})).await;
            assert!(made.as_object().unwrap().values().all(|one| one["userErrors"] == json!([])), "{made:#}");
        }
        names
    }
}

async fn start(backend: Backend) -> Option<Server> {
    let settings = [("GUILDHALL_BUILTIN_PROVISIONERS", "0"), ("GUILDHALL_RATE_POINTS", "10000000")];
    Server::start_with(backend, settings.map(|(name, value)| (name, value.to_owned())).to_vec()).await
}

#[rstest]
#[tokio::test]
async fn an_export_is_whole_while_people_go_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = start(backend).await else { return };
    let olga = server.owner().await;
    let writer = Writer::new(&server).await;
    let before = writer.groups(0, BEFORE).await;
    let there = server.tables().count("audit_log").await;

    let goes_on = AtomicBool::new(true);
    let writing = async {
        let mut at = BEFORE;
        while goes_on.load(Ordering::Relaxed) {
            at += writer.groups(at, 4).await.len();
        }
        at - BEFORE
    };
    let exporting = async {
        let said = olga.ok(&["audit", "export"]).await;
        goes_on.store(false, Ordering::Relaxed);
        said
    };
    let (meanwhile, said) = tokio::join!(writing, exporting);
    assert!(meanwhile > 0, "nobody wrote");

    let entries: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), entries.len(), "an entry came twice");
    assert!(entries.len() >= there, "{} of {there} entries", entries.len());
    let times: Vec<&str> = entries.iter().map(|entry| entry["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "the oldest first");
    let groups: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["resource"] == "GROUP" && entry["action"] == "CREATE")
        .map(|entry| entry["resourceName"].as_str().unwrap())
        .collect();
    assert_eq!(groups[..BEFORE], before, "each that was there, once and in its turn");
}

#[rstest]
#[tokio::test]
async fn an_export_whose_reader_loses_the_right_fails(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = start(backend).await else { return };
    server.owner().await;
    let writer = Writer::new(&server).await;
    writer.groups(0, BEFORE).await;
    let user = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }";
    let input = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD, "siteRoles": ["auditor"] });
    let ada = writer.ask(user, json!({ "input": input })).await["createUser"]["user"]["id"].clone();
    let terminal = server.terminal("ada");
    terminal.ok(&["login", "--username", "ada"]).await;
    let all = terminal.ok(&["audit", "export"]).await.out.lines().count();

    // It waits for its reader, with most of the log before it.
    let mut export = terminal.piped(&["audit", "export"]);
    let mut out = BufReader::new(export.stdout.take().unwrap());
    let mut text = String::new();
    timeout(PATIENCE, out.read_line(&mut text)).await.unwrap().unwrap();
    let roles = "mutation($input: SetUserSiteRolesInput!) {
        setUserSiteRoles(input: $input) { userErrors { message } } }";
    let none = writer.ask(roles, json!({ "input": { "userId": ada, "siteRoles": [] } })).await;
    assert_eq!(none["setUserSiteRoles"]["userErrors"], json!([]));
    timeout(PATIENCE, out.read_to_string(&mut text)).await.unwrap().unwrap();
    let mut complaint = String::new();
    export.stderr.take().unwrap().read_to_string(&mut complaint).await.unwrap();
    let ended = timeout(PATIENCE, export.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(5), "{complaint}");
    assert!(complaint.contains("audit-log:read"), "{complaint}");
    let lines = text.lines().count();
    assert!((1..all).contains(&lines), "{lines} of {all} lines");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "a line is cut off");
    // And who never had it is told so at once.
    let complaint = terminal.refused(5, &["audit", "export"]).await;
    assert!(complaint.contains("audit-log:read"), "{complaint}");
}
