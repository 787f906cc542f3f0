//! Looking at a database without changing it: whether it answers, what it is, and how far it was migrated. For who asks what is
//! wrong; nothing of a server goes through here.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use guildhall_migration::{Migrator, MigratorTrait};
use secrecy::SecretString;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::connect::{Settings, parse};

/// The oldest PostgreSQL that is known to do, as it numbers itself.
const POSTGRES_MIN: i32 = 150_000;

/// What a database tells of itself.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// Its product and version.
    pub(crate) version: String,
    /// Whether that is new enough.
    pub(crate) supported: bool,
    /// Its time, where it is a machine of its own.
    pub(crate) now: Option<DateTime<Utc>>,
    /// Whether tables can be made in it.
    pub(crate) writable: bool,
    /// Whether texts in names are found by an index: not without an extension of PostgreSQL's.
    pub(crate) texts_indexed: bool,
    /// Migrations that it has.
    pub(crate) applied: BTreeSet<String>,
    /// When the last one of them was applied.
    pub(crate) migrated_at: Option<DateTime<Utc>>,
}

impl Inspection {
    /// Migrations that this program has and the database lacks.
    pub(crate) fn pending(&self) -> Vec<String> {
        known().into_iter().filter(|name| !self.applied.contains(name)).collect()
    }

    /// Migrations that the database has and this program does not know: a newer one made them.
    pub(crate) fn unknown(&self) -> Vec<String> {
        unknown(self.applied.iter().map(String::as_str))
    }
}

/// Which of these migrations this program does not know.
pub(super) fn unknown<'a>(applied: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = known();
    applied.filter(|name| !known.contains(*name)).map(str::to_owned).collect()
}

fn known() -> BTreeSet<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Looks at a database. `None` for a file that is not there yet.
///
/// # Errors
/// When it does not answer, or not as it should.
pub(crate) async fn inspect(settings: &Settings) -> Result<Option<Inspection>, sqlx::Error> {
    match settings {
        Settings::Sqlite { path, .. } if !path.exists() => Ok(None),
        Settings::Sqlite { path, .. } => {
            let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
            sqlite(options.pragma("query_only", "on")).await.map(Some)
        }
        Settings::Postgres { url, .. } => postgres(url).await.map(Some),
    }
}

/// Whether a PostgreSQL server answers there.
///
/// # Errors
/// When it does not.
pub(crate) async fn answers(url: &SecretString) -> Result<(), sqlx::Error> {
    connected(url).await?.close().await
}

async fn connected(url: &SecretString) -> Result<PgConnection, sqlx::Error> {
    let options = parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    PgConnection::connect_with(&options.application_name("guildhall-doctor")).await
}

async fn sqlite(options: SqliteConnectOptions) -> Result<Inspection, sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await?;
    let table = "select count(*) from sqlite_master where name = 'seaql_migrations'";
    let migrated: i64 = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
    let migrations: Vec<(String, i64)> = match migrated {
        0 => Vec::new(),
        _ => {
            sqlx::query_as("select version, applied_at from seaql_migrations")
                .fetch_all(&mut connection)
                .await?
        }
    };
    connection.close().await?;
    Ok(Inspection {
        version: format!("SQLite {version}"),
        supported: true,
        now: None,
        writable: true,
        texts_indexed: true,
        migrated_at: last(&migrations),
        applied: migrations.into_iter().map(|(name, _)| name).collect(),
    })
}

type Facts = (String, i32, DateTime<Utc>, Option<bool>, bool, bool);

async fn postgres(url: &SecretString) -> Result<Inspection, sqlx::Error> {
    let mut connection = connected(url).await?;
    let facts = "select current_setting('server_version'), current_setting('server_version_num')::int, now(),
                        has_schema_privilege(current_schema(), 'CREATE'),
                        to_regclass('seaql_migrations') is not null, to_regclass('ix_workspace_text') is not null";
    let (version, number, now, writable, migrated, texts_indexed): Facts =
        sqlx::query_as(facts).fetch_one(&mut connection).await?;
    let migrations: Vec<(String, i64)> = if migrated {
        sqlx::query_as("select version, applied_at from seaql_migrations").fetch_all(&mut connection).await?
    } else {
        Vec::new()
    };
    connection.close().await?;
    Ok(Inspection {
        version: format!("PostgreSQL {version}"),
        supported: number >= POSTGRES_MIN,
        now: Some(now),
        writable: writable.unwrap_or(false),
        texts_indexed,
        migrated_at: last(&migrations),
        applied: migrations.into_iter().map(|(name, _)| name).collect(),
    })
}

fn last(migrations: &[(String, i64)]) -> Option<DateTime<Utc>> {
    let newest = migrations.iter().map(|(_, seconds)| *seconds).max()?;
    DateTime::from_timestamp(newest, 0)
}
