//! Opening the pools and bringing the schema up to date.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use guildhall_migration::{Migrator, MigratorTrait, index_texts};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use super::unusable::Unusable;
use super::{Db, Pools, Stats, inspect, reader};
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
pub async fn connect(settings: &Settings, clock: Clock) -> Result<Db, Unusable> {
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

async fn sqlite(path: &Path, readers: u32) -> Result<Pools, Unusable> {
    let unusable = |reason| Unusable::File { path: path.to_owned(), reason };
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
        // SQLite gives some transactions up by itself, as when the disk is full, and sqlx does not hear of it: what is
        // begun on the connection then would be a part of a transaction that nobody commits.
        .before_acquire(|connection, _| {
            let stuck = connection.is_in_transaction();
            if stuck {
                tracing::warn!("SQLite gave a transaction up; its connection is replaced");
            }
            Box::pin(std::future::ready(Ok(!stuck)))
        })
        .connect_with(options.clone())
        .await
        .map_err(unusable)?;
    let reader =
        reader::open::<SqliteConnection>(options.pragma("query_only", "on"), readers, ACQUIRE_TIMEOUT)
            .await
            .map_err(unusable)?;
    let write = SqlxSqliteConnector::from_sqlx_sqlite_pool(writer);
    Ok(Pools { read: reader.into(), write, listen: None })
}

pub(super) fn parse(url: &SecretString) -> Result<PgConnectOptions, Unusable> {
    PgConnectOptions::from_str(url.expose_secret()).map_err(|_| Unusable::Url)
}

async fn postgres(
    url: &SecretString,
    listen: &SecretString,
    readers: u32,
    writers: u32,
) -> Result<Pools, Unusable> {
    let options = parse(url)?
        .application_name("guildhall")
        .statement_cache_capacity(500)
        .options([("statement_timeout", STATEMENT_TIMEOUT_MS), ("plan_cache_mode", "force_generic_plan")]);
    let pool = PgPoolOptions::new().max_connections(writers).acquire_timeout(ACQUIRE_TIMEOUT);
    let writer = match pool.connect_with(options.clone()).await {
        Ok(writer) => writer,
        Err(error) => return Err(Unusable::Unreachable(reason(error, &options).await)),
    };
    let options = options.options([("default_transaction_read_only", "on")]);
    let reader = reader::open::<PgConnection>(options, readers, ACQUIRE_TIMEOUT)
        .await
        .map_err(Unusable::Unreachable)?;
    Ok(Pools {
        read: reader.into(),
        write: SqlxPostgresConnector::from_sqlx_postgres_pool(writer),
        listen: Some(parse(listen)?.application_name("guildhall-listen")),
    })
}

/// What a pool that gave up was waiting for: it tries again and again, and keeps to itself why.
async fn reason(error: sqlx::Error, options: &PgConnectOptions) -> sqlx::Error {
    if !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    match tokio::time::timeout(ACQUIRE_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(Err(cause)) => cause,
        Ok(Ok(_)) | Err(_) => error,
    }
}

/// Brings the schema up to date: as a whole or not at all, and by one server at a time: others wait, and find nothing left to
/// do. Indexes that need an extension are made as soon as it is there.
///
/// # Errors
/// When a newer version of this program made the schema, when a migration fails, and for a SQLite file that can't be written.
pub async fn migrate(db: &Db) -> Result<(), Unusable> {
    let connection = &db.pools.write;
    if connection.get_database_backend() != DbBackend::Postgres {
        let transaction = connection.begin_with_options(at_once()).await?;
        known(&transaction).await?;
        Migrator::up(&transaction, None).await?;
        return Ok(transaction.commit().await?);
    }
    let transaction = connection.begin().await?;
    // A migration, or the wait for another server's, may take longer than a request's statement.
    transaction.execute_unprepared("set local statement_timeout = 0").await?;
    transaction.execute_unprepared(&format!("select pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
    known(&transaction).await?;
    Migrator::up(&transaction, None).await?;
    index_texts(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// With the right to write from the start, on SQLite: who has read and then wants it is refused at once if another program has
/// written in between.
pub(super) fn at_once() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Whether this program knows all migrations that were made.
async fn known(connection: &impl ConnectionTrait) -> Result<(), Unusable> {
    let made = Migrator::get_migration_models(connection).await?;
    let unknown = inspect::unknown(made.iter().map(|migration| migration.version.as_str()));
    if unknown.is_empty() { Ok(()) } else { Err(Unusable::Newer(unknown)) }
}

/// The connection that migrations run on, for tests that go up, down and up again.
pub fn migration_connection(db: &Db) -> &DatabaseConnection {
    &db.pools.write
}
