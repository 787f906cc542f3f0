//! How many workspaces somebody has.

use guildhall_entity::id::{OrganizationId, TemplateId, UserId};
use guildhall_entity::organization_member;
use guildhall_entity::workspace::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LockType, Query};

use crate::db::Tx;
use crate::db::row::One;
use crate::error::Result;

/// Waits for others who count what this member owns, and keeps them waiting until the transaction ends. SQLite has one
/// writer anyway.
pub(in crate::workspace) async fn lock_owner_in(
    tx: &Tx,
    organization: OrganizationId,
    owner: UserId,
) -> Result<()> {
    use organization_member::Column as Member;
    if tx.backend() == sea_orm::DbBackend::Postgres {
        let statement = Query::select()
            .column(Member::UserId)
            .from(organization_member::Entity)
            .and_where(Expr::col(Member::OrganizationId).eq(organization))
            .and_where(Expr::col(Member::UserId).eq(owner))
            .lock(LockType::NoKeyUpdate)
            .take();
        tx.row::<One<UserId>>(&statement).await?;
    }
    Ok(())
}

/// How many live workspaces somebody has of a template, as the transaction sees it.
pub(in crate::workspace) async fn count_in(tx: &Tx, template: TemplateId, owner: UserId) -> Result<i64> {
    let statement = Query::select()
        .expr(Func::count(Expr::col(Column::Id)))
        .from(Entity)
        .and_where(Expr::col(Column::TemplateId).eq(template))
        .and_where(Expr::col(Column::OwnerId).eq(owner))
        .and_where(Expr::col(Column::DeletedAt).is_null())
        .take();
    Ok(tx.row::<One<i64>>(&statement).await?.map_or(0, |count| count.0))
}
