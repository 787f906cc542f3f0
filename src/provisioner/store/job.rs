//! How jobs are kept. Their queue is in `queue.rs`.

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, ProvisionerKeyId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::kind::{JobState, JobType};
use guildhall_entity::provisioner_daemon;
use guildhall_entity::provisioner_job::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::DbBackend;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Asterisk, Condition, Expr, ExprTrait, Func, Query, SelectStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;

row! {
    /// What a row of another thing carries along of its job.
    #[derive(Copy)]
    pub(crate) struct JobCard {
        id: ProvisionerJobId,
        state: JobState,
    }
}

row! {
    /// A job.
    pub(crate) struct JobRow {
        id: ProvisionerJobId,
        organization_id: OrganizationId,
        kind as "type": JobType,
        state: JobState,
        tags: Tags,
        initiator_id: Option<UserId>,
        owner_id: UserId,
        provisioner_daemon_id: Option<ProvisionerDaemonId>,
        attempts: i32,
        error_code: Option<String>,
        error_message: Option<String>,
        log_bytes: i64,
        cancel_requested_at: Option<DateTimeUtc>,
        started_at: Option<DateTimeUtc>,
        completed_at: Option<DateTimeUtc>,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

/// Jobs that the actor can see, for a statement where the table is `j`.
pub(super) fn visible(actor: &Actor) -> Condition {
    let organization = Expr::col(("j", Column::OrganizationId));
    covered(
        &actor.reach(Permission::ProvisionerJobRead),
        organization,
        Some(Expr::col(("j", Column::OwnerId))),
    )
}

/// Joins the job that a row of `table` names, and selects its columns next.
pub(crate) fn join(statement: &mut SelectStatement, table: &'static str) {
    statement.join_as(
        sea_orm::JoinType::InnerJoin,
        Entity,
        "j",
        Expr::col(("j", Column::Id)).equals((table, "provisioner_job_id")),
    );
}

/// The rest of jobs whose cards the actor has seen.
pub(in crate::provisioner) async fn met(db: &Db, jobs: &[ProvisionerJobId]) -> Result<Vec<JobRow>> {
    let mut statement =
        Query::select().from_as(Entity, "j").and_where(is_one_of(Expr::col(("j", Column::Id)), jobs)).take();
    select::<JobRow>(&mut statement, "j");
    db.rows(&statement).await
}

impl Find for ProvisionerJobId {
    type Row = JobRow;
    const ID: (&'static str, &'static str) = ("j", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "j").cond_where(visible(actor)).take();
        select::<JobRow>(&mut statement, "j");
        statement
    }
}

/// Which jobs, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct JobList {
    pub(crate) state: Option<JobState>,
    pub(crate) kind: Option<JobType>,
    pub(crate) initiator: Option<UserId>,
    pub(crate) impossible: bool,
    pub(crate) order: JobOrder,
}

/// Orders of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ProvisionerJobOrder")]
pub(crate) enum JobOrder {
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first. The default.
    #[default]
    CreatedAtDesc,
}

impl List for JobList {
    type Row = JobRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "j").cond_where(visible(actor)).take();
        if let Some(state) = self.state {
            statement.and_where(Expr::col(("j", Column::State)).eq(state.as_str()));
        }
        if let Some(kind) = self.kind {
            statement.and_where(Expr::col(("j", Column::Type)).eq(kind.as_str()));
        }
        if let Some(initiator) = self.initiator {
            statement.and_where(Expr::col(("j", Column::InitiatorId)).eq(initiator));
        }
        if self.impossible {
            statement.and_where(Expr::val(1).eq(0));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<JobRow>(statement, "j");
    }

    fn keyset(&self) -> Keyset {
        const CREATED_AT: &[Key] = &[Key::time("j", "created_at"), Key::id("j", "id")];
        let descending = self.order == JobOrder::CreatedAtDesc;
        Keyset { tag: "provisioner_job.created_at", keys: CREATED_AT, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("j", "organization_id")
    }
}

/// The jobs of a daemon, those it began last first: those that it holds, or those that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum JobsOfDaemon {
    /// It works on them.
    Held,
    /// They have ended.
    Ended,
}

impl List for JobsOfDaemon {
    type Row = JobRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "j").cond_where(visible(actor)).take();
        let held = Expr::col(("j", Column::State)).is_in(["RUNNING", "CANCELING"]);
        statement.and_where(match self {
            Self::Held => held,
            Self::Ended => held.not(),
        });
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<JobRow>(statement, "j");
    }

    fn keyset(&self) -> Keyset {
        const STARTED_AT: &[Key] = &[Key::time("j", "started_at"), Key::id("j", "id")];
        Keyset { tag: "provisioner_job.started_at", keys: STARTED_AT, descending: true }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("j", "provisioner_daemon_id")
    }
}

/// A new job's row.
pub(in crate::provisioner) struct NewRow {
    pub(in crate::provisioner) id: ProvisionerJobId,
    pub(in crate::provisioner) organization: OrganizationId,
    pub(in crate::provisioner) kind: JobType,
    pub(in crate::provisioner) tags: Tags,
    pub(in crate::provisioner) initiator: Option<UserId>,
    pub(in crate::provisioner) owner: UserId,
    pub(in crate::provisioner) priority: i32,
    pub(in crate::provisioner) turn: i32,
}

pub(in crate::provisioner) async fn insert_in(tx: &Tx, job: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(job.id),
        organization_id: Set(job.organization),
        r#type: Set(job.kind),
        state: Set(JobState::Pending),
        tags: Set(job.tags),
        priority: Set(job.priority),
        turn: Set(job.turn),
        initiator_id: Set(job.initiator),
        owner_id: Set(job.owner),
        provisioner_daemon_id: Set(None),
        attempts: Set(0),
        token_hash: Set(None),
        error_code: Set(None),
        error_message: Set(None),
        log_bytes: Set(0),
        applying_at: Set(None),
        cancel_requested_at: Set(None),
        started_at: Set(None),
        completed_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Jobs among these that a key's daemon holds now; locked, so that two reports don't cross.
pub(in crate::provisioner) async fn held_in(
    tx: &Tx,
    organization: OrganizationId,
    key: Option<ProvisionerKeyId>,
    jobs: &[ProvisionerJobId],
) -> Result<Vec<JobRow>> {
    use provisioner_daemon::Column as Daemon;
    let of_key = Expr::col(Daemon::ProvisionerKeyId);
    let daemons = Query::select()
        .column(Daemon::Id)
        .from(provisioner_daemon::Entity)
        .and_where(Expr::col(Daemon::OrganizationId).eq(organization))
        .and_where(key.map_or(of_key.clone().is_null(), |key| of_key.eq(key)))
        .take();
    let mut statement = Query::select()
        .from_as(Entity, "j")
        .and_where(is_one_of(Expr::col(("j", Column::Id)), jobs))
        .and_where(Expr::col(("j", Column::OrganizationId)).eq(organization))
        .and_where(Expr::col(("j", Column::State)).is_in(["RUNNING", "CANCELING"]))
        .and_where(Expr::col(("j", Column::ProvisionerDaemonId)).in_subquery(daemons))
        .take();
    select::<JobRow>(&mut statement, "j");
    if tx.backend() == DbBackend::Postgres {
        statement.lock_exclusive();
    }
    tx.rows(&statement).await
}

/// Finds a job again inside a transaction, locked.
pub(in crate::provisioner) async fn lock_in(tx: &Tx, job: ProvisionerJobId) -> Result<Option<JobRow>> {
    let mut statement =
        Query::select().from_as(Entity, "j").and_where(Expr::col(("j", Column::Id)).eq(job)).take();
    select::<JobRow>(&mut statement, "j");
    if tx.backend() == DbBackend::Postgres {
        statement.lock_exclusive();
    }
    tx.row(&statement).await
}

/// Notes progress: the reaper leaves the job alone for a while.
pub(in crate::provisioner) async fn touch_in(
    tx: &Tx,
    jobs: &[ProvisionerJobId],
    log_bytes: i64,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::UpdatedAt, tx.clock().now())
        .value(Column::LogBytes, Expr::col(Column::LogBytes).add(log_bytes))
        .and_where(is_one_of(Expr::col(Column::Id), jobs))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// Ends a job that is in one of these states. `false` when it is not.
pub(in crate::provisioner) async fn end_in(
    tx: &Tx,
    job: ProvisionerJobId,
    from: &[JobState],
    to: JobState,
    error: Option<(&str, &str)>,
) -> Result<bool> {
    let now = tx.clock().now();
    let statement = Query::update()
        .table(Entity)
        .value(Column::State, to.as_str())
        .value(Column::ErrorCode, error.map(|(code, _)| code.to_owned()))
        .value(Column::ErrorMessage, error.map(|(_, message)| message.to_owned()))
        .value(Column::CompletedAt, now)
        .value(Column::UpdatedAt, now)
        .and_where(Expr::col(Column::Id).eq(job))
        .and_where(Expr::col(Column::State).is_in(from.iter().map(|state| state.as_str())))
        .take();
    Ok(tx.update(&statement).await? == 1)
}

/// Asks a running job to stop. `false` when it does not run.
pub(in crate::provisioner) async fn request_cancel_in(tx: &Tx, job: ProvisionerJobId) -> Result<bool> {
    let now = tx.clock().now();
    let statement = Query::update()
        .table(Entity)
        .value(Column::State, "CANCELING")
        .value(Column::CancelRequestedAt, now)
        .and_where(Expr::col(Column::Id).eq(job))
        .and_where(Expr::col(Column::State).eq("RUNNING"))
        .take();
    Ok(tx.update(&statement).await? == 1)
}

fn of_token(hash: &[u8]) -> SelectStatement {
    let mut statement =
        Query::select().from_as(Entity, "j").and_where(Expr::col(("j", Column::TokenHash)).eq(hash)).take();
    select::<JobRow>(&mut statement, "j");
    statement
}

/// The job that this is the last token of.
pub(in crate::provisioner) async fn by_token_hash(db: &Db, hash: &[u8]) -> Result<Option<JobRow>> {
    db.row(&of_token(hash)).await
}

/// Forgets the token of a job: nobody acts for it any more.
pub(in crate::provisioner) async fn forget_token_in(tx: &Tx, job: ProvisionerJobId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::TokenHash, Option::<Vec<u8>>::None)
        .and_where(Expr::col(Column::Id).eq(job))
        .take();
    tx.update(&statement).await.map(drop)
}

/// The same inside a transaction, locked.
pub(in crate::provisioner) async fn by_token_hash_in(tx: &Tx, hash: &[u8]) -> Result<Option<JobRow>> {
    let mut statement = of_token(hash);
    if tx.backend() == DbBackend::Postgres {
        statement.lock_exclusive();
    }
    tx.row(&statement).await
}

/// How many jobs have not ended, by state, in all organizations: for who runs the server.
pub(in crate::provisioner) async fn unfinished(db: &Db) -> Result<Vec<(JobState, i64)>> {
    let mut counts = Vec::new();
    for state in [JobState::Pending, JobState::Running, JobState::Canceling] {
        // Literals, as in the partial indexes: with a parameter the planner could not use those.
        let condition = match state {
            JobState::Pending => "state = 'PENDING'",
            JobState::Running => "state in ('RUNNING', 'CANCELING') and state = 'RUNNING'",
            _ => "state in ('RUNNING', 'CANCELING') and state = 'CANCELING'",
        };
        let statement = Query::select()
            .expr(Func::count(Expr::col(Asterisk)))
            .from(Entity)
            .and_where(Expr::cust(condition))
            .take();
        let count = db.row::<One<i64>>(&statement).await?.map_or(0, |count| count.0);
        counts.push((state, count));
    }
    Ok(counts)
}
