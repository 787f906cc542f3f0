//! Every list, in every order and by every filter, as everybody who may ask: how the databases would read it, with 10 k
//! users, 100 organizations and 100 k workspaces. No table that grows is read from end to end, no deployment-wide index is
//! walked past what a filter leaves out, and nothing is sorted but what an index has narrowed down. What is excused stands
//! in [`EXCUSED`], with its reason.

#[path = "../benches/dataset.rs"]
pub(crate) mod dataset;
mod library;
mod planner;
mod queue;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use self::library::Library;
use self::planner::Planner;
use crate::support::Backend;
use crate::support::statements::AskedLog;

/// A list whose plan may be otherwise: which, by what filter or in what order, and as whom (`*` for any), on which database,
/// and why.
type Excuse = (&'static str, &'static str, &'static str, Option<Backend>, &'static str);

/// What is excused. A line that excuses nothing (any more) fails the test.
const EXCUSED: &[Excuse] = &[
    ("Query.users", "LAST_SEEN_AT_ASC", "admin", None, SEEN),
    ("Query.users", "LAST_SEEN_AT_DESC", "admin", None, SEEN),
];

/// adr/0011
const SEEN: &str =
    "when somebody was last seen stands with them alone: an administrator walks along it, with a lookup each";

fn excused(list: &str, (filter, order): (&str, &str), who: &str, backend: Backend) -> Option<usize> {
    let fits = |rule: &str, value: &str| rule == "*" || rule == value;
    EXCUSED.iter().position(|(of, by, whom, on, _)| {
        fits(of, list)
            && (fits(by, filter) || order.ends_with(&format!(" {by}")))
            && fits(whom, who)
            && on.is_none_or(|on| on == backend)
    })
}

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
    let mut excuses = BTreeSet::new();
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
                        if !code.is_null() {
                            break;
                        }
                        assert!(!asked.is_empty(), "nothing was asked of the database: {document}\n{body:#}");
                        pages += 1;
                        let narrowed = !filter.is_empty() || *who != "owner";
                        for sql in asked {
                            let Some(problem) = planner.problem(&sql, narrowed).await else { continue };
                            match excused(&shelf.name, (&filter, &order), who, backend) {
                                Some(excuse) => _ = excuses.insert(excuse),
                                None => {
                                    let what = format!("{} by `{filter}`{order} as {who}", shelf.name);
                                    wrong.entry(what).or_insert(problem);
                                }
                            }
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
    let idle: Vec<_> = EXCUSED
        .iter()
        .enumerate()
        .filter(|(at, excuse)| excuse.3.is_none_or(|on| on == backend) && !excuses.contains(at))
        .map(|(_, excuse)| excuse)
        .collect();
    assert!(idle.is_empty(), "these excuse nothing: {idle:#?}");
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
