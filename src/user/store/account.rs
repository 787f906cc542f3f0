//! A user as the transaction that changes them sees them.

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::organization_member;
use guildhall_entity::user::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};

use super::UserRow;
use crate::authz::{Membership, Standing};
use crate::db::Tx;
use crate::db::row::{One, select};
use crate::error::Result;

/// Waits for others who lock the user so, or who give them something (with `FOR UPDATE`), and keeps them waiting until the
/// transaction ends. SQLite has one writer anyway.
pub(in crate::user) async fn lock_in(tx: &Tx, id: UserId, lock: LockType) -> Result<()> {
    if tx.backend() == sea_orm::DbBackend::Postgres {
        let statement = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Expr::col(Column::Id).eq(id))
            .lock(lock)
            .to_owned();
        tx.row::<One<UserId>>(&statement).await?;
    }
    Ok(())
}

/// A live user with what they hold by roles.
pub(in crate::user) async fn find_in(tx: &Tx, id: UserId) -> Result<Option<(UserRow, Standing)>> {
    use organization_member::Column as Member;
    let mut statement = Query::select().from_as(Entity, "u").to_owned();
    select::<UserRow>(&mut statement, "u");
    statement
        .columns([("m", Member::OrganizationId), ("m", Member::Roles)])
        .join_as(
            sea_orm::JoinType::LeftJoin,
            organization_member::Entity,
            "m",
            Expr::col(("m", Member::UserId)).equals(("u", Column::Id)),
        )
        .and_where(Expr::col(("u", Column::Id)).eq(id))
        .and_where(Expr::col(("u", Column::DeletedAt)).is_null());
    type Held = (One<Option<OrganizationId>>, One<Option<Names>>);
    let rows = tx.rows::<(UserRow, Held)>(&statement).await?;
    let memberships = rows.iter().filter_map(|(_, (organization, roles))| {
        let roles = roles.0.as_ref()?;
        Some(Membership::new(organization.0?, roles.0.iter().map(String::as_str)))
    });
    let memberships = memberships.collect();
    Ok(rows.into_iter().next().map(|(row, _)| {
        let standing = Standing::new(row.site_roles.0.iter().map(String::as_str), memberships);
        (row, standing)
    }))
}
