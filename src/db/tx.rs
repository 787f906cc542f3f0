//! A write transaction: begun with a permit, ended with a change.

use guildhall_entity::id::{AuditLogId, ProvisionerJobId};
use sea_orm::sea_query::{
    DeleteStatement, InsertStatement, LockType, QueryStatementWriter, SelectStatement, UpdateStatement,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, ExecResult, Insert, QueryTrait,
    Statement,
};
use tracing::Instrument as _;

use super::row::{Columns, Read};
use super::violation::{self, ORGANIZATION_LIVES, OnViolation, USER_LIVES};
use super::{Db, boxed, once, statement};
use crate::audit::{self, Attempt, Change};
use crate::authz::{Actor, Permit};
use crate::clock::Clock;
use crate::error::{Refusal, Result};
use crate::events::{self, Draft, Event, EventKind};

/// A write transaction. Dropping it rolls everything back.
#[derive(Debug)]
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Tx {
    db: Db,
    transaction: DatabaseTransaction,
    permit: Permit,
    drafts: Vec<Draft>,
    logged: Option<ProvisionerJobId>,
}

/// Writes that leave no audit row, each with its reason. There are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaudited {
    /// A daemon says that it is alive.
    Heartbeat,
    /// A daemon takes a job or tells of its progress; the job's row and log are the record.
    JobProgress,
    /// Somebody tried to sign in; what comes of it is the record.
    SignInAttempt,
    /// Somebody was seen, a key was used, somebody works in a workspace.
    LastUsed,
    /// Somebody marks a workspace for themselves; nobody else sees it.
    Favorite,
    /// The audit log itself: attempts that changed nothing, and entries that are kept no longer.
    AuditLog,
    /// What is sealed is sealed with a newer key; it says what it said.
    Reseal,
    /// A server takes or renews a lease.
    Lease,
    /// A schedule moves on to its next time without anything coming of it.
    Schedule,
    /// Terraform locks, unlocks or writes its state; the build is the record.
    State,
    /// The outbox itself: events of committed transactions are numbered, and old ones forgotten.
    Outbox,
}

impl Tx {
    pub(super) fn new(db: Db, transaction: DatabaseTransaction, permit: Permit) -> Self {
        Self { db, transaction, permit, drafts: Vec::new(), logged: None }
    }

    /// Who writes.
    pub fn actor(&self) -> &Actor {
        self.permit.actor()
    }

    /// Time, ids and randomness.
    pub fn clock(&self) -> &Clock {
        self.db.clock()
    }

    /// Which database it is.
    pub(crate) fn backend(&self) -> DbBackend {
        self.db.backend()
    }

    /// Inserts a row.
    pub(crate) async fn insert<A: ActiveModelTrait>(&self, row: A) -> Result<()> {
        self.execute_insert(&Insert::one(row).into_query()).await?;
        Ok(())
    }

    /// Inserts; answers how many rows.
    pub(crate) async fn execute_insert(&self, statement: &InsertStatement) -> Result<u64> {
        self.db.stats.count(0);
        let inserted = self.executed(statement).await;
        // They may be deleted after they were found: the constraint answers what the look-up would answer now.
        let gone = || Refusal::not_found(&[], "organization");
        let left = || Refusal::not_found(&[], "user");
        let inserted = inserted.on_violation(ORGANIZATION_LIVES, gone).on_violation(USER_LIVES, left);
        Ok(violation::overtaken(inserted, missing)?.rows_affected())
    }

    /// Updates; answers how many rows.
    pub(crate) async fn update(&self, statement: &UpdateStatement) -> Result<u64> {
        self.db.stats.count(0);
        Ok(violation::overtaken(self.executed(statement).await, missing)?.rows_affected())
    }

    /// Deletes; answers how many rows.
    pub(crate) async fn delete(&self, statement: &DeleteStatement) -> Result<u64> {
        self.db.stats.count(0);
        Ok(violation::overtaken(self.executed(statement).await, joined)?.rows_affected())
    }

    /// Reads rows as the transaction sees them.
    pub(crate) async fn rows<R: Read>(&self, select: &SelectStatement) -> Result<Vec<R>> {
        self.all(select).await
    }

    /// Reads one row as the transaction sees it.
    pub(crate) async fn row<R: Read>(&self, select: &SelectStatement) -> Result<Option<R>> {
        let statement = self.written(select);
        let span = self.db.span(|| statement.sql.clone());
        let row = boxed(self.transaction.query_one_raw(statement)).instrument(span).await?;
        self.db.stats.count(usize::from(row.is_some()));
        Ok(row.map(|row| R::read(&mut Columns::new(&row))).transpose()?)
    }

    /// Reads one row that stays as the lock says until the transaction ends. SQLite has one writer anyway.
    pub(crate) async fn locked<R: Read>(
        &self,
        mut select: SelectStatement,
        lock: LockType,
    ) -> Result<Option<R>> {
        if self.backend() == DbBackend::Postgres {
            select.lock(lock);
        }
        self.row(&select).await
    }

    fn written(&self, statement: &impl QueryStatementWriter) -> Statement {
        let (text, values) = statement::written(self.backend(), statement);
        Statement::from_sql_and_values(self.backend(), text, values)
    }

    async fn executed(&self, statement: &impl QueryStatementWriter) -> Result<ExecResult> {
        let statement = self.written(statement);
        let span = self.db.span(|| statement.sql.clone());
        Ok(boxed(self.transaction.execute_raw(statement)).instrument(span).await?)
    }

    /// All rows of a statement.
    async fn all<R: Read>(&self, statement: &impl QueryStatementWriter) -> Result<Vec<R>> {
        let statement = self.written(statement);
        let span = self.db.span(|| statement.sql.clone());
        let rows = boxed(self.transaction.query_all_raw(statement)).instrument(span).await?;
        self.db.stats.count(rows.len());
        Ok(rows.iter().map(|row| R::read(&mut Columns::new(row))).collect::<Result<Vec<_>, _>>()?)
    }

    /// Updates and reads the rows that were changed.
    pub(crate) async fn update_returning<R: Read>(&self, statement: &UpdateStatement) -> Result<Vec<R>> {
        self.all(statement).await
    }

    /// Deletes and reads the rows that were deleted.
    pub(crate) async fn delete_returning<R: Read>(&self, statement: &DeleteStatement) -> Result<Vec<R>> {
        violation::overtaken(self.all(statement).await, joined)
    }

    /// Puts an event into the outbox, together with the transaction; subscribers hear of it after the commit.
    pub(crate) async fn emit(&mut self, event: Event) -> Result<()> {
        if let Some(draft) = Draft::of_event(&event) {
            events::push(&mut self.drafts, draft);
        }
        Ok(())
    }

    /// Wakes subscribers after the commit, without an outbox row: for what its own table keeps in order, as logs are.
    pub(crate) fn tell_only(&mut self, event: Event) {
        if event.kind == EventKind::JobLogged {
            self.logged = Some(event.subject.into());
        }
    }

    /// Notes in the audit log an attempt that changed nothing else.
    pub(crate) async fn note_attempt(&mut self, attempt: &Attempt<'_>) -> Result<()> {
        let entry: AuditLogId = self.clock().id();
        self.execute_insert(&audit::insert_attempt(attempt, entry, self.clock())).await?;
        events::push(&mut self.drafts, Draft::of_attempt(attempt, entry));
        Ok(())
    }

    /// Writes the audit row and commits.
    ///
    /// # Errors
    /// When the database refuses; nothing is kept then.
    pub async fn commit(self, change: Change) -> Result<()> {
        self.commit_all(vec![change]).await
    }

    /// Commits several changes of one operation, each with its audit row.
    ///
    /// # Errors
    /// When the database refuses; nothing is kept then.
    pub async fn commit_all(mut self, changes: Vec<Change>) -> Result<()> {
        for change in &changes {
            let entry: AuditLogId = self.clock().id();
            self.execute_insert(&audit::insert(change, &self.permit, entry, self.clock())).await?;
            events::push(&mut self.drafts, Draft::of_change(change, entry));
        }
        if let Some(once) = self.db.once.clone() {
            let subjects: Vec<_> = changes.iter().map(Change::subject).collect();
            once::note_in(&self, &once, &subjects).await?;
        }
        self.end().await
    }

    /// Commits a write that is no change of anybody's.
    ///
    /// # Errors
    /// When the database refuses; nothing is kept then.
    pub async fn commit_unaudited(self, reason: Unaudited) -> Result<()> {
        tracing::trace!(?reason, "write without an audit row");
        self.end().await
    }

    async fn end(self) -> Result<()> {
        if !self.drafts.is_empty() {
            self.execute_insert(&events::insert(&self.drafts, self.clock().now())).await?;
        }
        self.db.stats.count(0);
        boxed(self.transaction.commit()).await?;
        if !self.drafts.is_empty() {
            self.db.hub.committed();
        }
        if let Some(job) = self.logged {
            self.db.hub.logged(job);
        }
        Ok(())
    }
}

/// What a row was to refer to.
fn joined() -> Refusal {
    Refusal::conflict(&[], "something came to belong to it at the same moment; look again")
}

fn missing() -> Refusal {
    Refusal::gone_meanwhile(&[])
}
