//! What events need to know of provisioners.

use guildhall_entity::id::ProvisionerDaemonId;
use guildhall_entity::provisioner_job::{Column, Entity};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use crate::db::row::One;
use crate::db::{Tx, is_one_of};
use crate::error::Result;

/// The daemons that hold these jobs or held them last.
pub(crate) async fn daemons_in(tx: &Tx, jobs: &[Uuid]) -> Result<Vec<(Uuid, ProvisionerDaemonId)>> {
    let statement = Query::select()
        .columns([Column::Id, Column::ProvisionerDaemonId])
        .from(Entity)
        .and_where(is_one_of(Expr::col(Column::Id), jobs))
        .and_where(Expr::col(Column::ProvisionerDaemonId).is_not_null())
        .take();
    let rows = tx.rows::<(One<Uuid>, One<ProvisionerDaemonId>)>(&statement).await?;
    Ok(rows.into_iter().map(|(job, daemon)| (job.0, daemon.0)).collect())
}
