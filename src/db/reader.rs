//! The connections that reads go through. Not sqlx's own pool: giving a connection back to that one costs a task and a
//! round trip to the database (its `return_to_pool` pings), which is more than a small statement itself.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{
    BuildError, Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult,
};
use sea_orm::sea_query::{Expr, SelectStatement, Value, Values};
use sea_orm::{ConnAcquireErr, DbBackend, DbErr, QueryResult, RuntimeErr};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, IntoArguments, PgConnection, SqliteConnection};

use super::flight::{Departure, Flights, Question};
use super::list::LookupKey;
use super::row::{Columns, One, Read};
use super::{boxed, statement};

/// A connection that rested for so long is asked whether it still lives before it is used.
const REST: Duration = Duration::from_secs(1);
/// A connection is replaced after this time, so that the load follows when database servers come and go.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Reads, through connections that can't write.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    connections: Connections,
    flights: Flights,
}

#[derive(Clone, Debug)]
enum Connections {
    Postgres(Pool<Opener<PgConnection>>),
    Sqlite(Pool<Opener<SqliteConnection>>),
}

impl From<Pool<Opener<PgConnection>>> for Reader {
    fn from(pool: Pool<Opener<PgConnection>>) -> Self {
        Self { connections: Connections::Postgres(pool), flights: Flights::default() }
    }
}

impl From<Pool<Opener<SqliteConnection>>> for Reader {
    fn from(pool: Pool<Opener<SqliteConnection>>) -> Self {
        Self { connections: Connections::Sqlite(pool), flights: Flights::default() }
    }
}

impl Reader {
    /// Which database it is.
    pub(super) fn backend(&self) -> DbBackend {
        match self.connections {
            Connections::Postgres(_) => DbBackend::Postgres,
            Connections::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    /// Asks for rows, once for all who ask the same at the same time. A connection that turns out to be dead, as after a
    /// restart of the database, is replaced by a new one: reads can be repeated.
    pub(super) async fn rows<T: Clone + Send + Sync + 'static>(
        &self,
        select: &SelectStatement,
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbErr> + Send + 'static,
    ) -> Result<Vec<T>, DbErr> {
        let statement = statement::written(self.backend(), select);
        let rows = self.joined(statement, HashSet::new(), Question::statement, read).await?;
        Ok(Arc::unwrap_or_clone(rows))
    }

    /// Asks for the rows that have one of these keys in `column`, which is the last that is selected; once for all who ask the same
    /// of whichever keys.
    pub(super) async fn rows_of<K: LookupKey, R: Read>(
        &self,
        select: SelectStatement,
        column: Expr,
        keys: HashSet<K>,
    ) -> Result<Vec<(R, K)>, DbErr> {
        let backend = self.backend();
        let identity = statement::written(backend, &select);
        let select = Box::new((select, column));
        let of_keys = move |question: &Question| {
            let (text, values) = statement::of_keys(backend, &select.0, &select.1, question.keys());
            (Arc::from(text), values)
        };
        let wanted = keys.iter().cloned().map(Into::into).collect();
        let rows = self.joined(identity, wanted, of_keys, <(R, One<K>)>::read).await?;
        let theirs = |(_, key): &(R, One<K>)| keys.contains(&key.0);
        let plain = |(row, key): (R, One<K>)| (row, key.0);
        Ok(match Arc::try_unwrap(rows) {
            Ok(rows) => rows.into_iter().filter(theirs).map(plain).collect(),
            Err(rows) => rows.iter().filter(|row| theirs(row)).cloned().map(plain).collect(),
        })
    }

    async fn joined<T: Clone + Send + Sync + 'static>(
        &self,
        identity: (String, Values),
        keys: HashSet<Value>,
        statement: impl Fn(&Question) -> (Arc<str>, Values) + Send + 'static,
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbErr> + Send + 'static,
    ) -> Result<Arc<Vec<T>>, DbErr> {
        match self.connections.clone() {
            Connections::Postgres(pool) => {
                let read = |question, departure| rows(pool, question, departure, statement, read);
                self.flights.join(identity, keys, read).await
            }
            Connections::Sqlite(pool) => {
                let read = |question, departure| rows(pool, question, departure, statement, read);
                self.flights.join(identity, keys, read).await
            }
        }
    }

    /// How many connections are open, and how many of those idle.
    pub(super) fn connections(&self) -> (usize, usize) {
        let status = match &self.connections {
            Connections::Postgres(pool) => pool.status(),
            Connections::Sqlite(pool) => pool.status(),
        };
        (status.size, status.available)
    }

    /// Whether it answers.
    pub(super) async fn ping(&self) -> Result<(), DbErr> {
        match &self.connections {
            Connections::Postgres(pool) => ping(pool).await,
            Connections::Sqlite(pool) => ping(pool).await,
        }
    }

    /// Hands out nothing any more, and closes what is not in use: what is, ends with its statement.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        match &self.connections {
            Connections::Postgres(pool) => close(pool).await,
            Connections::Sqlite(pool) => close(pool).await,
        }
    }
}

/// A pool of connections with these options; one is opened at once, to see that it can be.
pub(super) async fn open<C: Connection + 'static>(
    options: C::Options,
    size: u32,
    wait: Duration,
) -> Result<Pool<Opener<C>>, sqlx::Error> {
    let pool = Pool::builder(Opener(options))
        .max_size(usize::try_from(size).unwrap_or(usize::MAX))
        // The one used last first: the others rest, and may be closed.
        .queue_mode(QueueMode::Lifo)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .recycle_timeout(Some(wait))
        .build()
        .map_err(|error| match error {
            BuildError::NoRuntimeSpecified => sqlx::Error::Configuration("the pool has no runtime".into()),
        })?;
    match pool.get().await {
        Ok(_) => Ok(pool),
        Err(PoolError::Backend(error)) => Err(error),
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Opens connections, and says which may be used again. What that takes, and seldom happens, is no part of the future of every
/// statement, which would be five times as large.
#[derive(Debug)]
pub(super) struct Opener<C: Connection>(C::Options);

impl<C: Connection + 'static> Manager for Opener<C> {
    type Type = C;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<C, sqlx::Error> {
        boxed(C::connect_with(&self.0)).await
    }

    async fn recycle(&self, connection: &mut C, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFETIME {
            return Err(RecycleError::message("older than its lifetime"));
        }
        if metrics.last_used() > REST {
            boxed(connection.ping()).await?;
        }
        Ok(())
    }
}

/// A connection while a statement runs on it. One that is dropped before its statement ended is closed: what the database
/// still sends on it belongs to nobody.
struct Busy<C: Connection + 'static>(Option<Object<Opener<C>>>);

impl<C: Connection + 'static> Drop for Busy<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

/// Runs a statement on a connection of its own.
async fn rows<C, T>(
    pool: Pool<Opener<C>>,
    question: Arc<Question>,
    departure: Departure,
    statement: impl Fn(&Question) -> (Arc<str>, Values),
    read: impl Fn(&mut Columns<'_>) -> Result<T, DbErr>,
) -> Result<Vec<T>, DbErr>
where
    C: Connection + 'static,
    SqlxValues: IntoArguments<C::Database>,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    QueryResult: From<<C::Database as Database>::Row>,
{
    let mut repeated = false;
    loop {
        let mut busy = Busy(Some(pool.get().await.map_err(no_connection)?));
        let connection = busy.0.as_mut().expect("it is taken only below");
        departure.begin();
        let (text, values) = statement(&question);
        let statement = sqlx::query_with(AssertSqlSafe(text), SqlxValues(values));
        match statement.fetch_all(&mut **connection).await {
            Err(error) if is_dead(&error) && !repeated => {
                repeated = true;
                pool.retain(|_, _| false);
            }
            Err(error) if is_dead(&error) => return Err(DbErr::Conn(shared(error))),
            answer => {
                drop(busy.0.take());
                let rows = answer.map_err(|error| DbErr::Query(shared(error)))?;
                let mut found = Vec::with_capacity(rows.len());
                for row in rows {
                    found.push(read(&mut Columns::new(&row.into()))?);
                }
                return Ok(found);
            }
        }
    }
}

async fn ping<C: Connection + 'static>(pool: &Pool<Opener<C>>) -> Result<(), DbErr> {
    let mut connection = pool.get().await.map_err(no_connection)?;
    connection.ping().await.map_err(|error| DbErr::Conn(shared(error)))
}

async fn close<C: Connection + 'static>(pool: &Pool<Opener<C>>) -> Result<(), DbErr> {
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    for connection in idle {
        connection.close().await.map_err(|error| DbErr::Conn(shared(error)))?;
    }
    Ok(())
}

/// The connection is lost, not only the statement.
fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        // Classes 08 (connection exception) and 57P0x (the server shuts down, or starts up).
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P0"))
        }
        _ => false,
    }
}

fn no_connection(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Backend(error) => DbErr::Conn(shared(error)),
        PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        _ => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
    }
}

fn shared(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what a function's future takes, without calling it.
    fn size<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    /// Each statement's future is allocated and moved once, so what few statements need is no part of it.
    #[test]
    fn the_future_of_a_statement_is_small() {
        type Read = fn(&mut Columns<'_>) -> Result<i64, DbErr>;
        const READ: Read = |columns| columns.next();
        let postgres = size(|(pool, question, departure)| {
            rows::<PgConnection, i64>(pool, question, departure, Question::statement, READ)
        });
        let sqlite = size(|(pool, question, departure)| {
            rows::<SqliteConnection, i64>(pool, question, departure, Question::statement, READ)
        });
        assert!(postgres.max(sqlite) < 2048, "{postgres} bytes on PostgreSQL, {sqlite} on SQLite");
    }
}
