//! What events need to know of templates.

use std::collections::HashSet;

use guildhall_entity::id::{TemplateId, TemplateVersionId};
use guildhall_entity::{template, template_version};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, Query};

use super::access::readable;
use crate::authz::Actor;
use crate::db::row::One;
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

/// The versions that these jobs import, with their templates.
pub(crate) async fn of_jobs_in(tx: &Tx, jobs: &[Uuid]) -> Result<Vec<(Uuid, TemplateVersionId, TemplateId)>> {
    use template_version::{Column, Entity};
    let statement = Query::select()
        .columns([Column::ProvisionerJobId, Column::Id, Column::TemplateId])
        .from(Entity)
        .and_where(is_one_of(Expr::col(Column::ProvisionerJobId), jobs))
        .take();
    let rows = tx.rows::<(One<Uuid>, (One<TemplateVersionId>, One<TemplateId>))>(&statement).await?;
    Ok(rows.into_iter().map(|(job, (version, template))| (job.0, version.0, template.0)).collect())
}

/// Which of these templates the actor can see, or could before they were deleted.
pub(crate) async fn seen(db: &Db, actor: &Actor, ids: &[Uuid]) -> Result<HashSet<TemplateId>> {
    use template::{Column, Entity};
    let statement = Query::select()
        .column(("t", Column::Id))
        .from_as(Entity, "t")
        .cond_where(readable(actor))
        .and_where(is_one_of(Expr::col(("t", Column::Id)), ids))
        .take();
    Ok(db.rows::<One<TemplateId>>(&statement).await?.into_iter().map(|One(id)| id).collect())
}
