//! What provisioning asks again and again, with 1,000 jobs waiting in an organization that has done 20,000: the turn of a job
//! that comes in, and how jobs ended over time.

use rstest::rstest;
use serde_json::{Value, json};

use super::dataset::{Dialect, Size, written};
use super::planner::Planner;
use crate::support::statements::AskedLog;
use crate::support::{Backend, Org, Person, TestApp};

/// `users` jobs wait, `workspaces` have ended.
const SIZE: Size = Size { organizations: 10, users: 1_000, workspaces: 20_000, builds: 1 };

async fn busy(backend: Backend) -> Option<(TestApp, Person, Org)> {
    let app = TestApp::start(backend).await?;
    let owner = app.owner().await;
    app.user(&owner, "bench", &[]).await;
    let org = app.organization(&owner, "busy").await;
    let dialect = match backend {
        Backend::Sqlite => Dialect::Sqlite,
        Backend::Postgres => Dialect::Postgres,
    };
    let mut fill = written(include_str!("queue.sql"), dialect, SIZE);
    if backend == Backend::Postgres {
        fill.push("analyze".to_owned());
    }
    app.tables().execute(&fill.join(";\n")).await;
    Some((app, owner, org))
}

/// The plans of the statements that have this in them.
async fn plans(app: &TestApp, asked: Vec<String>, what: &str) -> Vec<String> {
    let mut planner = Planner::connect(&app.settings).await;
    assert!(planner.size("provisioner_job") >= 21_000.0);
    let mut plans = Vec::new();
    for sql in asked.iter().filter(|sql| sql.contains(what)) {
        plans.push(planner.plan(sql).await);
    }
    assert!(!plans.is_empty(), "nothing of `{what}` was asked: {asked:#?}");
    plans
}

/// No plan reads the table from end to end.
fn reads_all(plan: &str) -> bool {
    let mut lines = plan.lines().map(str::trim);
    lines.any(|line| line.starts_with("Seq Scan provisioner_job") || line.starts_with("SCAN provisioner_job"))
}

#[rstest]
#[tokio::test]
async fn the_turn_of_a_job_is_looked_up_at_the_heads_of_indexes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((app, owner, org)) = busy(backend).await else { return };
    let log = AskedLog::listen();
    app.template(&owner, &org, "one-more").await;
    let asked = log.take();
    for plan in plans(&app, asked, "coalesce(initiator_id, owner_id)").await {
        assert!(!reads_all(&plan), "{plan}");
        // Whose last one it is, the round of its queue, and that of the others: each is the first entry of an index.
        for index in ["ix_provisioner_job_initiator", "ix_provisioner_job_round", "ix_provisioner_job_queue"]
        {
            assert!(plan.contains(index), "{index}:\n{plan}");
        }
        let sorts = plan.contains("Sort") || plan.contains("USE TEMP B-TREE");
        assert!(!sorts, "the head of an index needs no sorting:\n{plan}");
        assert_eq!(
            plan.matches("provisioner_job USING").count().max(plan.matches(" Scan ").count()),
            3,
            "{plan}"
        );
    }
    // Its queue was empty: it begins with the round of those that wait in the other.
    let turn = "select cast(turn as text) from provisioner_job where state = 'PENDING' and cast(tags as text) = '{}'";
    assert_eq!(app.tables().texts(turn).await, ["7"]);
}

#[rstest]
#[tokio::test]
async fn how_jobs_ended_is_read_of_the_span_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((app, owner, org)) = busy(backend).await else { return };
    let log = AskedLog::listen();
    let query = "query($name: String!) { organization(by: { name: $name }) { provisionerHealth {
        hours: history { succeeded } days: history(width: DAY, last: 100) { succeeded }
        imports: history(type: TEMPLATE_IMPORT) { succeeded } jobs { succeeded }
    } } }";
    let data = app.ok(&owner, query, json!({ "name": org.name })).await;
    let health = &data["organization"]["provisionerHealth"];
    let lengths = ["hours", "days", "imports"].map(|of| health[of].as_array().map(Vec::len));
    assert_eq!(lengths, [Some(24), Some(100), Some(24)], "{health:#}");
    assert_eq!(health["jobs"], Value::Array(Vec::new()), "they ended long ago");
    let asked = log.take();
    let of_history = plans(&app, asked, "AS \"period\"").await;
    assert_eq!(of_history.len(), 3, "a statement for each span");
    for plan in of_history {
        assert!(!reads_all(&plan), "{plan}");
        assert!(plan.contains("ix_provisioner_job_completed_at"), "{plan}");
        assert!(
            plan.contains("completed_at >") || plan.contains("completed_at>"),
            "it begins with the span:\n{plan}"
        );
    }
}
