//! The queue of jobs: who is next.
//!
//! Fair queueing by rounds. A queue is an organization's jobs of one tag set and priority. Every job has a turn, decided as
//! it comes in: the round after its initiator's last unfinished job, but none that the queue has passed. So in each round
//! everybody who waits is served once, whoever comes late begins with the round that is on, and the next job is simply
//! the first one of an index: a claim costs the same for ten jobs and for ten thousand. A queue that was empty begins with
//! the round that the organization's others are at: one daemon may serve them all.

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::provisioner_job::{Column, Entity};
use sea_orm::DbBackend;
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockBehavior, LockType, Order, Query, UpdateStatement};

use super::job::JobRow;
use crate::db::row::{One, Row, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

/// Where a job is going to wait, and for whom.
pub(in crate::provisioner) struct Entry<'a> {
    pub(in crate::provisioner) organization: OrganizationId,
    pub(in crate::provisioner) tags: &'a Tags,
    pub(in crate::provisioner) priority: i32,
    /// Who started it; for what nobody started, whose it is.
    pub(in crate::provisioner) initiator: UserId,
}

/// The turn of a job that comes in now.
pub(in crate::provisioner) async fn turn_in(tx: &Tx, entry: &Entry<'_>) -> Result<i32> {
    let queues = || {
        Query::select()
            .column(Column::Turn)
            .from(Entity)
            .and_where(Expr::col(Column::OrganizationId).eq(entry.organization))
            .and_where(Expr::col(Column::Priority).eq(entry.priority))
            .limit(1)
            .take()
    };
    let own = Expr::col(Column::Tags).eq(sea_orm::Value::from(entry.tags.clone()));
    let mut last = queues();
    last.and_where(own.clone());
    last.and_where(Expr::cust("state in ('PENDING', 'RUNNING', 'CANCELING')"))
        .and_where(Expr::cust("coalesce(initiator_id, owner_id)").eq(entry.initiator.0))
        .order_by(Column::Turn, Order::Desc);
    let mut others = queues();
    others.and_where(Expr::cust("state = 'PENDING'")).order_by(Column::Turn, Order::Asc);
    let mut round = others.clone();
    round.and_where(own);
    let statement =
        Query::select().expr(Expr::from(last)).expr(Expr::from(round)).expr(Expr::from(others)).take();
    let found = tx.row::<(One<Option<i32>>, (One<Option<i32>>, One<Option<i32>>))>(&statement).await?;
    let (last, round) = found.map_or((None, None), |(last, (round, others))| {
        // Nobody waits in this queue: it begins where the others are. A daemon may serve several of them, and whoever had
        // one for themselves would go before everybody else's rounds again and again.
        (last.0, round.0.or(others.0))
    });
    Ok(std::cmp::max(last.map_or(0, |turn| turn.saturating_add(1)), round.unwrap_or_default()))
}

/// Claims the next job that a daemon with these tags may take, in one statement that reads the head of one index, however
/// long the queue is: on PostgreSQL rows that another daemon is claiming are skipped; SQLite has one writer.
pub(in crate::provisioner) async fn claim_in(
    tx: &Tx,
    organization: OrganizationId,
    daemon: ProvisionerDaemonId,
    tags: &Tags,
    token_hash: Vec<u8>,
) -> Result<Option<JobRow>> {
    let mut next = Query::select()
        .column(("j", Column::Id))
        .from_as(Entity, "j")
        .and_where(Expr::col(("j", Column::OrganizationId)).eq(organization))
        // A literal, as in the index of the queue: with a parameter the planner could not use that.
        .and_where(Expr::cust("j.state = 'PENDING'"))
        .and_where(takes(tx.backend(), tags))
        .order_by(("j", Column::Priority), Order::Asc)
        .order_by(("j", Column::Turn), Order::Asc)
        .order_by(("j", Column::CreatedAt), Order::Asc)
        .order_by(("j", Column::Id), Order::Asc)
        .limit(1)
        .take();
    if tx.backend() == DbBackend::Postgres {
        next.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let now = tx.clock().now();
    let mut claim = Query::update()
        .table(Entity)
        .value(Column::State, "RUNNING")
        .value(Column::ProvisionerDaemonId, daemon)
        .value(Column::TokenHash, token_hash)
        .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .value(Column::StartedAt, now)
        .value(Column::UpdatedAt, now)
        // Not `in`: PostgreSQL may plan that as a join and run the subquery again for every row, each time locking another.
        .and_where(Expr::col(Column::Id).eq(next))
        .take();
    returning_job(&mut claim);
    Ok(tx.update_returning::<JobRow>(&claim).await?.into_iter().next())
}

/// A daemon with these tags may take the job: see [`tags_match`](crate::provisioner::tags_match).
fn takes(backend: DbBackend, tags: &Tags) -> Expr {
    if tags.0.is_empty() {
        return Expr::cust("cast(j.tags as text) = '{}'");
    }
    let carried = serde_json::to_string(&tags.0).unwrap_or_default();
    let subset = if backend == DbBackend::Postgres {
        Expr::cust_with_values("j.tags <@ cast($1 as jsonb)", [carried])
    } else {
        Expr::cust_with_values(
            "not exists (select 1 from json_each(j.tags) as wanted where not exists (select 1 from json_each(?) as \
             carried where carried.key = wanted.key and carried.value = wanted.value))",
            [carried],
        )
    };
    Expr::cust("cast(j.tags as text) <> '{}'").and(subset)
}

fn returning_job(statement: &mut UpdateStatement) {
    let columns: Vec<Column> = JobRow::COLUMNS
        .iter()
        .filter_map(|name| <Column as std::str::FromStr>::from_str(name).ok())
        .collect();
    debug_assert_eq!(columns.len(), JobRow::COLUMNS.len());
    statement.returning(Query::returning().columns(columns));
}

/// Puts a job back into its queue, at its old place, if nothing of it was applied and it was not taken too often. `false`
/// when it must end instead.
pub(in crate::provisioner) async fn requeue_in(
    tx: &Tx,
    job: ProvisionerJobId,
    attempts_max: i32,
) -> Result<bool> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::State, "PENDING")
        .value(Column::ProvisionerDaemonId, Option::<Uuid>::None)
        .value(Column::TokenHash, Option::<Vec<u8>>::None)
        .value(Column::StartedAt, Option::<DateTimeUtc>::None)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(job))
        .and_where(Expr::col(Column::State).eq("RUNNING"))
        .and_where(Expr::col(Column::ApplyingAt).is_null())
        .and_where(Expr::col(Column::Attempts).lt(attempts_max))
        .take();
    Ok(tx.update(&statement).await? == 1)
}

/// Notes that a job is about to change the world: it is not put back into the queue any more.
pub(in crate::provisioner) async fn applying_in(tx: &Tx, job: ProvisionerJobId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::ApplyingAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(job))
        .and_where(Expr::col(Column::ApplyingAt).is_null())
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// A job's place among those that wait in its queue (organization and tag set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// 1 is the next.
    pub(crate) number: i64,
    /// How many wait.
    pub(crate) of: i64,
}

/// The places of waiting jobs in their queues.
pub(in crate::provisioner) async fn positions(
    db: &Db,
    jobs: &[JobRow],
) -> Result<Vec<(ProvisionerJobId, Place)>> {
    let organizations: Vec<Uuid> = jobs.iter().map(|job| job.organization_id.0).collect();
    let queue = Query::select()
        .column(("j", Column::Id))
        .expr_as(
            Expr::cust("row_number() over (partition by j.organization_id, j.tags order by j.priority, j.turn, j.created_at, j.id)"),
            "number",
        )
        .expr_as(Expr::cust("count(*) over (partition by j.organization_id, j.tags)"), "of_all")
        .from_as(Entity, "j")
        .and_where(Expr::cust("j.state = 'PENDING'"))
        .and_where(is_one_of(Expr::col(("j", Column::OrganizationId)), &organizations))
        .take();
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.id.0).collect();
    let statement = Query::select()
        .columns([("queue", "id"), ("queue", "number"), ("queue", "of_all")])
        .from_subquery(queue, "queue")
        .and_where(is_one_of(Expr::col(("queue", "id")), &ids))
        .take();
    let rows = db.rows::<(One<ProvisionerJobId>, (One<i64>, One<i64>))>(&statement).await?;
    Ok(rows.into_iter().map(|(id, (number, of))| (id.0, Place { number: number.0, of: of.0 })).collect())
}

/// Jobs for the reaper: held without an update since `silent_since`, or waiting (anew) since before `waiting_since`. At most 100,
/// in the order of their ids.
pub(in crate::provisioner) async fn overdue(
    db: &Db,
    silent_since: DateTimeUtc,
    waiting_since: DateTimeUtc,
    after: Option<ProvisionerJobId>,
) -> Result<Vec<JobRow>> {
    let hung = Condition::all()
        .add(Expr::col(("j", Column::State)).is_in(["RUNNING", "CANCELING"]))
        .add(Expr::col(("j", Column::UpdatedAt)).lt(silent_since));
    let waiting = Condition::all()
        .add(Expr::col(("j", Column::State)).eq("PENDING"))
        .add(Expr::col(("j", Column::UpdatedAt)).lt(waiting_since));
    let mut statement = Query::select()
        .from_as(Entity, "j")
        .cond_where(Condition::any().add(hung).add(waiting))
        .order_by(("j", Column::Id), Order::Asc)
        .limit(100)
        .take();
    if let Some(after) = after {
        statement.and_where(Expr::col(("j", Column::Id)).gt(after));
    }
    select::<JobRow>(&mut statement, "j");
    db.rows(&statement).await
}
