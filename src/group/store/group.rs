//! How groups are kept.

use guildhall_entity::group::{ActiveModel, Column, Entity};
use guildhall_entity::id::{GroupId, OrganizationId};
use guildhall_entity::kind::GroupSource;
use guildhall_entity::text::Folded;
use guildhall_entity::{group_member, organization_member, template_acl};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{
    Asterisk, Condition, DynIden, Expr, ExprTrait, Func, IntoIden, JoinType, LockType, Query,
    SelectStatement, SubQueryStatement,
};

use super::member::visible_memberships;
use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Tx, covered};
use crate::error::Result;
use crate::member::known_in_groups;

row! {
    /// A group.
    pub(crate) struct GroupRow {
        id: GroupId,
        organization_id: OrganizationId,
        name: String,
        display_name: String,
        avatar_url: String,
        quota_allowance: i32,
        source: GroupSource,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

impl GroupRow {
    /// Everyone has its organization's id.
    pub(crate) fn is_everyone(&self) -> bool {
        self.id.0 == self.organization_id.0
    }
}

fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::GroupRead), Expr::col(("g", Column::OrganizationId)), None)
}

impl Find for GroupId {
    type Row = GroupRow;
    const ID: (&'static str, &'static str) = ("g", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "g").cond_where(visible(actor)).take();
        select::<GroupRow>(&mut statement, "g");
        statement
    }
}

/// Which groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    pub(crate) name: Option<String>,
    /// One of these, in lower case.
    pub(crate) names: Option<Vec<String>>,
    pub(crate) query: Option<Term>,
    pub(crate) source: Option<GroupSource>,
}

/// A list of groups.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupList {
    filter: Filter,
    order: GroupOrder,
    parent: Parent,
    counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Parent {
    Organization,
    Member(OrganizationId),
}

impl GroupList {
    /// Of an organization.
    pub(crate) fn of_organization(filter: Filter, order: GroupOrder) -> Self {
        Self { filter, order, parent: Parent::Organization, counted: false }
    }

    /// Of an organization, those that a member is in: of those whose members the actor may know.
    pub(crate) fn of_member(organization: OrganizationId, filter: Filter, order: GroupOrder) -> Self {
        Self { filter, order, parent: Parent::Member(organization), counted: false }
    }

    /// The same; whether each comes with how many are in it.
    pub(in crate::group) fn counted(self, counted: bool) -> Self {
        Self { counted, ..self }
    }
}

/// Orders of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum GroupOrder {
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

/// How many are in `g`, where the actor may know. Of the tables themselves: through the view that has both, SQLite would read
/// everybody in the organization.
fn member_count(actor: &Actor) -> Expr {
    let count = |table: DynIden, group: &'static str| {
        let members = Query::select()
            .expr(Func::count(Expr::col(Asterisk)))
            .from_as(table, "gm")
            .and_where(Expr::col(("gm", group)).equals(("g", Column::Id)))
            .take();
        Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(members)))
    };
    let is_everyone = Expr::col(("g", Column::Id)).equals(("g", Column::OrganizationId));
    let known = known_in_groups(actor, "g", "id");
    Expr::case(Condition::not(known), Expr::val(None::<i64>))
        .case(is_everyone, count(organization_member::Entity.into_iden(), "organization_id"))
        .finally(count(group_member::Entity.into_iden(), "group_id"))
        .into()
}

impl List for GroupList {
    /// With how many members it has, where that is asked.
    type Row = (GroupRow, One<Option<i64>>);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let filter = &self.filter;
        let mut statement = Query::select().from_as(Entity, "g").cond_where(visible(actor)).take();
        if let Parent::Member(organization) = self.parent {
            let on = Expr::col(("gm", "group_id")).equals(("g", Column::Id));
            statement
                .join_as(JoinType::InnerJoin, "group_membership", "gm", on)
                .and_where(Expr::col(("gm", "organization_id")).eq(organization))
                .cond_where(visible_memberships(actor));
        }
        if let Some(name) = &filter.name {
            statement.and_where(Expr::col(("g", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(names) = &filter.names {
            statement.and_where(Expr::col(("g", Column::Name)).is_in(names.iter().map(String::as_str)));
        }
        if let Some(query) = &filter.query {
            statement.cond_where(matches(query, &[("g", "name"), ("g", "display_name_folded")]));
        }
        if let Some(source) = filter.source {
            statement.and_where(Expr::col(("g", Column::Source)).eq(source.as_str()));
        }
        statement
    }

    fn columns(&self, actor: &Actor, statement: &mut SelectStatement) {
        select::<GroupRow>(statement, "g");
        let count = if self.counted { member_count(actor) } else { Expr::val(None::<i64>) };
        statement.expr_as(count, "member_count");
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("g", "name"), Key::id("g", "id")];
        const CREATED_AT: &[Key] = &[Key::time("g", "created_at"), Key::id("g", "id")];
        let (tag, keys, descending) = match self.order {
            GroupOrder::NameAsc => ("group.name", NAME, false),
            GroupOrder::NameDesc => ("group.name", NAME, true),
            GroupOrder::CreatedAtAsc => ("group.created_at", CREATED_AT, false),
            GroupOrder::CreatedAtDesc => ("group.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        match self.parent {
            Parent::Organization => ("g", "organization_id"),
            Parent::Member(_) => ("gm", "user_id"),
        }
    }
}

/// A new group's row.
pub(in crate::group) struct NewRow {
    pub(in crate::group) id: GroupId,
    pub(in crate::group) organization: OrganizationId,
    pub(in crate::group) name: String,
    pub(in crate::group) display_name: String,
    pub(in crate::group) avatar_url: String,
    pub(in crate::group) quota_allowance: i32,
}

pub(in crate::group) async fn insert_in(tx: &Tx, group: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(group.id),
        organization_id: Set(group.organization),
        name: Set(group.name),
        display_name_folded: Set(Folded::of(&group.display_name)),
        display_name: Set(group.display_name),
        avatar_url: Set(group.avatar_url),
        quota_allowance: Set(group.quota_allowance),
        source: Set(GroupSource::User),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Writes the fields that people change.
pub(in crate::group) async fn update_in(tx: &Tx, row: &GroupRow) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Name, row.name.as_str())
        .value(Column::DisplayName, row.display_name.as_str())
        .value(Column::DisplayNameFolded, Folded::of(&row.display_name))
        .value(Column::AvatarUrl, row.avatar_url.as_str())
        .value(Column::QuotaAllowance, row.quota_allowance)
        .value(Column::Version, row.version + 1)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(row.id))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// What goes with a group: its members and its entries in access lists.
pub(in crate::group) async fn holdings_in(tx: &Tx, group: GroupId) -> Result<(i64, i64)> {
    let members = Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(group_member::Entity)
        .and_where(Expr::col(group_member::Column::GroupId).eq(group))
        .take();
    let entries = Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(template_acl::Entity)
        .and_where(Expr::col(template_acl::Column::GroupId).eq(group))
        .take();
    let mut counts = [0; 2];
    for (count, statement) in counts.iter_mut().zip([&members, &entries]) {
        *count = tx.row::<One<i64>>(statement).await?.map_or(0, |row| row.0);
    }
    Ok(counts.into())
}

/// A group that stays as the lock says until the transaction ends. `None` when it is gone.
pub(in crate::group) async fn locked_in(tx: &Tx, group: GroupId, lock: LockType) -> Result<Option<GroupRow>> {
    let mut statement =
        Query::select().from_as(Entity, "g").and_where(Expr::col(("g", Column::Id)).eq(group)).take();
    select::<GroupRow>(&mut statement, "g");
    tx.locked(statement, lock).await
}

/// Deletes a group; its members and its entries in access lists go with it.
pub(in crate::group) async fn delete_in(tx: &Tx, group: GroupId) -> Result<()> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(group)).take();
    tx.delete(&statement).await?;
    Ok(())
}
