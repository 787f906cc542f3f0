//! SQLite's plans. They give no numbers, so how many rows a sort takes is counted: the most that the index of each step
//! holds for one value of what it is searched by.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::planner::{READ, SORTED};

/// What a statement calls its tables and views.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:FROM|JOIN) "(\w+)" AS "(\w+)""#).expect("it is an expression"));

/// By which columns a step searches.
static EQUAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\w+)=\?").expect("it is an expression"));

/// What a page of a list holds at most, with the row after it.
const PAGE: f64 = 101.0;

/// A database, and what was counted in it.
pub(super) struct Counted {
    connection: SqliteConnection,
    known: HashMap<String, f64>,
}

impl Counted {
    pub(super) fn new(connection: SqliteConnection) -> Self {
        Self { connection, known: HashMap::new() }
    }

    /// How many rows of a table have the same in some columns at most.
    async fn most(&mut self, table: &str, columns: &str) -> f64 {
        let query = format!(
            "select cast(coalesce(max(n), 0) as real) from (select count(*) as n from \"{table}\" group by {columns})"
        );
        if let Some(known) = self.known.get(&query) {
            return *known;
        }
        let most =
            sqlx::query_scalar(AssertSqlSafe(query.clone())).fetch_one(&mut self.connection).await.unwrap();
        self.known.insert(query, most);
        most
    }

    /// How many rows each index has that holds but some of its table.
    pub(super) async fn partial_indexes(&mut self) -> HashMap<String, f64> {
        let query =
            "select name, tbl_name, sql from sqlite_master where type = 'index' and sql like '%where %'";
        let mut sizes = HashMap::new();
        for row in sqlx::query(query).fetch_all(&mut self.connection).await.unwrap() {
            let (name, table, sql): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let (_, condition) = sql.split_once("where ").unwrap();
            let count = format!("select cast(count(*) as real) from \"{table}\" where {condition}");
            let rows =
                sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut self.connection).await.unwrap();
            sizes.insert(name, rows);
        }
        sizes
    }
}

/// The plan of a statement.
pub(super) struct Outline<'a> {
    steps: Vec<Step>,
    /// The tables and views that the statement's aliases stand for: the plan says aliases.
    aliases: HashMap<String, String>,
    sizes: &'a HashMap<String, f64>,
    /// It is not asked for anything that there could be.
    is_void: bool,
}

/// A line of a plan: what it is a part of, and what it says.
struct Step {
    id: i64,
    parent: i64,
    text: String,
}

impl std::fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<_> = self.steps.iter().map(|step| step.text.as_str()).collect();
        f.write_str(&lines.join("\n    "))
    }
}

impl<'a> Outline<'a> {
    pub(super) async fn of(counted: &mut Counted, sql: &str, sizes: &'a HashMap<String, f64>) -> Self {
        let query = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}")));
        let rows =
            query.fetch_all(&mut counted.connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let step = |row: &sqlx::sqlite::SqliteRow| Step {
            id: row.get("id"),
            parent: row.get("parent"),
            text: row.get("detail"),
        };
        let aliases =
            NAMED.captures_iter(sql).map(|found| (found[2].to_owned(), found[1].to_owned())).collect();
        // `1 = 0`, with its numbers as values: asked once, before anything is read.
        let is_void = sql.contains("WHERE ? = ?");
        Self { steps: rows.iter().map(step).collect(), aliases, sizes, is_void }
    }

    pub(super) async fn problem(&self, counted: &mut Counted, narrowed: bool) -> Option<String> {
        if self.is_void {
            return None;
        }
        for step in &self.steps {
            if step.text.contains(" VIRTUAL TABLE ") && !step.text.contains(":M") {
                return Some(format!("reads all texts: {}", step.text));
            }
            if step.text.contains(" AUTOMATIC ") {
                return Some(format!("makes an index as it runs: {}", step.text));
            }
            let is_big = self.sizes.get(self.table(step)).is_some_and(|&rows| rows > READ);
            if step.text.starts_with("SCAN ") && is_big && !self.is_of_few(step) {
                if !step.text.contains(" USING ") {
                    return Some(format!("reads from end to end: {}", step.text));
                }
                if narrowed && !self.is_gated(step) {
                    return Some(format!("walks past what is left out: {}", step.text));
                }
            }
            if step.text == "USE TEMP B-TREE FOR ORDER BY" {
                let rows = self.rows(counted, step.parent).await;
                if rows > SORTED {
                    return Some(format!("sorts up to {rows} rows"));
                }
            }
        }
        None
    }

    /// What a step reads.
    fn table<'b>(&'b self, step: &'b Step) -> &'b str {
        let name = step.text.split(' ').nth(1).unwrap_or_default();
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// Whether a step is taken only where so many have a text that a page is full soon: after the one row that is looked up
    /// for this, if it is there.
    fn is_gated(&self, step: &Step) -> bool {
        let mut before = self.parts(step.parent).take_while(|before| before.id != step.id);
        before.any(|before| before.text.starts_with("SEARCH gate ") && before.text.ends_with("(id=?)"))
    }

    /// Whether a step walks along an index that holds but few.
    fn is_of_few(&self, step: &Step) -> bool {
        let index = step.text.rsplit(' ').next().unwrap_or_default();
        self.sizes.get(index).is_some_and(|&rows| rows <= READ)
    }

    /// How many rows the steps of a part give together at most: each for each row of those before it.
    async fn rows(&self, counted: &mut Counted, part: i64) -> f64 {
        let mut rows = 1.0;
        for step in self.parts(part) {
            rows *= match step.text.split(' ').next() {
                Some("COMPOUND") => {
                    let mut sum = 0.0;
                    for member in self.parts(step.id) {
                        sum += Box::pin(self.rows(counted, member.id)).await;
                    }
                    sum
                }
                Some("SCAN" | "SEARCH") => self.held(counted, step).await,
                _ => 1.0,
            };
        }
        rows
    }

    fn parts(&self, of: i64) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.parent == of)
    }

    /// How many rows a step finds at most.
    async fn held(&self, counted: &mut Counted, step: &Step) -> f64 {
        let table = self.table(step);
        let Some(&size) = self.sizes.get(table) else {
            // A part of the statement: a page, or a view with a plan of its own.
            let own = format!("CO-ROUTINE {table}");
            let part = self.steps.iter().find(|part| part.text == own);
            return match part {
                Some(part) if table != "page" => Box::pin(self.rows(counted, part.id)).await,
                _ => PAGE,
            };
        };
        let columns: Vec<_> =
            EQUAL.captures_iter(&step.text).map(|found| format!("\"{}\"", &found[1])).collect();
        if columns.is_empty() || !step.text.starts_with("SEARCH") {
            return size;
        }
        counted.most(table, &columns.join(", ")).await
    }
}
