//! How organizations are kept.

use std::collections::{HashMap, HashSet};

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::organization::{ActiveModel, Column, Entity};
use guildhall_entity::text::Folded;
use guildhall_entity::{group, organization_member, provisioner_key, template, template_acl, workspace};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, Func, LockType, Query, SelectStatement, UpdateStatement,
};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{self, Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Db, Tx, covered};
use crate::error::{Contents, Result};

row! {
    /// An organization.
    pub(crate) struct OrganizationRow {
        id: OrganizationId,
        name: String,
        display_name: String,
        description: String,
        icon: String,
        is_default: bool,
        quota_cap: Option<i32>,
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
        let mut statement = Query::select().from_as(Entity, "o").cond_where(visible(actor)).take();
        select::<OrganizationRow>(&mut statement, "o");
        statement
    }
}

pub(super) async fn find_by_name(db: &Db, actor: &Actor, name: &str) -> Result<Option<OrganizationRow>> {
    let names = HashSet::from([name.to_lowercase()]);
    let found = db.rows_of(OrganizationId::select(actor), ("o", "name"), names).await?;
    Ok(found.into_iter().next().map(|(row, _)| row))
}

/// Which organizations, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct OrganizationList {
    name: Option<String>,
    query: Option<Term>,
    order: OrganizationOrder,
    of_member: bool,
}

impl OrganizationList {
    /// All that the actor can see.
    pub(crate) fn all(name: Option<String>, query: Option<Term>, order: OrganizationOrder) -> Self {
        Self { name, query, order, of_member: false }
    }

    /// Those that a user belongs to.
    pub(crate) fn of_member(name: Option<String>, query: Option<Term>, order: OrganizationOrder) -> Self {
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
        let mut statement = Query::select().from_as(Entity, "o").cond_where(visible(actor)).take();
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
            statement.cond_where(matches(query, &[("o", "name"), ("o", "display_name_folded")]));
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
        display_name_folded: Set(Folded::of(&row.display_name)),
        display_name: Set(row.display_name),
        description: Set(row.description),
        icon: Set(row.icon),
        is_default: Set(row.is_default),
        quota_cap: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    })
    .await
}

/// A change of an organization, which is a new version of it.
fn change(tx: &Tx, id: OrganizationId) -> UpdateStatement {
    Query::update()
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(id))
        .take()
}

/// Writes the fields that people change.
pub(super) async fn update_in(tx: &Tx, row: &OrganizationRow) -> Result<()> {
    let mut statement = change(tx, row.id);
    statement
        .value(Column::Name, row.name.as_str())
        .value(Column::DisplayName, row.display_name.as_str())
        .value(Column::DisplayNameFolded, Folded::of(&row.display_name))
        .value(Column::Description, row.description.as_str())
        .value(Column::Icon, row.icon.as_str());
    tx.update(&statement).await?;
    Ok(())
}

/// Sets or removes the cap.
pub(super) async fn set_quota_cap_in(tx: &Tx, id: OrganizationId, cap: Option<i32>) -> Result<()> {
    tx.update(change(tx, id).value(Column::QuotaCap, cap)).await?;
    Ok(())
}

/// A live organization that stays as it is until the transaction ends, and into which with `FOR UPDATE` nothing comes
/// meanwhile.
pub(super) async fn locked_in(
    tx: &Tx,
    id: OrganizationId,
    lock: LockType,
) -> Result<Option<OrganizationRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "o")
        .and_where(Expr::col(("o", Column::Id)).eq(id))
        .and_where(Expr::col(("o", Column::DeletedAt)).is_null())
        .take();
    select::<OrganizationRow>(&mut statement, "o");
    tx.locked(statement, lock).await
}

/// Marks the organization as deleted, which frees its name.
pub(super) async fn delete_in(tx: &Tx, id: OrganizationId) -> Result<()> {
    tx.update(change(tx, id).value(Column::DeletedAt, tx.clock().now())).await?;
    Ok(())
}

/// What the groups of a deleted organization were for is gone with it.
pub(super) async fn delete_groups_in(tx: &Tx, id: OrganizationId) -> Result<()> {
    let entries = Query::delete()
        .from_table(template_acl::Entity)
        .and_where(Expr::col(template_acl::Column::OrganizationId).eq(id))
        .take();
    tx.delete(&entries).await?;
    let groups = Query::delete()
        .from_table(group::Entity)
        .and_where(Expr::col(group::Column::OrganizationId).eq(id))
        .take();
    tx.delete(&groups).await?;
    let members = Query::delete()
        .from_table(organization_member::Entity)
        .and_where(Expr::col(organization_member::Column::OrganizationId).eq(id))
        .take();
    tx.delete(&members).await?;
    Ok(())
}

/// What keeps organizations from being deleted, in the order of [`Contents`]: tables as `x` with what of them counts.
fn kept(except: Option<UserId>) -> [SelectStatement; 5] {
    let column = |name: &'static str| Expr::col(("x", name));
    let mut workspaces = Query::select().from_as(workspace::Entity, "x").take();
    workspaces.and_where(column("deleted_at").is_null());
    let mut templates = Query::select().from_as(template::Entity, "x").take();
    templates.and_where(column("deleted_at").is_null());
    let keys = Query::select().from_as(provisioner_key::Entity, "x").take();
    let mut groups = Query::select().from_as(group::Entity, "x").take();
    groups.and_where(column("id").ne(column("organization_id")));
    let mut members = Query::select().from_as(organization_member::Entity, "x").take();
    if let Some(user) = except {
        members.and_where(column("user_id").ne(user));
    }
    [workspaces, templates, keys, groups, members]
}

fn contents(counts: [i64; 5]) -> Contents {
    let [workspaces, templates, provisioner_keys, groups, members] = counts;
    Contents { workspaces, templates, provisioner_keys, groups, members }
}

/// What is in an organization as the transaction sees it.
pub(super) async fn contents_in(tx: &Tx, id: OrganizationId, except: Option<UserId>) -> Result<Contents> {
    let mut counts = [0; 5];
    for (count, mut statement) in counts.iter_mut().zip(kept(except)) {
        statement
            .expr(Func::count(Expr::col(Asterisk)))
            .and_where(Expr::col(("x", "organization_id")).eq(id));
        *count = tx.row::<One<i64>>(&statement).await?.map_or(0, |row| row.0);
    }
    Ok(contents(counts))
}

/// What is in several organizations.
pub(super) async fn contents_of(
    db: &Db,
    ids: &[OrganizationId],
    except: Option<UserId>,
) -> Result<Vec<(OrganizationId, Contents)>> {
    let mut counts: HashMap<OrganizationId, [i64; 5]> = ids.iter().map(|&id| (id, [0; 5])).collect();
    for (at, statement) in kept(except).into_iter().enumerate() {
        for (id, count) in page::counts(db, ids, ("x", "organization_id"), statement).await? {
            counts.entry(id).or_default()[at] = count;
        }
    }
    Ok(counts.into_iter().map(|(id, counts)| (id, contents(counts))).collect())
}

/// The default organization's name.
pub(super) async fn default_name(db: &Db) -> Result<Option<String>> {
    let statement =
        Query::select().column(Column::Name).from(Entity).and_where(Expr::col(Column::IsDefault)).take();
    Ok(db.row::<One<String>>(&statement).await?.map(|name| name.0))
}

/// The default organization, before there is anybody who could see it.
pub(super) async fn default_id(db: &Db) -> Result<Option<OrganizationId>> {
    let statement =
        Query::select().column(Column::Id).from(Entity).and_where(Expr::col(Column::IsDefault)).take();
    Ok(db.row::<One<OrganizationId>>(&statement).await?.map(|id| id.0))
}

/// The name of an organization, also of one that is deleted.
pub(super) async fn name_of(db: &Db, id: OrganizationId) -> Result<Option<String>> {
    let statement =
        Query::select().column(Column::Name).from(Entity).and_where(Expr::col(Column::Id).eq(id)).take();
    Ok(db.row::<One<String>>(&statement).await?.map(|name| name.0))
}
