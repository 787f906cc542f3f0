//! How a database would go about a statement, and what is wrong with that.

use std::collections::HashMap;

use guildhall::db::Settings;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use super::sqlite::{Counted, Outline};

use crate::support::tables::Tables;

/// How many rows a table may have that is read from end to end.
pub(super) const READ: f64 = 1000.0;
/// How many rows a sort may be expected to take: what an index has narrowed a list down to. A page has at most a hundred.
pub(super) const SORTED: f64 = 500.0;

/// Asks a database for its plans, once for each statement.
pub(super) struct Planner {
    connection: Connection,
    /// How many rows each table has, and each index.
    sizes: HashMap<String, f64>,
    known: HashMap<(String, bool), Option<String>>,
}

enum Connection {
    Sqlite(Counted),
    Postgres(PgConnection),
}

impl Planner {
    pub(super) async fn connect(settings: &Settings) -> Self {
        let mut connection = match settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                Connection::Sqlite(Counted::new(SqliteConnection::connect(&url).await.unwrap()))
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
        match &mut connection {
            Connection::Sqlite(counted) => sizes.extend(counted.partial_indexes().await),
            Connection::Postgres(connection) => {
                let query = "select relname::text, reltuples::float8 from pg_class where relkind = 'i'";
                let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
                sizes.extend(rows.iter().map(|row| (row.get::<String, _>(0), row.get::<f64, _>(1))));
            }
        }
        Self { connection, sizes, known: HashMap::new() }
    }

    /// How many rows a table has.
    pub(super) fn size(&self, table: &str) -> f64 {
        self.sizes[table]
    }

    /// What is wrong with the plan of a statement, with the plan. `narrowed` says that a filter, or what the actor may see, leaves
    /// out some of what there is.
    pub(super) async fn problem(&mut self, sql: &str, narrowed: bool) -> Option<String> {
        let asked = (sql.to_owned(), narrowed);
        if let Some(known) = self.known.get(&asked) {
            return known.clone();
        }
        let (plan, problem) = match &mut self.connection {
            Connection::Sqlite(counted) => {
                let outline = Outline::of(counted, sql, &self.sizes).await;
                let problem = outline.problem(counted, narrowed).await;
                (outline.to_string(), problem)
            }
            Connection::Postgres(connection) => {
                let plan = postgres(connection, sql).await;
                let problem = wrong_on_postgres(&plan, &self.sizes, narrowed, false);
                (outline(&plan, 0), problem)
            }
        };
        let problem = problem.map(|problem| format!("{problem}\n{sql}\n    {plan}"));
        self.known.insert(asked, problem.clone());
        problem
    }

    /// How it would go about a statement, step by step.
    pub(super) async fn plan(&mut self, sql: &str) -> String {
        match &mut self.connection {
            Connection::Sqlite(counted) => Outline::of(counted, sql, &self.sizes).await.to_string(),
            Connection::Postgres(connection) => outline(&postgres(connection, sql).await, 0),
        }
    }

    /// How many statements it was asked about.
    pub(super) fn statements(&self) -> usize {
        self.known.len()
    }
}

async fn postgres(connection: &mut PgConnection, sql: &str) -> Value {
    // The server says of what type its values are.
    let sql = sql.replace("unnest($1)", "unnest($1::uuid[])");
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

/// The condition under which a list is walked with whatever else is asked once (`FEW` in `src/db/few.rs`).
const MANY: &str = " >= 1000)";

/// What is wrong with a node of a plan or one below it. `walks` says that it may walk past what is left out.
fn wrong_on_postgres(
    node: &Value,
    sizes: &HashMap<String, f64>,
    narrowed: bool,
    walks: bool,
) -> Option<String> {
    let once = text(node, "One-Time Filter");
    // `1 = 0`, with its numbers as values: asked once, before anything is read.
    if once.contains(" = ") {
        return None;
    }
    // What is walked where so many have a text, and not read at all where they are fewer, is full soon.
    let walks = walks || once.contains(MANY) && !once.contains(" OR ");
    let table = text(node, "Relation Name");
    let is_big = |name: &str| sizes.get(name).is_some_and(|&rows| rows > READ);
    match text(node, "Node Type") {
        "Seq Scan" if is_big(table) => return Some(format!("reads `{table}` from end to end")),
        "Index Scan" | "Index Only Scan"
            if !walks
                && is_big(text(node, "Index Name"))
                && node["Index Cond"].is_null()
                && (narrowed || !node["Filter"].is_null()) =>
        {
            return Some(format!("walks `{table}` past what is left out: {}", text(node, "Filter")));
        }
        "Sort" => {
            let rows = below(node).first().and_then(|input| input["Plan Rows"].as_f64()).unwrap_or_default();
            if rows > SORTED {
                return Some(format!("sorts {rows} rows"));
            }
        }
        _ => {}
    }
    below(node).iter().find_map(|node| wrong_on_postgres(node, sizes, narrowed, walks))
}
