//! Opening the pools and bringing the schema up to date.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use guildhall_migration::{Migrator, MigratorTrait, index_texts};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqlxPostgresConnector, SqlxSqliteConnector,
    TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use super::reader;
use super::{Db, Pools, Stats};
use crate::clock::Clock;
use crate::events::Hub;

/// Where the data is kept.
#[derive(Clone, Debug)]
pub enum Settings {
    /// A file.
    Sqlite {
        /// Its path; created when missing.
        path: PathBuf,
        /// Connections for reading; there is one for writing.
        readers: u32,
    },
    /// A PostgreSQL server, 15 or later.
    Postgres {
        /// `postgres://…`
        url: SecretString,
        /// Connections for reading.
        readers: u32,
        /// Connections for writing.
        writers: u32,
        /// Where to listen for other servers' word, if not at `url`: a pooler does not pass it on.
        listen_url: Option<SecretString>,
    },
}

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_TIMEOUT_MS: &str = "5000";
/// "guildhal" in ASCII: whatever else uses the database must not use this advisory lock.
const MIGRATION_LOCK: i64 = 0x6775_696c_6468_616c;

/// Opens the pools. Does not migrate.
///
/// # Errors
/// When the database can't be reached or its URL does not parse.
pub async fn connect(settings: &Settings, clock: Clock) -> Result<Db, DbErr> {
    let pools = match settings {
        Settings::Sqlite { path, readers } => sqlite(path, *readers).await?,
        Settings::Postgres { url, readers, writers, listen_url } => {
            let listen = listen_url.as_ref().unwrap_or(url);
            postgres(url, listen, *readers, *writers).await?
        }
    };
    Ok(Db {
        pools: Arc::new(pools),
        clock,
        hub: Hub::new(),
        attempts: Arc::default(),
        once: None,
        stats: Arc::new(Stats::default()),
    })
}

async fn sqlite(path: &std::path::Path, readers: u32) -> Result<Pools, DbErr> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(500)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-16000");
    // The writer first: it creates the file.
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(unreachable)?;
    let reader =
        reader::open::<SqliteConnection>(options.pragma("query_only", "on"), readers, ACQUIRE_TIMEOUT)
            .await?;
    let write = SqlxSqliteConnector::from_sqlx_sqlite_pool(writer);
    Ok(Pools { read: reader.into(), write, listen: None })
}

pub(super) fn parse(url: &SecretString) -> Result<PgConnectOptions, DbErr> {
    PgConnectOptions::from_str(url.expose_secret()).map_err(|_| {
        DbErr::Custom("the database URL does not parse; expected postgres://user:password@host/name".into())
    })
}

async fn postgres(
    url: &SecretString,
    listen: &SecretString,
    readers: u32,
    writers: u32,
) -> Result<Pools, DbErr> {
    let options = parse(url)?
        .application_name("guildhall")
        .statement_cache_capacity(500)
        .options([("statement_timeout", STATEMENT_TIMEOUT_MS), ("plan_cache_mode", "force_generic_plan")]);
    let writer = PgPoolOptions::new()
        .max_connections(writers)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(unreachable)?;
    let options = options.options([("default_transaction_read_only", "on")]);
    let reader = reader::open::<PgConnection>(options, readers, ACQUIRE_TIMEOUT).await?;
    Ok(Pools {
        read: reader.into(),
        write: SqlxPostgresConnector::from_sqlx_postgres_pool(writer),
        listen: Some(parse(listen)?.application_name("guildhall-listen")),
    })
}

fn unreachable(error: sqlx::Error) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)))
}

/// Brings the schema up to date. On PostgreSQL as a whole or not at all, and by one server at a time: others wait, and
/// find nothing left to do. Indexes that need an extension are made as soon as it is there.
///
/// # Errors
/// When a migration fails. On SQLite, what came before it stays.
pub async fn migrate(db: &Db) -> Result<(), DbErr> {
    let connection = &db.pools.write;
    if connection.get_database_backend() != DbBackend::Postgres {
        return Migrator::up(connection, None).await;
    }
    let transaction = connection.begin().await?;
    // A migration, or the wait for another server's, may take longer than a request's statement.
    transaction.execute_unprepared("set local statement_timeout = 0").await?;
    transaction.execute_unprepared(&format!("select pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
    Migrator::up(&transaction, None).await?;
    index_texts(&transaction).await?;
    transaction.commit().await
}

/// The connection that migrations run on, for tests that go up, down and up again.
pub fn migration_connection(db: &Db) -> &DatabaseConnection {
    &db.pools.write
}
