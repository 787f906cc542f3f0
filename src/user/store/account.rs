//! A user as the transaction that changes them sees them.

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::kind::{LoginType, UserStatus};
use guildhall_entity::text::Folded;
use guildhall_entity::user::{Column, Entity};
use guildhall_entity::{organization_member, role, workspace};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, LockType, Query, UpdateStatement};

use super::UserRow;
use crate::authn::join_roles;
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
            .take();
        tx.row::<One<UserId>>(&statement).await?;
    }
    Ok(())
}

/// A live user with what they hold by roles.
pub(in crate::user) async fn find_in(tx: &Tx, id: UserId) -> Result<Option<(UserRow, Standing)>> {
    use organization_member::Column as Member;
    let mut statement = Query::select().from_as(Entity, "u").take();
    select::<UserRow>(&mut statement, "u");
    statement
        .columns([("m", Member::OrganizationId), ("m", Member::Roles)])
        .column(("r", role::Column::Permissions))
        .and_where(Expr::col(("u", Column::Id)).eq(id))
        .and_where(Expr::col(("u", Column::DeletedAt)).is_null());
    join_roles(&mut statement);
    type Held = (One<Option<OrganizationId>>, (One<Option<Names>>, One<Option<Names>>));
    let rows = tx.rows::<(UserRow, Held)>(&statement).await?;
    let memberships = Membership::of_rows(rows.iter().filter_map(|(_, (organization, (roles, custom)))| {
        Some((organization.0?, roles.0.as_ref()?, custom.0.as_ref()))
    }));
    Ok(rows.into_iter().next().map(|(row, _)| {
        let standing = Standing::new(row.site_roles.0.iter().map(String::as_str), memberships);
        (row, standing)
    }))
}

/// A change of a live user, which is a new version of them.
fn change(tx: &Tx, id: UserId) -> UpdateStatement {
    Query::update()
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(id))
        .and_where(Expr::col(Column::DeletedAt).is_null())
        .take()
}

/// Writes the fields that people change.
pub(in crate::user) async fn update_in(tx: &Tx, row: &UserRow) -> Result<()> {
    let mut statement = change(tx, row.id);
    statement
        .value(Column::Username, row.username.as_str())
        .value(Column::Email, row.email.as_str())
        .value(Column::EmailFolded, Folded::of(&row.email))
        .value(Column::Name, row.name.as_str())
        .value(Column::NameFolded, Folded::of(&row.name))
        .value(Column::AvatarUrl, row.avatar_url.as_str());
    tx.update(&statement).await?;
    Ok(())
}

pub(in crate::user) async fn set_site_roles_in(tx: &Tx, id: UserId, roles: Vec<String>) -> Result<()> {
    let mut statement = change(tx, id);
    tx.update(statement.value(Column::SiteRoles, sea_orm::Value::from(Names(roles)))).await?;
    Ok(())
}

pub(in crate::user) async fn set_status_in(tx: &Tx, id: UserId, status: UserStatus) -> Result<()> {
    let mut statement = change(tx, id);
    tx.update(statement.value(Column::Status, status.as_str())).await?;
    Ok(())
}

/// Gives a user a password to sign in with.
pub(in crate::user) async fn set_password_in(tx: &Tx, id: UserId, hash: String) -> Result<()> {
    let mut statement = change(tx, id);
    statement.value(Column::PasswordHash, hash).value(Column::LoginType, LoginType::Password.as_str());
    tx.update(&statement).await?;
    Ok(())
}

/// Marks a user as deleted, which frees their names, and forgets their password.
pub(in crate::user) async fn delete_in(tx: &Tx, id: UserId) -> Result<()> {
    let mut statement = change(tx, id);
    statement.value(Column::DeletedAt, tx.clock().now()).value(Column::PasswordHash, Option::<String>::None);
    tx.update(&statement).await?;
    Ok(())
}

/// How many live workspaces a user owns, in all organizations.
pub(in crate::user) async fn workspaces_in(tx: &Tx, id: UserId) -> Result<i64> {
    let statement = Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(workspace::Entity)
        .and_where(Expr::col(workspace::Column::OwnerId).eq(id))
        .and_where(Expr::col(workspace::Column::DeletedAt).is_null())
        .take();
    Ok(tx.row::<One<i64>>(&statement).await?.map_or(0, |count| count.0))
}

/// Whether a person other than this one is an owner and may act.
pub(in crate::user) async fn others_own_in(tx: &Tx, except: UserId) -> Result<bool> {
    let statement = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, "u")
        .and_where(Expr::col(("u", Column::DeletedAt)).is_null())
        .and_where(Expr::col(("u", Column::Id)).ne(except))
        .and_where(Expr::col(("u", Column::Status)).ne(UserStatus::Suspended.as_str()))
        .and_where(Expr::col(("u", Column::IsServiceAccount)).eq(false))
        .and_where(Expr::cust("cast(u.site_roles as text)").like("%\"owner\"%"))
        .limit(1)
        .take();
    Ok(tx.row::<One<i32>>(&statement).await?.is_some())
}
