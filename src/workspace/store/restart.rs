//! How promised starts are kept.

use guildhall_entity::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceBuildId};
use guildhall_entity::json::Parameters;
use guildhall_entity::workspace_restart::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use crate::db::Tx;
use crate::db::row::{row, select};
use crate::error::Result;

row! {
    /// The start that follows a stop.
    pub(in crate::workspace) struct RestartRow {
        next_build_id: WorkspaceBuildId,
        organization_id: OrganizationId,
        template_version_id: TemplateVersionId,
        initiator_id: Option<UserId>,
        parameters: Parameters,
        sealed_parameters: Option<Vec<u8>>,
        ephemeral_parameters: Option<Vec<u8>>,
    }
}

/// Promises a start for when `stop` has succeeded.
pub(in crate::workspace) async fn insert_in(tx: &Tx, stop: WorkspaceBuildId, next: RestartRow) -> Result<()> {
    tx.insert(ActiveModel {
        workspace_build_id: Set(stop),
        organization_id: Set(next.organization_id),
        next_build_id: Set(next.next_build_id),
        template_version_id: Set(next.template_version_id),
        initiator_id: Set(next.initiator_id),
        parameters: Set(next.parameters),
        sealed_parameters: Set(next.sealed_parameters),
        ephemeral_parameters: Set(next.ephemeral_parameters),
    })
    .await
}

/// What was promised for when `stop` has ended; it is no longer.
pub(in crate::workspace) async fn take_in(tx: &Tx, stop: WorkspaceBuildId) -> Result<Option<RestartRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "r")
        .and_where(Expr::col(("r", Column::WorkspaceBuildId)).eq(stop))
        .take();
    select::<RestartRow>(&mut statement, "r");
    let Some(next) = tx.row(&statement).await? else { return Ok(None) };
    let statement =
        Query::delete().from_table(Entity).and_where(Expr::col(Column::WorkspaceBuildId).eq(stop)).take();
    tx.delete(&statement).await?;
    Ok(Some(next))
}
