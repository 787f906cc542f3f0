//! What the server asks a database, and how that would go about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use guildhall::db::Settings;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::support::Backend;

/// Hears every statement of this process; SQLite's run on threads of their own.
#[derive(Clone)]
pub(super) struct Listener(Arc<Mutex<Vec<String>>>);

impl Listener {
    /// Begins to listen.
    pub(super) fn install() -> Self {
        let listener = Self(Arc::default());
        let subscriber = tracing_subscriber::registry().with(listener.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        listener
    }

    /// What was asked since the last look.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The page that was asked for since the last look. SQLite's threads may tell of it after the answer has come.
    pub(super) fn page(&self) -> String {
        const LOOKS: usize = 1_000_000;
        for _ in 0..LOOKS {
            if let Some(sql) = self.take().into_iter().rev().find(|sql| is_page(sql)) {
                return sql;
            }
            std::thread::yield_now();
        }
        panic!("no page was read");
    }
}

impl<S: tracing::Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut statement = Statement(String::new());
        event.record(&mut statement);
        self.0.lock().unwrap().push(statement.0);
    }
}

struct Statement(String);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" {
            value.trim().clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Whether a statement reads a page of a list.
fn is_page(sql: &str) -> bool {
    sql.starts_with("SELECT") && sql.contains(" LIMIT ")
}

/// Asks a database for its plans, once for each statement.
pub(super) struct Planner {
    connection: Connection,
    known: HashMap<String, Option<String>>,
}

enum Connection {
    Sqlite(SqliteConnection),
    /// With the number of rows of each table.
    Postgres(PgConnection, HashMap<String, f64>),
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
                let sizes = sizes(&mut connection).await;
                Connection::Postgres(connection, sizes)
            }
        };
        Self { connection, known: HashMap::new() }
    }

    /// What is wrong with the plan of a statement, with the plan.
    pub(super) async fn problem(&mut self, sql: &str) -> Option<String> {
        if let Some(known) = self.known.get(sql) {
            return known.clone();
        }
        let (plan, problem) = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let lines = sqlite(connection, sql).await;
                let problem = lines.iter().find_map(|line| wrong_on_sqlite(line));
                (lines.join("\n    "), problem)
            }
            Connection::Postgres(connection, sizes) => {
                let plan = postgres(connection, sql).await;
                let problem = wrong_on_postgres(&plan, sizes);
                (outline(&plan, 0), problem)
            }
        };
        let problem = problem.map(|problem| format!("{problem}\n{sql}\n    {plan}"));
        self.known.insert(sql.to_owned(), problem.clone());
        problem
    }
}

async fn sqlite(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let query = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}")));
    let rows = query.fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// A walk along an index in the order of the list stops with the page: `SCAN x USING INDEX`.
fn wrong_on_sqlite(line: &str) -> Option<String> {
    let whole = line.starts_with("SCAN ") && !line.contains("USING INDEX") && !line.contains("CONSTANT ROW");
    let computed = ["SCAN page", "SCAN (", "SCAN SUBQUERY"].iter().any(|of| line.starts_with(of));
    let sorted = line == "USE TEMP B-TREE FOR ORDER BY";
    ((whole && !computed) || sorted).then(|| line.to_owned())
}

async fn postgres(connection: &mut PgConnection, sql: &str) -> Value {
    let parameters = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
    let values = vec!["null"; parameters].join(", ");
    let values = if parameters == 0 { String::new() } else { format!("({values})") };
    let prepare = sqlx::raw_sql(AssertSqlSafe(format!("deallocate all; prepare page as {sql}")));
    prepare.execute(&mut *connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let explain = AssertSqlSafe(format!("explain (format json) execute page{values}"));
    let row = sqlx::raw_sql(explain).fetch_one(connection).await.unwrap();
    row.get::<Value, _>(0)[0]["Plan"].clone()
}

/// A plan as people read it.
fn outline(node: &Value, depth: usize) -> String {
    let text = |field: &str| node[field].as_str().map(|text| format!(" {text}")).unwrap_or_default();
    let line = format!(
        "{}{}{}{} rows={}{}{}",
        "  ".repeat(depth),
        node["Node Type"].as_str().unwrap_or_default(),
        text("Relation Name"),
        text("Index Name"),
        node["Plan Rows"],
        text("Index Cond"),
        text("Filter"),
    );
    let below = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = std::iter::once(line).chain(below.iter().map(|node| outline(node, depth + 1)));
    lines.collect::<Vec<_>>().join("\n    ")
}

/// How many rows a sort may be expected to take: what an index has narrowed a list down to. A page has at most a hundred.
const SORTED: f64 = 500.0;
/// How many rows a table may have that is read from end to end.
const READ: f64 = 1000.0;

/// What is wrong with a node of a plan or one below it.
fn wrong_on_postgres(node: &Value, sizes: &HashMap<String, f64>) -> Option<String> {
    let below = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    match node["Node Type"].as_str().unwrap_or_default() {
        "Seq Scan" => {
            let table = node["Relation Name"].as_str().unwrap_or_default();
            let rows = sizes.get(table).copied().unwrap_or_default();
            if rows > READ {
                return Some(format!("reads the {rows} rows of `{table}` from end to end"));
            }
        }
        "Sort" => {
            let rows = below.first().and_then(|input| input["Plan Rows"].as_f64()).unwrap_or_default();
            if rows > SORTED {
                return Some(format!("sorts {rows} rows"));
            }
        }
        _ => {}
    }
    below.iter().find_map(|node| wrong_on_postgres(node, sizes))
}

/// How many rows each table has, as far as the planner knows.
async fn sizes(connection: &mut PgConnection) -> HashMap<String, f64> {
    let query = sqlx::query("select relname::text, reltuples::float8 from pg_class where relkind = 'r'");
    let rows = query.fetch_all(connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// What the benchmarks' data set does not have: two years of the audit log, keys, daemons, and the lines of a job.
pub(super) fn records(backend: Backend) -> Vec<String> {
    let series = "with recursive series (n) as (select 1 union all select n + 1 from series where n < 20000)";
    let (id, organization, user, json) = match backend {
        Backend::Postgres => (
            "cast('01900000-0000-7000-80a0-' || lpad(to_hex(cast(n as bigint)), 12, '0') as uuid)",
            "(select id from organization where name = 'org-' || (n % 40 + 1))",
            "(select id from \"user\" where username = 'user' || lpad(cast(n % 2000 + 1 as text), 5, '0'))",
            "cast('{}' as jsonb)",
        ),
        Backend::Sqlite => (
            "unhex('0190000000007000' || '80a0' || printf('%012x', n))",
            "(select id from organization where name = 'org-' || (n % 40 + 1))",
            "(select id from \"user\" where username = 'user' || printf('%05d', n % 4000 + 1))",
            "'{}'",
        ),
    };
    let (time, bytes) = match backend {
        Backend::Postgres => {
            ("timestamptz '2024-01-01Z' + n * interval '1 minute'", "decode(lpad(to_hex(n), 64, '0'), 'hex')")
        }
        Backend::Sqlite => (
            "strftime('%Y-%m-%dT%H:%M:%S', 1704067200 + n * 60, 'unixepoch') || '+00:00'",
            "unhex(printf('%064x', n))",
        ),
    };
    vec![
        format!(
            "insert into audit_log (id, time, actor_kind, actor_id, actor_name, organization_id, action, resource, resource_id,
                resource_name, diff, status, request_id, ip)
             {series} select {id}, {time}, 'USER', {user}, 'somebody', {organization},
                case n % 3 when 0 then 'CREATE' when 1 then 'UPDATE' else 'DELETE' end,
                case n % 2 when 0 then 'GROUP' else 'MEMBER' end, {id}, 'something', {json},
                case n % 50 when 0 then 'DENIED' else 'SUCCESS' end, '', '' from series"
        ),
        format!(
            "insert into provisioner_key (id, organization_id, name, tags, secret_hash, created_by, created_at, updated_at)
             {series} select {id}, {organization}, 'key-' || n, {json}, {bytes}, {user}, {time}, {time} from series
             where n <= 4000"
        ),
        format!(
            "insert into provisioner_daemon (id, organization_id, provisioner_key_id, name, version, engines, tags, last_seen_at,
                created_at, updated_at)
             {series} select {id}, {organization}, null, 'daemon-' || n, '1', {}, {json}, {time}, {time}, {time} from series
             where n <= 8000",
            if backend == Backend::Postgres { "cast('[]' as jsonb)" } else { "'[]'" }
        ),
        format!(
            "insert into provisioner_job_log (provisioner_job_id, sequence, organization_id, time, level, source, stage, text)
             {series} select j.id, n, j.organization_id, {time}, 'INFO', 'DAEMON', 'Plan', 'a line' from series
             join (select id, organization_id from provisioner_job order by created_at limit 20) j on n <= 1000"
        ),
    ]
}
