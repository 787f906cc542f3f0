//! Somebody's workspaces together, as a transaction sees them.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId, UserId, WorkspaceId};
use guildhall_entity::kind::JobState;
use guildhall_entity::workspace::{Column, Entity};
use guildhall_entity::workspace_build;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, Query};

use super::build::BuildRow;
use super::workspace::{WorkspaceRow, join_latest_build};
use crate::db::row::{Columns, One, Read, select};
use crate::db::{Tx, is_one_of};
use crate::error::Result;
use crate::provisioner::join_job;

/// A live workspace with its latest build and where that stands.
#[derive(Clone)]
pub(crate) struct Held {
    pub(in crate::workspace) workspace: WorkspaceRow,
    pub(in crate::workspace) build: BuildRow,
    pub(in crate::workspace) state: JobState,
}

impl Read for Held {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self { workspace: Read::read(columns)?, build: Read::read(columns)?, state: columns.next()? })
    }
}

pub(in crate::workspace) async fn held_in(
    tx: &Tx,
    organization: OrganizationId,
    owner: UserId,
) -> Result<Vec<Held>> {
    let mut statement = Query::select()
        .from_as(Entity, "w")
        .and_where(Expr::col(("w", Column::OrganizationId)).eq(organization))
        .and_where(Expr::col(("w", Column::OwnerId)).eq(owner))
        .and_where(Expr::col(("w", Column::DeletedAt)).is_null())
        .order_by(("w", Column::Name), Order::Asc)
        .take();
    join_latest_build(&mut statement);
    join_job(&mut statement, "b");
    select::<WorkspaceRow>(&mut statement, "w");
    select::<BuildRow>(&mut statement, "b");
    statement.column(("j", "state"));
    tx.rows(&statement).await
}

/// Keeps workspaces as they are until the transaction ends, the first by its id first: so no two who lock several wait for each
/// other. SQLite has one writer anyway.
pub(in crate::workspace) async fn lock_in(tx: &Tx, ids: &[WorkspaceId]) -> Result<()> {
    if tx.backend() == DbBackend::Postgres {
        let statement = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(is_one_of(Expr::col(Column::Id), ids))
            .order_by(Column::Id, Order::Asc)
            .lock(LockType::NoKeyUpdate)
            .take();
        tx.rows::<One<WorkspaceId>>(&statement).await?;
    }
    Ok(())
}

/// Which of these names the live workspaces of a user have.
pub(in crate::workspace) async fn names_in(
    tx: &Tx,
    organization: OrganizationId,
    owner: UserId,
    names: &[&str],
) -> Result<Vec<String>> {
    let statement = Query::select()
        .column(Column::Name)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::OwnerId).eq(owner))
        .and_where(Expr::col(Column::DeletedAt).is_null())
        .and_where(Expr::col(Column::Name).is_in(names.iter().copied()))
        .order_by(Column::Name, Order::Asc)
        .take();
    Ok(tx.rows::<One<String>>(&statement).await?.into_iter().map(|name| name.0).collect())
}

/// The jobs of all builds of these workspaces.
pub(in crate::workspace) async fn jobs_in(tx: &Tx, ids: &[WorkspaceId]) -> Result<Vec<ProvisionerJobId>> {
    use workspace_build::Column as Build;
    let statement = Query::select()
        .column(Build::ProvisionerJobId)
        .from(workspace_build::Entity)
        .and_where(is_one_of(Expr::col(Build::WorkspaceId), ids))
        .take();
    Ok(tx.rows::<One<ProvisionerJobId>>(&statement).await?.into_iter().map(|id| id.0).collect())
}

pub(in crate::workspace) async fn set_owner_in(tx: &Tx, ids: &[WorkspaceId], owner: UserId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::OwnerId, owner)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(is_one_of(Expr::col(Column::Id), ids))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
