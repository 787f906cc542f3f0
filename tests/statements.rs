//! Statement budgets: how many SQL statements an operation takes depends on its shape, never on the number of rows.
//! The operations are those of `tests/operations`, the counts a snapshot that people review.

use std::fmt::Write as _;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, plain_build};
use crate::support::statements::RequestLog;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// How many rows make "many".
const MANY: usize = 50;

#[rstest]
#[tokio::test]
async fn statements_do_not_grow_with_rows(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (Some(one), Some(many)) = (Wide::start(backend, 1).await, Wide::start(backend, MANY).await) else {
        return;
    };
    let log = RequestLog::listen();
    let mut report = String::new();
    for operation in operations() {
        let (few, rows) = one.measure(&log, &operation).await;
        assert!(rows >= 1, "{operation} found nothing");
        let (count, rows) = many.measure(&log, &operation).await;
        assert!(rows >= MANY, "{operation} found {rows} rows");
        assert_eq!(few, count, "{operation} takes {few} statements for 1 row, but {count} for {MANY}");
        writeln!(report, "{operation:<24} {count}").unwrap();
    }
    // The same on both databases.
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("statements", report);
    });
}

/// The names of the files in `tests/operations`.
fn operations() -> Vec<String> {
    let entries = folder().read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations")
}

/// A deployment with so many of everything.
struct Wide {
    app: TestApp,
    owner: Person,
    /// Variables of the operations.
    variables: Value,
}

impl Wide {
    async fn start(backend: Backend, rows: usize) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "wide").await;
        let members = people(&app, &owner, &org, rows).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let mut ids = vec![org.id.clone(), daemon.id.clone()];
        let mut first = None;
        for n in 0..rows {
            ids.push(
                app.group(&owner, &org, &format!("group-{n}"), &[&members[n % members.len()], &owner]).await,
            );
            let template = app.template(&owner, &org, &format!("template-{n}")).await;
            app.work(&daemon).await;
            let queued = app.workspace(&owner, &template, &format!("workspace-{n}"), "").await;
            app.work(&daemon).await;
            ids.extend([
                template.id.clone(),
                template.version.clone(),
                queued.workspace.clone(),
                queued.id,
                queued.job,
            ]);
            first.get_or_insert((template, queued.workspace));
        }
        let (template, workspace) = first?;
        for n in 1..rows {
            history(&app, &owner, &daemon, &workspace, n).await;
            app.push(&owner, &template, json!({})).await;
            app.work(&daemon).await;
        }
        neighbours(&app, &owner, rows).await;
        for _ in 0..rows {
            // Waits: nobody works any more.
            app.push(&owner, &template, json!({})).await;
        }
        ids.truncate(100);
        let variables = json!({
            "name": "wide", "first": MANY, "ids": ids, "workspace": workspace, "template": template.id,
        });
        Some(Self { app, owner, variables })
    }

    /// Statements of an operation, and how many rows its largest list has.
    async fn measure(&self, log: &RequestLog, operation: &str) -> (u64, usize) {
        let document = std::fs::read_to_string(folder().join(format!("{operation}.graphql"))).unwrap();
        let variables: Value = self
            .variables
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| document.contains(&format!("${name}:")))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let data = self.app.ok(&self.owner, &document, variables).await;
        (log.statements(), longest(&data))
    }
}

fn longest(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(longest).max().unwrap_or_default().max(items.len()),
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Members who never sign in.
async fn people(app: &TestApp, owner: &Person, org: &Org, rows: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for n in 0..rows {
        let username = format!("member-{n}");
        let payload = app
            .run(
                owner,
                "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }",
                json!({ "input": {
                    "username": username, "email": format!("{username}@example.com"), "organizationIds": [org.id],
                } }),
            )
            .await;
        let id = payload["user"]["id"].as_str().unwrap().to_owned();
        people.push(Person { id, username, token: String::new() });
    }
    people
}

/// One more build of a workspace.
async fn history(app: &TestApp, owner: &Person, daemon: &Daemon, workspace: &str, n: usize) {
    let action = if n % 2 == 1 { "stop" } else { "start" };
    let mutation = format!(
        "mutation($id: ID!) {{ {action}Workspace(input: {{ workspaceId: $id }}) {{ userErrors {{ message }} }} }}"
    );
    app.run(owner, &mutation, json!({ "id": workspace })).await;
    let job = app.acquire(daemon).await.unwrap();
    app.append_logs(daemon, &job, 1, &["one", "two"]).await;
    app.complete(daemon, &job, plain_build()).await;
}

/// Other organizations, with a workspace of the owner's in each.
async fn neighbours(app: &TestApp, owner: &Person, rows: usize) {
    for n in 0..rows {
        let org = app.organization(owner, &format!("neighbour-{n}")).await;
        let key = app.provisioner_key(owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template: Template = app.template(owner, &org, "template").await;
        app.work(&daemon).await;
        app.workspace(owner, &template, "workspace", "").await;
    }
}
