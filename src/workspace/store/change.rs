//! Changes to workspaces.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId, TemplateId, UserId, WorkspaceId};
use guildhall_entity::kind::{AutomaticUpdates, WorkspaceStatus};
use guildhall_entity::workspace::{ActiveModel, Column, Entity};
use guildhall_entity::{organization_member, user, workspace_build, workspace_favorite as favorite};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query, UpdateStatement};
use sea_orm::{Insert, QueryTrait};

use super::workspace::{WorkspaceRow, latest_build_of};
use crate::db::row::{One, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::{Error, Result};

pub(in crate::workspace) async fn insert_in(
    tx: &Tx,
    id: WorkspaceId,
    organization: OrganizationId,
    owner: UserId,
    template: TemplateId,
    name: &str,
) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(id),
        organization_id: Set(organization),
        owner_id: Set(owner),
        template_id: Set(template),
        name: Set(name.to_owned()),
        last_used_at: Set(None),
        autostart_cron: Set(None),
        autostart_time_zone: Set(None),
        autostart_at: Set(None),
        ttl_ms: Set(None),
        automatic_updates: Set(AutomaticUpdates::Never),
        deadline: Set(None),
        dormant_at: Set(None),
        deleting_at: Set(None),
        latest_build_id: Set(None),
        status: Set(WorkspaceStatus::Pending),
        outdated: Set(false),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    })
    .await
}

/// The name of a user who belongs to an organization, which the owner of a workspace must.
pub(in crate::workspace) async fn member_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<String>> {
    use organization_member::{Column, Entity};
    let statement = Query::select()
        .column(Column::Username)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    // Whoever removes this member at the same moment waits, and then sees the workspace.
    Ok(tx.locked::<One<String>>(statement, LockType::KeyShare).await?.map(|name| name.0))
}

/// The name of whoever owns a workspace, a member or not.
pub(in crate::workspace) async fn username_in(tx: &Tx, user: UserId) -> Result<String> {
    let statement = Query::select()
        .column(user::Column::Username)
        .from(user::Entity)
        .and_where(Expr::col(user::Column::Id).eq(user))
        .take();
    let name = tx.row::<One<String>>(&statement).await?;
    Ok(name.ok_or_else(|| Error::internal(format!("{user} owns a workspace, but is not there")))?.0)
}

/// A live workspace as it is now, and as it stays until the transaction ends. `None` when it is gone.
pub(in crate::workspace) async fn lock_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<WorkspaceRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "w")
        .and_where(Expr::col(("w", Column::Id)).eq(workspace))
        .and_where(Expr::col(("w", Column::DeletedAt)).is_null())
        .take();
    select::<WorkspaceRow>(&mut statement, "w");
    tx.locked(statement, LockType::NoKeyUpdate).await
}

/// Whether a build of the workspace has not ended.
pub(in crate::workspace) async fn is_building_in(tx: &Tx, workspace: WorkspaceId) -> Result<bool> {
    use workspace_build::{Column as Build, Entity as Builds};
    let statement = Query::select()
        .expr(Expr::val(1))
        .from(Builds)
        .and_where(Expr::col(Build::WorkspaceId).eq(workspace))
        .and_where(Expr::col(Build::Active))
        .take();
    Ok(tx.row::<One<i32>>(&statement).await?.is_some())
}

fn update(workspace: WorkspaceId) -> UpdateStatement {
    Query::update().table(Entity).and_where(Expr::col(Column::Id).eq(workspace)).take()
}

/// Writes what people change of a workspace that the transaction has locked, all of it.
pub(in crate::workspace) async fn update_in(tx: &Tx, next: &WorkspaceRow) -> Result<()> {
    let mut statement = update(next.id);
    statement
        .value(Column::Name, next.name.as_str())
        .value(Column::OwnerId, next.owner_id)
        .value(Column::AutostartCron, next.autostart_cron.clone())
        .value(Column::AutostartTimeZone, next.autostart_time_zone.clone())
        .value(Column::AutostartAt, next.autostart_at)
        .value(Column::TtlMs, next.ttl_ms)
        .value(Column::AutomaticUpdates, next.automatic_updates.as_str())
        .value(Column::LastUsedAt, next.last_used_at)
        .value(Column::Deadline, next.deadline)
        .value(Column::DormantAt, next.dormant_at)
        .value(Column::DeletingAt, next.deleting_at)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now());
    tx.update(&statement).await?;
    Ok(())
}

/// Notes that a workspace was used.
pub(in crate::workspace) async fn touch_in(tx: &Tx, workspace: WorkspaceId) -> Result<()> {
    let mut statement = update(workspace);
    statement.value(Column::LastUsedAt, tx.clock().now());
    tx.update(&statement).await?;
    Ok(())
}

/// Sets when a workspace is stopped by itself.
pub(in crate::workspace) async fn set_deadline_in(
    tx: &Tx,
    workspace: WorkspaceId,
    deadline: Option<DateTimeUtc>,
) -> Result<()> {
    let mut statement = update(workspace);
    statement.value(Column::Deadline, deadline);
    tx.update(&statement).await?;
    Ok(())
}

/// Sets when a workspace starts by itself next.
pub(in crate::workspace) async fn set_autostart_at_in(
    tx: &Tx,
    workspace: WorkspaceId,
    at: Option<DateTimeUtc>,
) -> Result<()> {
    let mut statement = update(workspace);
    statement.value(Column::AutostartAt, at);
    tx.update(&statement).await?;
    Ok(())
}

/// Sets when a dormant workspace is deleted.
pub(in crate::workspace) async fn set_deleting_at_in(
    tx: &Tx,
    workspace: WorkspaceId,
    at: DateTimeUtc,
) -> Result<()> {
    let mut statement = update(workspace);
    statement.value(Column::DeletingAt, at);
    tx.update(&statement).await?;
    Ok(())
}

/// Marks a workspace as deleted, which frees its name.
pub(in crate::workspace) async fn delete_in(tx: &Tx, workspace: WorkspaceId) -> Result<()> {
    let mut statement = update(workspace);
    statement.value(Column::DeletedAt, tx.clock().now());
    tx.update(&statement).await?;
    Ok(())
}

/// The jobs of a workspace's builds.
pub(in crate::workspace) async fn jobs_in(tx: &Tx, workspace: WorkspaceId) -> Result<Vec<ProvisionerJobId>> {
    use workspace_build::{Column as Build, Entity as Builds};
    let statement = Query::select()
        .column(Build::ProvisionerJobId)
        .from(Builds)
        .and_where(Expr::col(Build::WorkspaceId).eq(workspace))
        .take();
    Ok(tx.rows::<One<ProvisionerJobId>>(&statement).await?.into_iter().map(|id| id.0).collect())
}

/// What the latest build of a workspace costs a day.
pub(in crate::workspace) async fn cost_in(tx: &Tx, workspace: WorkspaceId) -> Result<i32> {
    let mut statement = latest_build_of(workspace);
    statement.column(("b", workspace_build::Column::DailyCost));
    Ok(tx.row::<One<i32>>(&statement).await?.map_or(0, |cost| cost.0))
}

/// Marks a workspace as dear to a user, or no longer.
pub(in crate::workspace) async fn set_favorite_in(
    tx: &Tx,
    (organization, workspace): (OrganizationId, WorkspaceId),
    user: UserId,
    dear: bool,
) -> Result<()> {
    if !dear {
        let statement = Query::delete()
            .from_table(favorite::Entity)
            .and_where(Expr::col(favorite::Column::UserId).eq(user))
            .and_where(Expr::col(favorite::Column::WorkspaceId).eq(workspace))
            .take();
        tx.delete(&statement).await?;
        return Ok(());
    }
    let row = favorite::ActiveModel {
        user_id: Set(user),
        workspace_id: Set(workspace),
        organization_id: Set(organization),
        created_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let columns = [favorite::Column::UserId, favorite::Column::WorkspaceId];
    statement.on_conflict(OnConflict::columns(columns).do_nothing().to_owned());
    tx.execute_insert(&statement).await?;
    Ok(())
}

/// Which of these workspaces are dear to a user.
pub(in crate::workspace) async fn favorites_of(
    db: &Db,
    user: UserId,
    workspaces: &[WorkspaceId],
) -> Result<Vec<WorkspaceId>> {
    let statement = Query::select()
        .column(favorite::Column::WorkspaceId)
        .from(favorite::Entity)
        .and_where(Expr::col(favorite::Column::UserId).eq(user))
        .and_where(is_one_of(Expr::col(favorite::Column::WorkspaceId), workspaces))
        .take();
    Ok(db.rows::<One<WorkspaceId>>(&statement).await?.into_iter().map(|id| id.0).collect())
}
