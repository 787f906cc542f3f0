//! What events need to know of workspaces.

use std::collections::{HashMap, HashSet};

use guildhall_entity::id::{UserId, WorkspaceBuildId, WorkspaceId};
use guildhall_entity::{workspace, workspace_build};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::workspace::covered_by;
use crate::authz::Actor;
use crate::db::row::One;
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

/// The builds that these jobs make, with their workspaces.
pub(crate) async fn of_jobs_in(tx: &Tx, jobs: &[Uuid]) -> Result<Vec<(Uuid, WorkspaceBuildId, WorkspaceId)>> {
    use workspace_build::{Column, Entity};
    let statement = Query::select()
        .columns([Column::ProvisionerJobId, Column::Id, Column::WorkspaceId])
        .from(Entity)
        .and_where(is_one_of(Expr::col(Column::ProvisionerJobId), jobs))
        .take();
    let rows = tx.rows::<(One<Uuid>, (One<WorkspaceBuildId>, One<WorkspaceId>))>(&statement).await?;
    Ok(rows.into_iter().map(|(job, (build, workspace))| (job.0, build.0, workspace.0)).collect())
}

/// Which of these workspaces are deleted.
pub(crate) async fn gone_in(tx: &Tx, ids: &[Uuid]) -> Result<HashSet<WorkspaceId>> {
    use workspace::{Column, Entity};
    let statement = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(is_one_of(Expr::col(Column::Id), ids))
        .and_where(Expr::col(Column::DeletedAt).is_not_null())
        .take();
    Ok(tx.rows::<One<WorkspaceId>>(&statement).await?.into_iter().map(|One(id)| id).collect())
}

/// Those of these workspaces that the actor can see, or could before they were deleted, with their owners.
pub(crate) async fn seen(db: &Db, actor: &Actor, ids: &[Uuid]) -> Result<HashMap<WorkspaceId, UserId>> {
    use workspace::{Column, Entity};
    let statement = Query::select()
        .columns([("w", Column::Id), ("w", Column::OwnerId)])
        .from_as(Entity, "w")
        .cond_where(covered_by(actor))
        .and_where(is_one_of(Expr::col(("w", Column::Id)), ids))
        .take();
    let rows = db.rows::<(One<WorkspaceId>, One<UserId>)>(&statement).await?;
    Ok(rows.into_iter().map(|(id, owner)| (id.0, owner.0)).collect())
}
