//! How groups are kept.

use guildhall_entity::group::{ActiveModel, Column, Entity};
use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use guildhall_entity::kind::GroupSource;
use guildhall_entity::{group_member, user};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::{Actor, Permission, Reach};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;
use crate::user::{UserRow, matches};

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
        let mut statement = Query::select().from_as(Entity, "g").cond_where(visible(actor)).to_owned();
        select::<GroupRow>(&mut statement, "g");
        statement
    }
}

/// Which groups, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct GroupList {
    pub(crate) name: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) order: GroupOrder,
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

impl List for GroupList {
    type Row = GroupRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "g").cond_where(visible(actor)).to_owned();
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("g", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("g", "name"), ("g", "display_name")]));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<GroupRow>(statement, "g");
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
        ("g", "organization_id")
    }
}

row! {
    /// Somebody's place in a group, derived for Everyone.
    pub(crate) struct GroupMemberRow {
        organization_id: OrganizationId,
        created_at: DateTimeUtc,
    }
}

/// Who is in a group: for those who read members by a role, and for the groups one is in.
fn visible_members(actor: &Actor) -> Condition {
    let reach = actor.reach(Permission::GroupReadMembers);
    let Reach::Some { organizations, own_in, owner: Some(owner) } = &reach else {
        return covered(&reach, Expr::col(("gm", "organization_id")), None);
    };
    let by_role = Expr::col(("gm", "organization_id")).is_in(organizations.iter().map(|id| id.0));
    if own_in.is_empty() {
        return Condition::all().add(by_role);
    }
    let own = Query::select()
        .expr(Expr::val(1))
        .from_as("group_membership", "mine")
        .and_where(Expr::col(("mine", "group_id")).equals(("gm", "group_id")))
        .and_where(Expr::col(("mine", "user_id")).eq(*owner))
        .to_owned();
    Condition::any().add(by_role).add(Expr::exists(own))
}

/// The members of a group, in the order in which they became users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct GroupMemberList;

impl List for GroupMemberList {
    type Row = (GroupMemberRow, UserRow);

    fn source(&self, actor: &Actor) -> SelectStatement {
        Query::select().from_as("group_membership", "gm").cond_where(visible_members(actor)).to_owned()
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        statement.join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("gm", "user_id")),
        );
        select::<GroupMemberRow>(statement, "gm");
        select::<UserRow>(statement, "u");
    }

    fn keyset(&self) -> Keyset {
        const USER_ID: &[Key] = &[Key::id("gm", "user_id")];
        Keyset { tag: "group_member", keys: USER_ID, descending: false }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("gm", "group_id")
    }
}

/// Which of these groups a user is in.
pub(super) async fn groups_of(db: &Db, user: UserId, groups: &[GroupId]) -> Result<Vec<GroupId>> {
    let ids: Vec<_> = groups.iter().map(|id| id.0).collect();
    let statement = Query::select()
        .column(("gm", "group_id"))
        .from_as("group_membership", "gm")
        .and_where(Expr::col(("gm", "user_id")).eq(user))
        .and_where(is_one_of(db.backend(), Expr::col(("gm", "group_id")), &ids))
        .to_owned();
    Ok(db.rows::<One<GroupId>>(&statement).await?.into_iter().map(|id| id.0).collect())
}

/// A new group's row.
pub(super) struct NewRow {
    pub(super) id: GroupId,
    pub(super) organization: OrganizationId,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) avatar_url: String,
    pub(super) quota_allowance: i32,
}

pub(super) async fn insert_in(tx: &Tx, group: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(group.id),
        organization_id: Set(group.organization),
        name: Set(group.name),
        display_name: Set(group.display_name),
        avatar_url: Set(group.avatar_url),
        quota_allowance: Set(group.quota_allowance),
        source: Set(GroupSource::User),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Sets the allowance; answers the one before. `None` when the group is gone.
pub(super) async fn set_quota_allowance_in(tx: &Tx, group: GroupId, allowance: i32) -> Result<Option<i32>> {
    let before = Query::select()
        .column(Column::QuotaAllowance)
        .from(Entity)
        .and_where(Expr::col(Column::Id).eq(group))
        .to_owned();
    let Some(One(before)) = tx.row::<One<i32>>(&before).await? else { return Ok(None) };
    let statement = Query::update()
        .table(Entity)
        .value(Column::QuotaAllowance, allowance)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(group))
        .to_owned();
    Ok((tx.update(&statement).await? == 1).then_some(before))
}

/// Whether the user is a member of the organization, which a group's member must be.
pub(super) async fn is_member_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<bool> {
    use guildhall_entity::organization_member::{Column, Entity};
    let statement = Query::select()
        .expr(Expr::val(1))
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .to_owned();
    Ok(tx.row::<One<i32>>(&statement).await?.is_some())
}

/// Puts a user into a group. `false` when they are in it already.
pub(super) async fn insert_member_in(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    user: UserId,
) -> Result<bool> {
    let row = group_member::ActiveModel {
        organization_id: Set(organization),
        group_id: Set(group),
        user_id: Set(user),
        created_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    let columns = [group_member::Column::GroupId, group_member::Column::UserId];
    statement.on_conflict(OnConflict::columns(columns).do_nothing().to_owned());
    Ok(tx.execute_insert(&statement).await? == 1)
}
