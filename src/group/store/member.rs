//! How who is in which group is kept. Of Everyone it is derived: the view `group_membership` has both.

use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use guildhall_entity::{group, group_member};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Order, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::Actor;
use crate::db::list::List;
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;
use crate::member::known_in_groups;
use crate::user::{UserCard, of_user};

row! {
    /// Somebody's place in a group, derived for Everyone.
    pub(crate) struct GroupMemberRow {
        organization_id: OrganizationId,
        created_at: DateTimeUtc,
    }
}

/// Who is in which group, as far as the actor may know, for a statement where the view is `gm`.
pub(super) fn visible_memberships(actor: &Actor) -> Condition {
    known_in_groups(actor, "gm", "group_id")
}

/// The members of a group, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct GroupMemberList {
    pub(crate) query: Option<Term>,
    pub(crate) order: GroupMemberOrder,
}

/// Orders of a group's members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum GroupMemberOrder {
    /// By username, a to z. The default.
    #[default]
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Who came first comes first.
    CreatedAtAsc,
    /// Who came last comes first.
    CreatedAtDesc,
}

impl List for GroupMemberList {
    type Row = (GroupMemberRow, UserCard);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement =
            Query::select().from_as("group_membership", "gm").cond_where(visible_memberships(actor)).take();
        if let Some(query) = &self.query {
            let theirs = matches(query, &[("of", "name_folded")]);
            let named = Condition::any().add(matches(query, &[("gm", "username")]));
            statement.cond_where(named.add(of_user(theirs, Expr::col(("gm", "user_id")))));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<GroupMemberRow>(statement, "gm");
        // A card: the users themselves are not asked.
        statement.column(("gm", "user_id")).column(("gm", "username"));
    }

    fn keyset(&self) -> Keyset {
        const USERNAME: &[Key] = &[Key::text("gm", "username")];
        const CREATED_AT: &[Key] = &[Key::time("gm", "created_at"), Key::id("gm", "user_id")];
        let (tag, keys, descending) = match self.order {
            GroupMemberOrder::UsernameAsc => ("group_member.username", USERNAME, false),
            GroupMemberOrder::UsernameDesc => ("group_member.username", USERNAME, true),
            GroupMemberOrder::CreatedAtAsc => ("group_member.created_at", CREATED_AT, false),
            GroupMemberOrder::CreatedAtDesc => ("group_member.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("gm", "group_id")
    }
}

/// Which of these groups a user is in.
pub(in crate::group) async fn groups_of(db: &Db, user: UserId, groups: &[GroupId]) -> Result<Vec<GroupId>> {
    let statement = Query::select()
        .column(("gm", "group_id"))
        .from_as("group_membership", "gm")
        .and_where(Expr::col(("gm", "user_id")).eq(user))
        .and_where(is_one_of(Expr::col(("gm", "group_id")), groups))
        .take();
    Ok(db.rows::<One<GroupId>>(&statement).await?.into_iter().map(|id| id.0).collect())
}

/// Puts a member of the organization into a group; answers their name. `None` when they are no member of the organization,
/// `false` when they are in the group already. Their membership stays until the transaction ends.
pub(in crate::group) async fn insert_in(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    user: UserId,
) -> Result<Option<(String, bool)>> {
    use guildhall_entity::organization_member::{Column, Entity};
    let username = Query::select()
        .column(Column::Username)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    let username = tx.locked::<One<String>>(username, LockType::KeyShare).await?;
    let Some(One(username)) = username else { return Ok(None) };
    let row = group_member::ActiveModel {
        organization_id: Set(organization),
        group_id: Set(group),
        user_id: Set(user),
        username: Set(username.clone()),
        created_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let columns = [group_member::Column::GroupId, group_member::Column::UserId];
    statement.on_conflict(OnConflict::columns(columns).do_nothing().to_owned());
    Ok(Some((username, tx.execute_insert(&statement).await? == 1)))
}

/// Takes a user out of a group; answers their name. `None` when they are not in it.
pub(in crate::group) async fn delete_in(tx: &Tx, group: GroupId, user: UserId) -> Result<Option<String>> {
    let theirs = || {
        let of_group = Expr::col(group_member::Column::GroupId).eq(group);
        of_group.and(Expr::col(group_member::Column::UserId).eq(user))
    };
    let username = Query::select()
        .column(group_member::Column::Username)
        .from(group_member::Entity)
        .and_where(theirs())
        .take();
    let username = tx.locked::<One<String>>(username, LockType::Update).await?;
    tx.delete(&Query::delete().from_table(group_member::Entity).and_where(theirs()).take()).await?;
    Ok(username.map(|name| name.0))
}

/// The names of the groups that a member of an organization is in, by hand.
pub(in crate::group) async fn names_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<String>> {
    let of_group = Expr::col(("g", group::Column::Id)).equals(("gm", group_member::Column::GroupId));
    let statement = Query::select()
        .column(("g", group::Column::Name))
        .from_as(group_member::Entity, "gm")
        .join_as(sea_orm::JoinType::InnerJoin, group::Entity, "g", of_group)
        .and_where(Expr::col(("gm", group_member::Column::OrganizationId)).eq(organization))
        .and_where(Expr::col(("gm", group_member::Column::UserId)).eq(user))
        .order_by(("g", group::Column::Name), Order::Asc)
        .take();
    Ok(tx.rows::<One<String>>(&statement).await?.into_iter().map(|name| name.0).collect())
}
