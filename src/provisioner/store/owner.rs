//! Whose jobs are.

use guildhall_entity::id::{ProvisionerJobId, UserId};
use guildhall_entity::provisioner_job::{Column, Entity};
use sea_orm::sea_query::{Expr, Query};

use crate::db::{Tx, is_one_of};
use crate::error::Result;

/// Jobs in one statement: SQLite takes 32,766 parameters.
const JOBS_AT_ONCE: usize = 10_000;

/// Makes jobs somebody else's.
pub(in crate::provisioner) async fn set_in(tx: &Tx, jobs: &[ProvisionerJobId], owner: UserId) -> Result<()> {
    for jobs in jobs.chunks(JOBS_AT_ONCE) {
        let statement = Query::update()
            .table(Entity)
            .value(Column::OwnerId, owner)
            .and_where(is_one_of(Expr::col(Column::Id), jobs))
            .take();
        tx.update(&statement).await?;
    }
    Ok(())
}
