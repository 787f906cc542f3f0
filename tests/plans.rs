//! Every list, in every order and by every filter, as everybody who may ask: how the databases would read it, with 10 k
//! users, 100 organizations and 100 k workspaces. No table that grows is read from end to end, no deployment-wide index is
//! walked past what a filter leaves out, and nothing is sorted but what an index has narrowed down.

#[path = "../benches/dataset.rs"]
pub(crate) mod dataset;
mod library;
mod planner;
mod queue;
mod sqlite;

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};

use self::library::Library;
use self::planner::Planner;
use crate::support::Backend;
use crate::support::statements::AskedLog;

#[rstest]
#[tokio::test]
async fn no_list_is_read_from_end_to_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(library) = Library::start(backend).await else { return };
    let mut planner = Planner::connect(&library.app.settings).await;
    for (table, rows) in
        [("user", 10_000.0), ("organization", 100.0), ("workspace", 100_000.0), ("audit_log", 100_000.0)]
    {
        assert!(planner.size(table) >= rows, "{table}");
    }
    let log = AskedLog::listen();
    let mut wrong = BTreeMap::new();
    let mut pages = 0;
    for shelf in library.shelves() {
        for (filter, argument) in library.filters(&shelf.field) {
            for order in library.orders(&shelf.field) {
                for (who, person) in &library.people {
                    // The first page, and once the one after it.
                    let mut after = String::new();
                    for _ in 0..if *who == "owner" { 2 } else { 1 } {
                        let document = shelf.ask(&format!("{order}{argument}{after}"));
                        let body = library.app.graphql(Some(&person.token), &document, json!({})).await;
                        let asked = log.take();
                        let code = &body["errors"][0]["extensions"]["code"];
                        assert!(code.is_null() || code == "FORBIDDEN", "{document}\n{body:#}");
                        let answered = code.is_null();
                        assert!(
                            !answered || !asked.is_empty(),
                            "nothing was asked of the database: {document}\n{body:#}"
                        );
                        pages += usize::from(answered);
                        let narrowed = !filter.is_empty() || *who != "owner";
                        for sql in asked {
                            let Some(problem) = planner.problem(&sql, narrowed).await else { continue };
                            let what = format!("{} by `{filter}`{order} as {who}", shelf.name);
                            wrong.entry(what).or_insert(problem);
                        }
                        let Some(end) = end_cursor(&body["data"]) else { break };
                        after = format!(", after: \"{end}\"");
                    }
                }
            }
        }
    }
    println!("{pages} pages, {} statements", planner.statements());
    assert!(pages > 500 && planner.statements() > 100, "{pages} pages, {} statements", planner.statements());
    let report: Vec<String> = wrong.iter().map(|(what, problem)| format!("{what}: {problem}")).collect();
    assert!(wrong.is_empty(), "{} lists\n{}", wrong.len(), report.join("\n\n"));
}

/// The cursor of the only list of an answer.
fn end_cursor(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get("endCursor") {
            Some(cursor) => cursor.as_str().map(str::to_owned),
            None => fields.values().find_map(end_cursor),
        },
        Value::Array(items) => items.iter().find_map(end_cursor),
        _ => None,
    }
}
