//! How Terraform states and their locks are kept.

use guildhall_entity::id::{WorkspaceBuildId, WorkspaceId};
use guildhall_entity::terraform_state::{ActiveModel, Column, Entity};
use guildhall_entity::terraform_state_lock as lock;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use super::build::Target;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx};
use crate::error::Result;

/// The newest sealed state of a workspace, and the build it is of.
pub(in crate::workspace) async fn newest(
    db: &Db,
    workspace: WorkspaceId,
) -> Result<Option<(WorkspaceBuildId, Vec<u8>)>> {
    let statement = Query::select()
        .columns([Column::WorkspaceBuildId, Column::Sealed])
        .from(Entity)
        .and_where(Expr::col(Column::WorkspaceId).eq(workspace))
        .order_by(Column::Number, Order::Desc)
        .limit(1)
        .to_owned();
    let row = db.row::<(One<WorkspaceBuildId>, One<Vec<u8>>)>(&statement).await?;
    Ok(row.map(|(build, sealed)| (build.0, sealed.0)))
}

/// Keeps a build's state in place of the one it sent before.
pub(in crate::workspace) async fn put_in(tx: &Tx, target: &Target, sealed: Vec<u8>) -> Result<()> {
    let row = ActiveModel {
        workspace_build_id: Set(target.build),
        organization_id: Set(target.organization),
        workspace_id: Set(target.workspace),
        number: Set(target.number),
        sealed: Set(sealed),
        updated_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let replace = OnConflict::column(Column::WorkspaceBuildId)
        .update_columns([Column::Sealed, Column::UpdatedAt])
        .to_owned();
    statement.on_conflict(replace);
    tx.execute_insert(&statement).await?;
    Ok(())
}

row! {
    /// Who may write a workspace's state.
    pub(crate) struct LockRow {
        workspace_build_id: WorkspaceBuildId,
        lock_id: String,
        info: String,
    }
}

/// The lock of a workspace.
pub(in crate::workspace) async fn lock_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<LockRow>> {
    let mut statement = Query::select()
        .from_as(lock::Entity, "l")
        .and_where(Expr::col(("l", lock::Column::WorkspaceId)).eq(workspace))
        .to_owned();
    select::<LockRow>(&mut statement, "l");
    if tx.backend() == sea_orm::DbBackend::Postgres {
        statement.lock_exclusive();
    }
    tx.row(&statement).await
}

/// Gives the lock to a build, whoever had it.
pub(in crate::workspace) async fn take_lock_in(
    tx: &Tx,
    target: &Target,
    lock_id: &str,
    info: &str,
) -> Result<()> {
    use lock::Column as Lock;
    let row = lock::ActiveModel {
        workspace_id: Set(target.workspace),
        organization_id: Set(target.organization),
        workspace_build_id: Set(target.build),
        lock_id: Set(lock_id.to_owned()),
        info: Set(info.to_owned()),
        created_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let replace = OnConflict::column(Lock::WorkspaceId)
        .update_columns([Lock::WorkspaceBuildId, Lock::LockId, Lock::Info, Lock::CreatedAt])
        .to_owned();
    statement.on_conflict(replace);
    tx.execute_insert(&statement).await?;
    Ok(())
}

pub(in crate::workspace) async fn unlock_in(tx: &Tx, workspace: WorkspaceId) -> Result<()> {
    let statement = Query::delete()
        .from_table(lock::Entity)
        .and_where(Expr::col(lock::Column::WorkspaceId).eq(workspace))
        .to_owned();
    tx.delete(&statement).await?;
    Ok(())
}

/// Whether this is still the workspace's newest build: an older one may not write any more.
pub(in crate::workspace) async fn is_newest_build_in(tx: &Tx, target: &Target) -> Result<bool> {
    Ok(is_newest(tx.row(&newest_number(target)).await?, target))
}

/// Whether this is still the workspace's newest build: an older one may not read any more.
pub(in crate::workspace) async fn is_newest_build(db: &Db, target: &Target) -> Result<bool> {
    Ok(is_newest(db.row(&newest_number(target)).await?, target))
}

fn newest_number(target: &Target) -> SelectStatement {
    use guildhall_entity::workspace_build::{Column as Build, Entity as Builds};
    Query::select()
        .expr(Expr::col(Build::Number).max())
        .from(Builds)
        .and_where(Expr::col(Build::WorkspaceId).eq(target.workspace))
        .to_owned()
}

fn is_newest(number: Option<One<Option<i32>>>, target: &Target) -> bool {
    number.and_then(|One(number)| number) == Some(target.number)
}
