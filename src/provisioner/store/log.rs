//! How the lines of jobs are kept.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId};
use guildhall_entity::kind::{LogLevel, LogSource};
use guildhall_entity::provisioner_job;
use guildhall_entity::provisioner_job_log::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::Actor;
use crate::db::Tx;
use crate::db::list::List;
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
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
            .to_owned()
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
