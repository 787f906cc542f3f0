//! How custom roles are kept.

use guildhall_entity::id::{OrganizationId, RoleId};
use guildhall_entity::json::Names;
use guildhall_entity::role::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query, SelectStatement};

use crate::authz::{Actor, Permission, PermissionSet};
use crate::db::list::Find;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;

row! {
    /// A custom role.
    pub(crate) struct RoleRow {
        id: RoleId,
        organization_id: OrganizationId,
        name: String,
        display_name: String,
        description: String,
        permissions: Names,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

impl RoleRow {
    /// What it grants.
    pub(crate) fn grants(&self) -> PermissionSet {
        PermissionSet::named(self.permissions.0.iter().map(String::as_str))
    }
}

fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::RoleRead), Expr::col(("r", Column::OrganizationId)), None)
}

impl Find for RoleId {
    type Row = RoleRow;
    const ID: (&'static str, &'static str) = ("r", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "r").cond_where(visible(actor)).take();
        select::<RoleRow>(&mut statement, "r");
        statement
    }
}

/// The custom roles of these organizations that the actor can see, by name.
pub(super) async fn of_organizations(
    db: &Db,
    actor: &Actor,
    organizations: &[OrganizationId],
) -> Result<Vec<RoleRow>> {
    let mut statement = RoleId::select(actor);
    statement
        .and_where(is_one_of(Expr::col(("r", Column::OrganizationId)), organizations))
        .order_by(("r", Column::Name), Order::Asc);
    db.rows(&statement).await
}

/// The custom roles of an organization as the transaction sees them, by name.
pub(super) async fn of_organization_in(tx: &Tx, organization: OrganizationId) -> Result<Vec<RoleRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "r")
        .and_where(Expr::col(("r", Column::OrganizationId)).eq(organization))
        .order_by(("r", Column::Name), Order::Asc)
        .take();
    select::<RoleRow>(&mut statement, "r");
    tx.rows(&statement).await
}

/// How many custom roles an organization has.
pub(super) async fn count_in(tx: &Tx, organization: OrganizationId) -> Result<usize> {
    let statement = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .take();
    Ok(tx.rows::<One<RoleId>>(&statement).await?.len())
}

/// A new role's row.
pub(super) struct NewRow {
    pub(super) id: RoleId,
    pub(super) organization: OrganizationId,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) permissions: Names,
}

pub(super) async fn insert_in(tx: &Tx, role: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(role.id),
        organization_id: Set(role.organization),
        name: Set(role.name),
        display_name: Set(role.display_name),
        description: Set(role.description),
        permissions: Set(role.permissions),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// A role as the transaction sees it.
pub(super) async fn find_in(tx: &Tx, id: RoleId) -> Result<Option<RoleRow>> {
    let mut statement =
        Query::select().from_as(Entity, "r").and_where(Expr::col(("r", Column::Id)).eq(id)).take();
    select::<RoleRow>(&mut statement, "r");
    tx.row(&statement).await
}

/// Writes everything but the name.
pub(super) async fn update_in(tx: &Tx, role: &RoleRow) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::DisplayName, role.display_name.as_str())
        .value(Column::Description, role.description.as_str())
        .value(Column::Permissions, sea_orm::Value::from(role.permissions.clone()))
        .value(Column::Version, role.version + 1)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(role.id))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// Deletes a role.
pub(super) async fn delete_in(tx: &Tx, role: RoleId) -> Result<()> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(role)).take();
    tx.delete(&statement).await?;
    Ok(())
}

/// Deletes every role of an organization.
pub(super) async fn delete_all_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    let statement = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .take();
    tx.delete(&statement).await?;
    Ok(())
}
