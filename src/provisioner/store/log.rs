//! How the lines of jobs are kept.

use std::collections::HashSet;

use guildhall_entity::id::{OrganizationId, ProvisionerJobId};
use guildhall_entity::kind::{LogLevel, LogSource};
use guildhall_entity::provisioner_job;
use guildhall_entity::provisioner_job_log::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::Actor;
use crate::db::list::List;
use crate::db::page::{self, Key, Keyset, Page, PageArgs};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx};
use crate::error::Result;

row! {
    /// A line.
    pub(crate) struct LogRow {
        sequence: i32,
        time: DateTimeUtc,
        level: LogLevel,
        source: LogSource,
        stage: String,
        text: String,
    }
}

/// The lines of a job that the actor can see, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LogList;

impl List for LogList {
    type Row = LogRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        Query::select()
            .from_as(Entity, "l")
            .join_as(
                sea_orm::JoinType::InnerJoin,
                provisioner_job::Entity,
                "j",
                Expr::col(("j", provisioner_job::Column::Id)).equals(("l", Column::ProvisionerJobId)),
            )
            .cond_where(super::job::visible(actor))
            .take()
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<LogRow>(statement, "l");
    }

    fn keyset(&self) -> Keyset {
        const SEQUENCE: &[Key] = &[Key::int("l", "sequence")];
        Keyset { tag: "provisioner_job_log", keys: SEQUENCE, descending: false }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("l", "provisioner_job_id")
    }
}

/// A page of a job's lines.
pub(in crate::provisioner) async fn page(
    db: &Db,
    actor: &Actor,
    job: ProvisionerJobId,
    list: &LogList,
    args: &PageArgs,
) -> Result<Page<LogRow>> {
    let mut statement = list.source(actor);
    list.columns(actor, &mut statement);
    statement.and_where(Expr::col(("l", Column::ProvisionerJobId)).eq(job));
    page::page(db, statement, list.keyset(), args).await
}

/// The sequences between these two, both included, that a job has lines of.
pub(in crate::provisioner) async fn kept_in(
    tx: &Tx,
    job: ProvisionerJobId,
    first: i32,
    last: i32,
) -> Result<HashSet<i32>> {
    let statement = Query::select()
        .column(("l", Column::Sequence))
        .from_as(Entity, "l")
        .and_where(Expr::col(("l", Column::ProvisionerJobId)).eq(job))
        .and_where(Expr::col(("l", Column::Sequence)).between(first, last))
        .take();
    let rows = tx.rows::<One<i32>>(&statement).await?;
    Ok(rows.into_iter().map(|One(sequence)| sequence).collect())
}

fn next_of(job: ProvisionerJobId) -> SelectStatement {
    Query::select()
        .expr(Expr::col(Column::Sequence).max())
        .from(Entity)
        .and_where(Expr::col(Column::ProvisionerJobId).eq(job))
        .take()
}

fn after(last: Option<One<Option<i32>>>) -> i32 {
    last.and_then(|One(last)| last).map_or(1, |last| last.saturating_add(1))
}

/// The sequence after a job's last line.
pub(in crate::provisioner) async fn next(db: &Db, job: ProvisionerJobId) -> Result<i32> {
    Ok(after(db.row(&next_of(job)).await?))
}

/// The same inside a transaction.
pub(in crate::provisioner) async fn next_in(tx: &Tx, job: ProvisionerJobId) -> Result<i32> {
    Ok(after(tx.row(&next_of(job)).await?))
}

/// Appends lines; those that are there already are left as they are.
pub(in crate::provisioner) async fn append_in(
    tx: &Tx,
    organization: OrganizationId,
    job: ProvisionerJobId,
    lines: Vec<LogRow>,
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows = lines.into_iter().map(|line| ActiveModel {
        provisioner_job_id: Set(job),
        sequence: Set(line.sequence),
        organization_id: Set(organization),
        time: Set(line.time),
        level: Set(line.level),
        source: Set(line.source),
        stage: Set(line.stage),
        text: Set(line.text),
    });
    let mut statement = Insert::many(rows).into_query();
    let columns = [Column::ProvisionerJobId, Column::Sequence];
    statement.on_conflict(OnConflict::columns(columns).do_nothing().to_owned());
    tx.execute_insert(&statement).await?;
    Ok(())
}
