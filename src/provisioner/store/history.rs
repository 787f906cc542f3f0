//! What the history of provisioners is told from: how jobs ended, hour by hour or day by day.

use chrono::{DurationRound as _, TimeDelta};
use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::JobType;
use guildhall_entity::provisioner_job::{Column, Entity};
use sea_orm::DbBackend;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::health::{of_state, percentile, place, seconds};
use crate::db::row::{Columns, Read};
use crate::db::{Db, is_one_of};
use crate::error::Result;

/// How long each period of a history is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ProvisionerHistoryWidth")]
pub(crate) enum Width {
    /// From one full hour to the next.
    #[default]
    Hour,
    /// From one midnight to the next, in UTC.
    Day,
}

impl Width {
    pub(in crate::provisioner) fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }

    /// When the period began that a time lies in.
    pub(in crate::provisioner) fn start(self, time: DateTimeUtc) -> DateTimeUtc {
        // Fails for times that nobody lives in.
        time.duration_trunc(self.length()).unwrap_or(time)
    }
}

/// How the jobs of one organization did that ended in one period.
#[derive(Clone, Debug)]
pub(in crate::provisioner) struct Row {
    pub(in crate::provisioner) organization: OrganizationId,
    /// When the first of them ended: it tells which period it is.
    pub(in crate::provisioner) first: DateTimeUtc,
    pub(in crate::provisioner) ended: Ended,
}

/// How jobs ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    pub(crate) canceled: i64,
    /// Seconds from when a daemon took them to their end, of those that one took.
    pub(crate) p50: Option<f64>,
    pub(crate) longest: Option<f64>,
}

impl Read for Row {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            organization: columns.next()?,
            first: columns.next()?,
            ended: Ended {
                succeeded: columns.next()?,
                failed: columns.next()?,
                canceled: columns.next()?,
                p50: columns.next()?,
                longest: columns.next()?,
            },
        })
    }
}

/// How the jobs of some organizations ended since a time, by period; those in which none did are absent.
pub(in crate::provisioner) async fn periods(
    db: &Db,
    organizations: &[OrganizationId],
    width: Width,
    since: DateTimeUtc,
    kind: Option<JobType>,
) -> Result<Vec<Row>> {
    let period = match (db.backend(), width) {
        (DbBackend::Postgres, Width::Hour) => "date_trunc('hour', completed_at, 'UTC')",
        (DbBackend::Postgres, Width::Day) => "date_trunc('day', completed_at, 'UTC')",
        // Times are kept as texts in UTC: `2026-11-24T09:30:00…`
        (_, Width::Hour) => "substr(completed_at, 1, 13)",
        (_, Width::Day) => "substr(completed_at, 1, 10)",
    };
    let mut ended = Query::select()
        .columns([Column::OrganizationId, Column::State, Column::CompletedAt])
        .expr_as(Expr::cust(period), "period")
        .expr_as(Expr::cust(seconds(db.backend())), "seconds")
        .from(Entity)
        .and_where(Expr::cust("completed_at is not null"))
        .and_where(Expr::col(Column::CompletedAt).gte(since))
        .and_where(is_one_of(Expr::col(Column::OrganizationId), organizations))
        .take();
    if let Some(kind) = kind {
        ended.and_where(Expr::col(Column::Type).eq(kind));
    }
    let ranked = Query::select()
        .columns(["organization_id", "period", "state", "completed_at", "seconds"])
        .expr_as(place("organization_id, period"), "place")
        .expr_as(Expr::cust("count(seconds) over (partition by organization_id, period)"), "counted")
        .from_subquery(ended, "ended")
        .take();
    let statement = Query::select()
        .column("organization_id")
        .expr(Expr::col("completed_at").min())
        .expr(of_state("SUCCEEDED"))
        .expr(of_state("FAILED"))
        .expr(of_state("CANCELED"))
        .expr(percentile(50))
        .expr(Expr::col("seconds").max())
        .from_subquery(ranked, "ranked")
        .group_by_columns(["organization_id", "period"])
        .take();
    db.rows(&statement).await
}
