//! How Terraform states and their locks are kept.

use guildhall_entity::id::{WorkspaceBuildId, WorkspaceId};
use guildhall_entity::terraform_state::{ActiveModel, Column, Entity};
use guildhall_entity::terraform_state_lock as lock;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use super::build::Target;
use crate::authz::Reach;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;

/// How many states of a workspace are kept.
const KEPT: u64 = 20;

row! {
    /// What can be told of a state without opening it.
    pub(crate) struct StateRow {
        workspace_build_id: WorkspaceBuildId,
        size: i32,
        serial: Option<i64>,
        updated_at: DateTimeUtc,
    }
}

/// What there is to tell of the states that builds have written, of those builds that the reach covers.
pub(in crate::workspace) async fn of_builds(
    db: &Db,
    reach: &Reach,
    builds: &[WorkspaceBuildId],
) -> Result<Vec<StateRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "s")
        .cond_where(covered(reach, Expr::col(("s", Column::OrganizationId)), None))
        .and_where(is_one_of(Expr::col(("s", Column::WorkspaceBuildId)), builds))
        .take();
    select::<StateRow>(&mut statement, "s");
    db.rows(&statement).await
}

/// A build that the reach covers, with the name of its workspace; that may be gone.
pub(in crate::workspace) async fn build_of(
    db: &Db,
    reach: &Reach,
    build: WorkspaceBuildId,
) -> Result<Option<(Target, String)>> {
    use guildhall_entity::{workspace, workspace_build};
    let mut statement = Query::select()
        .from_as(workspace_build::Entity, "b")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            workspace::Entity,
            "w",
            Expr::col(("w", workspace::Column::Id)).equals(("b", workspace_build::Column::WorkspaceId)),
        )
        .cond_where(covered(reach, Expr::col(("b", workspace_build::Column::OrganizationId)), None))
        .and_where(Expr::col(("b", workspace_build::Column::Id)).eq(build))
        .take();
    select::<Target>(&mut statement, "b");
    statement.column(("w", workspace::Column::Name));
    let row = db.row::<(Target, One<String>)>(&statement).await?;
    Ok(row.map(|(build, name)| (build, name.0)))
}

/// The sealed state that a workspace had after a build, and the build that wrote it.
pub(in crate::workspace) async fn after(
    db: &Db,
    workspace: WorkspaceId,
    number: i32,
) -> Result<Option<(WorkspaceBuildId, Vec<u8>)>> {
    let statement = Query::select()
        .columns([Column::WorkspaceBuildId, Column::Sealed])
        .from(Entity)
        .and_where(Expr::col(Column::WorkspaceId).eq(workspace))
        .and_where(Expr::col(Column::Number).lte(number))
        .order_by(Column::Number, Order::Desc)
        .limit(1)
        .take();
    let row = db.row::<(One<WorkspaceBuildId>, One<Vec<u8>>)>(&statement).await?;
    Ok(row.map(|(build, sealed)| (build.0, sealed.0)))
}

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
        .take();
    let row = db.row::<(One<WorkspaceBuildId>, One<Vec<u8>>)>(&statement).await?;
    Ok(row.map(|(build, sealed)| (build.0, sealed.0)))
}

/// A state to be kept.
pub(in crate::workspace) struct NewState {
    pub(in crate::workspace) sealed: Vec<u8>,
    /// Of the plain text, in bytes.
    pub(in crate::workspace) size: i32,
    pub(in crate::workspace) serial: Option<i64>,
}

/// Keeps a build's state in place of the one it sent before, and of the states of its workspace the newest.
pub(in crate::workspace) async fn put_in(tx: &Tx, target: &Target, state: NewState) -> Result<()> {
    let row = ActiveModel {
        workspace_build_id: Set(target.build),
        organization_id: Set(target.organization),
        workspace_id: Set(target.workspace),
        number: Set(target.number),
        sealed: Set(state.sealed),
        size: Set(state.size),
        serial: Set(state.serial),
        updated_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let replace = OnConflict::column(Column::WorkspaceBuildId)
        .update_columns([Column::Sealed, Column::Size, Column::Serial, Column::UpdatedAt])
        .to_owned();
    statement.on_conflict(replace);
    tx.execute_insert(&statement).await?;
    let oldest = Query::select()
        .column(Column::Number)
        .from(Entity)
        .and_where(Expr::col(Column::WorkspaceId).eq(target.workspace))
        .order_by(Column::Number, Order::Desc)
        .offset(KEPT - 1)
        .limit(1)
        .take();
    let Some(One(oldest)) = tx.row::<One<i32>>(&oldest).await? else { return Ok(()) };
    let statement = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::WorkspaceId).eq(target.workspace))
        .and_where(Expr::col(Column::Number).lt(oldest))
        .take();
    tx.delete(&statement).await?;
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
        .take();
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
        .take();
    tx.delete(&statement).await?;
    Ok(())
}

/// Whether this is still the workspace's latest build: an older one may not write any more.
pub(in crate::workspace) async fn is_latest_build_in(tx: &Tx, target: &Target) -> Result<bool> {
    Ok(is_latest(tx.row(&latest_of(target)).await?, target))
}

/// Whether this is still the workspace's latest build: an older one may not read any more.
pub(in crate::workspace) async fn is_latest_build(db: &Db, target: &Target) -> Result<bool> {
    Ok(is_latest(db.row(&latest_of(target)).await?, target))
}

fn latest_of(target: &Target) -> SelectStatement {
    use guildhall_entity::workspace::{Column as Workspace, Entity as Workspaces};
    Query::select()
        .column(Workspace::LatestBuildId)
        .from(Workspaces)
        .and_where(Expr::col(Workspace::Id).eq(target.workspace))
        .and_where(Expr::col(Workspace::DeletedAt).is_null())
        .take()
}

fn is_latest(latest: Option<One<Option<WorkspaceBuildId>>>, target: &Target) -> bool {
    latest.and_then(|One(latest)| latest) == Some(target.build)
}
