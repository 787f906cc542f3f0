//! Who may follow what. Everybody asks for everything that has happened to an organization's things, from before they were
//! made.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::cast::{ABSENT, Cast, FORBIDDEN, GRANTED, UNAUTHENTICATED, listed, of_code};
use crate::live::Sent;
use crate::support::schema::Schema;
use crate::support::world::World;
use crate::support::{Backend, TestApp};

/// It is followed, and nothing is told.
const SILENT: char = '0';
/// How long one who may follow, but is told nothing, is listened to. What is told is there already, and comes at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is followed: with each set of arguments that means something else.
fn ways(world: &World, build: &str, after: &str) -> Vec<(&'static str, String)> {
    let (org, workspace, job, daemon) = (&world.org.id, &world.workspace, &world.job, &world.daemon.id);
    vec![
        ("auditLogAdded", format!("(after: \"{after}\")")),
        ("auditLogAdded(organizationId)", format!("(organizationId: \"{org}\", after: \"{after}\")")),
        ("organizationEvents(organizationId)", format!("(organizationId: \"{org}\", after: \"{after}\")")),
        (
            "provisionerDaemonChanged(organizationId)",
            format!("(organizationId: \"{org}\", after: \"{after}\")"),
        ),
        (
            "provisionerDaemonChanged(organizationId, daemonId)",
            format!("(organizationId: \"{org}\", daemonId: \"{daemon}\", after: \"{after}\")"),
        ),
        ("provisionerJobChanged", format!("(after: \"{after}\")")),
        ("provisionerJobChanged(organizationId)", format!("(organizationId: \"{org}\", after: \"{after}\")")),
        ("provisionerJobChanged(jobId)", format!("(jobId: \"{job}\", after: \"{after}\")")),
        ("provisionerJobLogs(jobId)", format!("(jobId: \"{job}\")")),
        ("workspaceBuildLogs(buildId)", format!("(buildId: \"{build}\")")),
        ("workspaceChanged", format!("(after: \"{after}\")")),
        ("workspaceChanged(organizationId)", format!("(organizationId: \"{org}\", after: \"{after}\")")),
        ("workspaceChanged(workspaceId)", format!("(workspaceId: \"{workspace}\", after: \"{after}\")")),
    ]
}

fn field(way: &str) -> &str {
    way.split('(').next().unwrap()
}

#[rstest]
#[tokio::test]
async fn who_follows_what_is_the_reviewed_table(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let shared = app.user(&owner, "wanda-of-both", &[]).await;
    let elsewhere = app.organization(&owner, "elsewhere").await;
    let home = app.organization(&owner, "home").await;
    let mut cast = Cast::of(&app, &owner, &home, &elsewhere).await;
    let before = app.settled_cursor(&owner).await;
    let world = app.fill(&owner, home, "home", &shared).await;
    cast.add("listed ADMIN", &listed(&app, &owner, &world.org, &[&world.template]).await.token);
    cast.add("whose it is", &world.member.token);
    cast.add("daemon", &world.key.secret);
    app.settled_cursor(&owner).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Workspace { latestBuild { id } } } }";
    let body = app.ok(&owner, query, json!({ "id": world.workspace })).await;
    let build = body["node"]["latestBuild"]["id"].as_str().unwrap();

    let ways = ways(&world, build, &before);
    let asked: BTreeSet<&str> = ways.iter().map(|(way, _)| field(way)).collect();
    let known = Schema::committed().fields("Subscription");
    let unasked: Vec<_> = known.iter().filter(|known| !asked.contains(known.name.as_str())).collect();
    assert!(unasked.is_empty(), "teach this test `{}`", unasked[0].name);
    let mut rows: Vec<(&str, Vec<char>)> = Vec::new();
    for (way, arguments) in &ways {
        let document = format!("subscription {{ {}{arguments} {{ __typename }} }}", field(way));
        let askers = cast.askers.iter().map(|asker| outcome(&app, asker.token.as_deref(), &document));
        rows.push((*way, join_all(askers).await));
    }
    let table = cast.table(rows.iter().map(|(way, cells)| (*way, cells.as_slice())));
    let legend = format!(
        "{GRANTED} is told   {SILENT} may follow, and is told nothing   {FORBIDDEN} forbidden   {ABSENT} as if it were not \
         there   {UNAUTHENTICATED} unauthenticated"
    );
    let notes = Cast::notes();
    insta::with_settings!({ omit_expression => true, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("follows", format!("{legend}\n{notes}\n\n{table}"));
    });
}

/// What somebody is told first.
async fn outcome(app: &TestApp, token: Option<&str>, document: &str) -> char {
    let of_errors = |answer: &Value| {
        let code = answer["errors"][0]["extensions"]["code"].as_str()?;
        Some(of_code(code).unwrap_or_else(|| panic!("{document}: {answer:#}")))
    };
    let mut stream = match app.try_follow(token, document, json!({}), None).await {
        Ok(stream) => stream,
        Err(refusal) => return of_errors(&refusal).unwrap_or_else(|| panic!("{document}: {refusal:#}")),
    };
    match timeout(PATIENCE, stream.next()).await {
        Ok(Sent::Next(_, answer)) => of_errors(&answer).unwrap_or(GRANTED),
        Ok(Sent::Complete) | Err(_) => SILENT,
    }
}
