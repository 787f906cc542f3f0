//! The two doors to the database. Reads go through a pool that can't write; writes need a [`Permit`], and their
//! transaction ends in a [`Change`](crate::audit::Change) that becomes the audit row.

mod claim;
mod connect;
mod cursor;
mod dialect;
pub(crate) mod few;
mod flight;
pub(crate) mod inspect;
mod keyset;
pub(crate) mod lease;
pub(crate) mod list;
mod notify;
mod once;
pub(crate) mod page;
mod reader;
pub(crate) mod row;
mod sealed;
pub(crate) mod search;
mod statement;
mod tx;
mod unusable;
mod violation;

pub use claim::{Claim, claim};
pub use connect::{Settings, connect, migrate, migration_connection};
pub(crate) use dialect::{covered, is_one_of, names_hold, parted};
pub(crate) use notify::Ear;
pub(crate) use once::Once;
pub(crate) use sealed::Sealed;
pub use tx::{Tx, Unaudited};
pub use unusable::Unusable;
pub(crate) use violation::OnViolation;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ExprTrait, IntoIden, SelectStatement};
use sea_orm::{DatabaseConnection, DbBackend, DbErr, TransactionTrait};
use tracing::{Instrument as _, Span};

use crate::audit::Attempts;
use crate::authz::{Actor, Permit};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Hub;
use crate::trace;
use list::{Find, LookupKey};
use reader::Reader;
use row::{Columns, Read};

/// A statement's future takes kilobytes: both drivers, and all that they may wait for. It goes to the heap here, once a
/// statement. Otherwise it would be a part of every future that may read, up to every field of every GraphQL type, and moved
/// about with each of them. For the same reason, whatever many fields may wait for goes through here.
pub(crate) fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(future)
}

/// A handle on the database. Cheap to clone; [`Db::counted`] gives a request one with counters of its own.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Arc<Pools>,
    clock: Clock,
    hub: Hub,
    attempts: Arc<Attempts>,
    once: Option<Arc<Once>>,
    stats: Arc<Stats>,
}

#[derive(Debug)]
struct Pools {
    read: Reader,
    write: DatabaseConnection,
    /// How to listen for other servers' word, where there may be others.
    listen: Option<sqlx::postgres::PgConnectOptions>,
}

/// What a request asked of the database.
#[derive(Debug, Default)]
pub struct Stats {
    statements: AtomicU32,
    rows: AtomicU32,
    /// The request's, wherever in its course a statement is sent.
    span: Option<Span>,
}

impl Stats {
    /// SQL statements sent, those of transactions included.
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Rows read.
    pub fn rows(&self) -> u32 {
        self.rows.load(Ordering::Relaxed)
    }

    fn count(&self, rows: usize) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

impl Db {
    /// The same database with counters that start at zero.
    #[must_use]
    pub fn counted(&self) -> Self {
        let stats = Stats { span: Some(Span::current()), ..Stats::default() };
        Self { stats: Arc::new(stats), ..self.clone() }
    }

    /// What was asked through this handle and its clones.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Time, ids and randomness.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Who tells of events.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How many attempts are noted in the audit log.
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Which database it is.
    pub(crate) fn backend(&self) -> DbBackend {
        self.pools.read.backend()
    }

    /// Reads rows.
    pub(crate) async fn rows<R: Read>(&self, select: &SelectStatement) -> Result<Vec<R>> {
        self.rows_with(select, R::read).await
    }

    /// Reads rows as `read` says.
    pub(crate) async fn rows_with<T: Clone + Send + Sync + 'static>(
        &self,
        select: &SelectStatement,
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbErr> + Send + 'static,
    ) -> Result<Vec<T>> {
        let span = self.span(|| statement::written(self.backend(), select).0);
        let rows = boxed(self.pools.read.rows(select, read)).instrument(span).await?;
        self.stats.count(rows.len());
        Ok(rows)
    }

    /// Reads the rows that have one of these keys in a column. What several ask of the same statement at the same time, each of
    /// their own keys, is read once.
    pub(crate) async fn rows_of<K: LookupKey, R: Read>(
        &self,
        mut select: SelectStatement,
        column: (&'static str, &'static str),
        keys: HashSet<K>,
    ) -> Result<Vec<(R, K)>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let column = Expr::col((column.0.into_iden(), column.1.into_iden()));
        select.expr(column.clone());
        let own = || keys.iter().cloned().map(Into::into).collect();
        let span = self.span(|| statement::of_keys(self.backend(), &select, &column, own()).0);
        let rows = boxed(self.pools.read.rows_of(select, column, keys)).instrument(span).await?;
        self.stats.count(rows.len());
        Ok(rows)
    }

    /// The span of a statement of this text.
    fn span(&self, text: impl FnOnce() -> String) -> Span {
        let Some(request) = &self.stats.span else { return Span::none() };
        let system = match self.backend() {
            DbBackend::Postgres => "postgresql",
            _ => "sqlite",
        };
        trace::statement(request, system, text)
    }

    /// Reads one row, if there is one.
    pub(crate) async fn row<R: Read>(&self, select: &SelectStatement) -> Result<Option<R>> {
        Ok(self.rows(select).await?.into_iter().next())
    }

    /// Finds one thing that the actor can see.
    pub(crate) async fn find<I: Find>(&self, actor: &Actor, id: I) -> Result<Option<I::Row>> {
        let mut select = I::select(actor);
        select.and_where(Expr::col((I::ID.0.into_iden(), I::ID.1.into_iden())).eq(id.into()));
        self.row(&select).await
    }

    /// Begins a write. Dropping the transaction rolls it back.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn begin(&self, permit: Permit) -> Result<Tx> {
        let transaction = boxed(self.pools.write.begin_with_options(connect::at_once())).await?;
        self.stats.count(0);
        Ok(Tx::new(self.clone(), transaction, permit))
    }

    /// Connections for reading: how many are open, and how many of those idle.
    pub(crate) fn read_connections(&self) -> (usize, usize) {
        self.pools.read.connections()
    }

    /// Whether both doors answer, for `/readyz`.
    ///
    /// # Errors
    /// When one does not.
    pub async fn ping(&self) -> Result<()> {
        self.pools.read.ping().await.map_err(Error::from)?;
        self.pools.write.ping().await.map_err(Error::from)
    }

    /// Closes the pools, waiting for what is under way.
    ///
    /// # Errors
    /// When closing fails.
    pub async fn close(&self) -> Result<()> {
        self.pools.read.close().await?;
        Ok(self.pools.write.close_by_ref().await?)
    }
}
