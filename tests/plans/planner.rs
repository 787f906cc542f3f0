//! How a database would go about a statement, and what is wrong with that.

use std::collections::HashMap;

use guildhall::db::Settings;
use regex::Regex;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::support::tables::Tables;

/// How many rows a table may have that is read from end to end.
const READ: f64 = 1000.0;
/// How many rows a sort may be expected to take: what an index has narrowed a list down to. A page has at most a hundred.
const SORTED: f64 = 500.0;

/// Asks a database for its plans, once for each statement.
pub(super) struct Planner {
    connection: Connection,
    /// How many rows each table has.
    sizes: HashMap<String, f64>,
    known: HashMap<String, Option<String>>,
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Planner {
    pub(super) async fn connect(settings: &Settings) -> Self {
        let connection = match settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                Connection::Sqlite(SqliteConnection::connect(&url).await.unwrap())
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                // As the server's connections are: one plan, whatever the values.
                let setting = sqlx::raw_sql("set plan_cache_mode = force_generic_plan");
                setting.execute(&mut connection).await.unwrap();
                Connection::Postgres(connection)
            }
        };
        let tables = Tables::of(settings);
        let mut sizes = HashMap::new();
        for name in tables.names().await {
            let rows = tables.count(&name).await;
            sizes.insert(name, rows as f64);
        }
        Self { connection, sizes, known: HashMap::new() }
    }

    /// How many rows a table has.
    pub(super) fn size(&self, table: &str) -> f64 {
        self.sizes[table]
    }

    /// What is wrong with the plan of a statement, with the plan.
    pub(super) async fn problem(&mut self, sql: &str) -> Option<String> {
        if let Some(known) = self.known.get(sql) {
            return known.clone();
        }
        let (plan, problem) = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let steps = sqlite(connection, sql).await;
                let problem = wrong_on_sqlite(&steps, sql, &self.sizes);
                let lines: Vec<_> = steps.iter().map(|step| step.text.as_str()).collect();
                (lines.join("\n    "), problem)
            }
            Connection::Postgres(connection) => {
                let plan = postgres(connection, sql).await;
                let problem = wrong_on_postgres(&plan, &self.sizes);
                (outline(&plan, 0), problem)
            }
        };
        let problem = problem.map(|problem| format!("{problem}\n{sql}\n    {plan}"));
        self.known.insert(sql.to_owned(), problem.clone());
        problem
    }

    /// How many statements it was asked about.
    pub(super) fn statements(&self) -> usize {
        self.known.len()
    }
}

/// A line of SQLite's plan: what it is a part of, and what it says.
struct Step {
    parent: i64,
    text: String,
}

async fn sqlite(connection: &mut SqliteConnection, sql: &str) -> Vec<Step> {
    let query = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}")));
    let rows = query.fetch_all(connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| Step { parent: row.get("parent"), text: row.get("detail") }).collect()
}

/// The plan says aliases: the tables they stand for.
fn aliases(sql: &str) -> HashMap<String, String> {
    let named = Regex::new(r#"(?:FROM|JOIN) "(\w+)" AS "(\w+)""#).unwrap();
    named.captures_iter(sql).map(|found| (found[2].to_owned(), found[1].to_owned())).collect()
}

fn wrong_on_sqlite(steps: &[Step], sql: &str, sizes: &HashMap<String, f64>) -> Option<String> {
    let aliases = aliases(sql);
    // What is no table is a part of the statement with a plan of its own.
    let size_of = |step: &Step| {
        let name = step.text.split(' ').nth(1)?;
        sizes.get(aliases.get(name).map_or(name, String::as_str))
    };
    let is_filtered = Regex::new("WHERE.*AND").unwrap().is_match(sql);
    for step in steps {
        let is_big = size_of(step).is_some_and(|&rows| rows > READ);
        let scans = step.text.starts_with("SCAN ") && is_big;
        if scans && !step.text.contains("USING") {
            return Some(format!("reads from end to end: {}", step.text));
        }
        if scans && is_filtered {
            return Some(format!("walks past what a filter leaves out: {}", step.text));
        }
        // A sort of pages, each of which was read by itself, takes no more than they hold.
        let beside = || steps.iter().filter(|other| other.parent == step.parent);
        let of_pages =
            || beside().any(|other| ["SCAN page", "SCAN (sub"].iter().any(|is| other.text.starts_with(is)));
        if step.text == "USE TEMP B-TREE FOR ORDER BY" && !of_pages() {
            return Some("sorts what it reads".to_owned());
        }
    }
    None
}

async fn postgres(connection: &mut PgConnection, sql: &str) -> Value {
    let parameters = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
    let values = vec!["null"; parameters].join(", ");
    let values = if parameters == 0 { String::new() } else { format!("({values})") };
    let prepare = sqlx::raw_sql(AssertSqlSafe(format!("deallocate all; prepare asked as {sql}")));
    prepare.execute(&mut *connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let explain = AssertSqlSafe(format!("explain (format json) execute asked{values}"));
    let row = sqlx::raw_sql(explain).fetch_one(connection).await.unwrap();
    row.get::<Value, _>(0)[0]["Plan"].clone()
}

fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node[field].as_str().unwrap_or_default()
}

fn below(node: &Value) -> &[Value] {
    node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A plan as people read it.
fn outline(node: &Value, depth: usize) -> String {
    let fields =
        ["Node Type", "Relation Name", "Index Name", "Index Cond", "Filter"].map(|field| text(node, field));
    let line = format!("{}{} rows={}", "  ".repeat(depth), fields.join(" "), node["Plan Rows"]);
    let lines = std::iter::once(line).chain(below(node).iter().map(|node| outline(node, depth + 1)));
    lines.collect::<Vec<_>>().join("\n    ")
}

/// What is wrong with a node of a plan or one below it.
fn wrong_on_postgres(node: &Value, sizes: &HashMap<String, f64>) -> Option<String> {
    let table = text(node, "Relation Name");
    let is_big = sizes.get(table).is_some_and(|&rows| rows > READ);
    match text(node, "Node Type") {
        "Seq Scan" if is_big => return Some(format!("reads `{table}` from end to end")),
        "Index Scan" | "Index Only Scan"
            if is_big && node["Index Cond"].is_null() && !node["Filter"].is_null() =>
        {
            return Some(format!("walks `{table}` past what a filter leaves out: {}", text(node, "Filter")));
        }
        "Sort" => {
            let rows = below(node).first().and_then(|input| input["Plan Rows"].as_f64()).unwrap_or_default();
            if rows > SORTED {
                return Some(format!("sorts {rows} rows"));
            }
        }
        _ => {}
    }
    below(node).iter().find_map(|node| wrong_on_postgres(node, sizes))
}
