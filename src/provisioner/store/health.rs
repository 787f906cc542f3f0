//! What the health of provisioners is told from: the queues, and what has ended lately.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::json::Tags;
use guildhall_entity::kind::JobType;
use guildhall_entity::provisioner_job::{Column, Entity};
use sea_orm::DbBackend;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Order, Query};

use crate::db::row::{Columns, Read};
use crate::db::{Db, is_one_of};
use crate::error::Result;

/// Jobs of one organization and tag set that wait.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) organization: OrganizationId,
    pub(crate) tags: Tags,
    pub(crate) jobs: i64,
    pub(crate) oldest: DateTimeUtc,
}

impl Read for Queue {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            organization: columns.next()?,
            tags: columns.next()?,
            jobs: columns.next()?,
            oldest: columns.next()?,
        })
    }
}

/// How the jobs of one organization and type ended.
#[derive(Clone, Debug)]
pub(crate) struct Endings {
    pub(crate) organization: OrganizationId,
    pub(crate) kind: JobType,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    pub(crate) canceled: i64,
    /// Seconds from when a daemon took them to their end, of those that one took.
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
}

impl Read for Endings {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            organization: columns.next()?,
            kind: columns.next()?,
            succeeded: columns.next()?,
            failed: columns.next()?,
            canceled: columns.next()?,
            p50: columns.next()?,
            p95: columns.next()?,
        })
    }
}

/// The queues of some organizations, the one that waits longest first.
pub(in crate::provisioner) async fn queues(db: &Db, organizations: &[OrganizationId]) -> Result<Vec<Queue>> {
    let oldest = || Expr::col(Column::CreatedAt).min();
    let statement = Query::select()
        .columns([Column::OrganizationId, Column::Tags])
        .expr(Func::count(Expr::col(Asterisk)))
        .expr(oldest())
        .from(Entity)
        // A literal, as in the index of the queue.
        .and_where(Expr::cust("state = 'PENDING'"))
        .and_where(is_one_of(Expr::col(Column::OrganizationId), organizations))
        .group_by_columns([Column::OrganizationId, Column::Tags])
        .order_by_expr(oldest(), Order::Asc)
        .take();
    db.rows(&statement).await
}

/// How the jobs of some organizations ended since a time, by type.
pub(in crate::provisioner) async fn endings(
    db: &Db,
    organizations: &[OrganizationId],
    since: DateTimeUtc,
) -> Result<Vec<Endings>> {
    let ended = Query::select()
        .columns([Column::OrganizationId, Column::Type, Column::State])
        .expr_as(Expr::cust(seconds(db.backend())), "seconds")
        .from(Entity)
        .and_where(Expr::cust("completed_at is not null"))
        .and_where(Expr::col(Column::CompletedAt).gte(since))
        .and_where(is_one_of(Expr::col(Column::OrganizationId), organizations))
        .take();
    let ranked = Query::select()
        .columns(["organization_id", "type", "state", "seconds"])
        .expr_as(place("organization_id, type"), "place")
        .expr_as(Expr::cust("count(seconds) over (partition by organization_id, type)"), "counted")
        .from_subquery(ended, "ended")
        .take();
    let statement = Query::select()
        .columns(["organization_id", "type"])
        .expr(of_state("SUCCEEDED"))
        .expr(of_state("FAILED"))
        .expr(of_state("CANCELED"))
        .expr(percentile(50))
        .expr(percentile(95))
        .from_subquery(ranked, "ranked")
        .group_by_columns(["organization_id", "type"])
        .order_by("type", Order::Asc)
        .take();
    db.rows(&statement).await
}

/// How long a job took that a daemon took.
pub(super) fn seconds(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres {
        "cast(extract(epoch from completed_at - started_at) as double precision)"
    } else {
        "(julianday(completed_at) - julianday(started_at)) * 86400.0"
    }
}

/// The place of a duration among those of its part.
pub(super) fn place(part: &str) -> Expr {
    Expr::cust(format!("row_number() over (partition by {part}, seconds is null order by seconds)"))
}

/// How many of a part ended so.
pub(super) fn of_state(state: &str) -> Expr {
    Expr::cust(format!("sum(case when state = '{state}' then 1 else 0 end)"))
}

/// The smallest duration that so many in a hundred of a part did not exceed.
pub(super) fn percentile(n: u8) -> Expr {
    Expr::cust(format!("min(case when place * 100 >= counted * {n} then seconds end)"))
}
