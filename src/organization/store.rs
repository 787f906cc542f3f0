//! How organizations are kept.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::organization::{ActiveModel, Column, Entity};
use guildhall_entity::organization_member;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered};
use crate::error::Result;
use crate::user::matches;

row! {
    /// An organization.
    pub(crate) struct OrganizationRow {
        id: OrganizationId,
        name: String,
        display_name: String,
        description: String,
        icon: String,
        is_default: bool,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

fn visible(actor: &Actor) -> Condition {
    Condition::all()
        .add(covered(&actor.reach(Permission::OrganizationRead), Expr::col(("o", Column::Id)), None))
        .add(Expr::col(("o", Column::DeletedAt)).is_null())
}

impl Find for OrganizationId {
    type Row = OrganizationRow;
    const ID: (&'static str, &'static str) = ("o", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "o").cond_where(visible(actor)).to_owned();
        select::<OrganizationRow>(&mut statement, "o");
        statement
    }
}

pub(super) async fn find_by_name(db: &Db, actor: &Actor, name: &str) -> Result<Option<OrganizationRow>> {
    let mut statement = OrganizationId::select(actor);
    statement.and_where(Expr::col(("o", Column::Name)).eq(name.to_lowercase()));
    db.row(&statement).await
}

/// Which organizations, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct OrganizationList {
    name: Option<String>,
    query: Option<String>,
    order: OrganizationOrder,
    of_member: bool,
}

impl OrganizationList {
    /// All that the actor can see.
    pub(crate) fn all(name: Option<String>, query: Option<String>, order: OrganizationOrder) -> Self {
        Self { name, query, order, of_member: false }
    }

    /// Those that a user belongs to.
    pub(crate) fn of_member(name: Option<String>, query: Option<String>, order: OrganizationOrder) -> Self {
        Self { name, query, order, of_member: true }
    }
}

/// Orders of organizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum OrganizationOrder {
    /// By name, a to z. The default.
    #[default]
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

impl List for OrganizationList {
    type Row = OrganizationRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "o").cond_where(visible(actor)).to_owned();
        if self.of_member {
            statement.join_as(
                sea_orm::JoinType::InnerJoin,
                organization_member::Entity,
                "m",
                Expr::col(("m", organization_member::Column::OrganizationId)).equals(("o", Column::Id)),
            );
        }
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("o", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("o", "name"), ("o", "display_name")]));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<OrganizationRow>(statement, "o");
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("o", "name"), Key::id("o", "id")];
        const CREATED_AT: &[Key] = &[Key::time("o", "created_at"), Key::id("o", "id")];
        let (tag, keys, descending) = match self.order {
            OrganizationOrder::NameAsc => ("organization.name", NAME, false),
            OrganizationOrder::NameDesc => ("organization.name", NAME, true),
            OrganizationOrder::CreatedAtAsc => ("organization.created_at", CREATED_AT, false),
            OrganizationOrder::CreatedAtDesc => ("organization.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("m", "user_id")
    }
}

/// A new organization's row.
pub(super) struct NewRow {
    pub(super) id: OrganizationId,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) icon: String,
    pub(super) is_default: bool,
}

pub(super) async fn insert_in(tx: &Tx, row: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(row.id),
        name: Set(row.name),
        display_name: Set(row.display_name),
        description: Set(row.description),
        icon: Set(row.icon),
        is_default: Set(row.is_default),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    })
    .await
}

/// Writes the fields that people change, if the row is still at `row.version`. `false` when it is not.
pub(super) async fn update_in(tx: &Tx, row: &OrganizationRow) -> Result<bool> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Name, row.name.as_str())
        .value(Column::DisplayName, row.display_name.as_str())
        .value(Column::Description, row.description.as_str())
        .value(Column::Icon, row.icon.as_str())
        .value(Column::Version, row.version + 1)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(row.id))
        .and_where(Expr::col(Column::Version).eq(row.version))
        .and_where(Expr::col(Column::DeletedAt).is_null())
        .to_owned();
    Ok(tx.update(&statement).await? == 1)
}

/// The default organization's name.
pub(super) async fn default_name(db: &Db) -> Result<Option<String>> {
    let statement =
        Query::select().column(Column::Name).from(Entity).and_where(Expr::col(Column::IsDefault)).to_owned();
    Ok(db.row::<One<String>>(&statement).await?.map(|name| name.0))
}

/// The default organization, before there is anybody who could see it.
pub(super) async fn default_id(db: &Db) -> Result<Option<OrganizationId>> {
    let statement =
        Query::select().column(Column::Id).from(Entity).and_where(Expr::col(Column::IsDefault)).to_owned();
    Ok(db.row::<One<OrganizationId>>(&statement).await?.map(|id| id.0))
}

/// The name of an organization, for a daemon that serves it.
pub(super) async fn name_of(db: &Db, id: OrganizationId) -> Result<Option<String>> {
    let statement =
        Query::select().column(Column::Name).from(Entity).and_where(Expr::col(Column::Id).eq(id)).to_owned();
    Ok(db.row::<One<String>>(&statement).await?.map(|name| name.0))
}
