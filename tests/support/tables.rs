//! The tables of a test's database, past the server: what is really kept.

use std::collections::BTreeMap;

use guildhall::db::Settings;
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::TestApp;

/// Everything in a database, as text.
pub(crate) struct Tables {
    settings: Settings,
}

impl TestApp {
    /// The tables of its database.
    pub(crate) fn tables(&self) -> Tables {
        Tables::of(&self.settings)
    }
}

impl Tables {
    /// The tables of a database.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    /// Runs a query of one column of text; `sqlite` and `postgres` may differ.
    pub(crate) async fn texts_of(&self, sqlite: &str, postgres: &str) -> Vec<String> {
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                let query = sqlx::query_scalar(AssertSqlSafe(sqlite.to_owned()));
                query.fetch_all(&mut connection).await.unwrap()
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                let query = sqlx::query_scalar(AssertSqlSafe(postgres.to_owned()));
                query.fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Runs a query of one column of text that both databases understand.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        self.texts_of(query, query).await
    }

    /// Runs a statement that both databases understand.
    pub(crate) async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// The names of all tables.
    pub(crate) async fn names(&self) -> Vec<String> {
        self.texts_of(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
            "select table_name::text from information_schema.tables where table_schema = 'public' order by 1",
        )
        .await
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> usize {
        self.texts(&format!("select cast(count(*) as text) from \"{table}\"")).await[0].parse().unwrap()
    }

    /// How many rows each table has, without those in which nothing is changed: signs of life.
    pub(crate) async fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for table in self.names().await {
            let rows = self.count(&table).await;
            counts.insert(table, rows);
        }
        counts
    }
}
