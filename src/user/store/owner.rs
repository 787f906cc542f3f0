//! Whether there is somebody who may do everything.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::organization;
use guildhall_entity::user::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement};

use crate::db::row::One;
use crate::db::{Db, Tx};
use crate::error::Result;

/// One of those who hold the site role `owner`. Small deployments have few site roles; the scan stops at the first.
fn one() -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, "u")
        .and_where(Expr::col(("u", Column::DeletedAt)).is_null())
        .and_where(Expr::cust("cast(u.site_roles as text)").like("%\"owner\"%"))
        .limit(1)
        .take()
}

/// Whether anybody is an owner.
pub(in crate::user) async fn exists(db: &Db) -> Result<bool> {
    Ok(db.row::<One<i32>>(&one()).await?.is_some())
}

/// The same in a transaction.
pub(in crate::user) async fn exists_in(tx: &Tx) -> Result<bool> {
    Ok(tx.row::<One<i32>>(&one()).await?.is_some())
}

/// Waits for others who decide over the owners, and keeps them waiting until the transaction ends: "is there one?" and
/// what follows from it are one step. SQLite has one writer anyway; on PostgreSQL the row that always exists stands for
/// the deployment.
pub(in crate::user) async fn lock_in(tx: &Tx) -> Result<()> {
    if tx.backend() == sea_orm::DbBackend::Postgres {
        let statement = Query::select()
            .column(organization::Column::Id)
            .from(organization::Entity)
            .and_where(Expr::col(organization::Column::IsDefault).eq(true))
            .lock(LockType::NoKeyUpdate)
            .take();
        tx.row::<One<OrganizationId>>(&statement).await?;
    }
    Ok(())
}
