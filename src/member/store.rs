//! How memberships are kept.

use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::kind::UserStatus;
use guildhall_entity::organization_member::{ActiveModel, Column, Entity};
use guildhall_entity::user;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Order, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::{Actor, Object, Permission, Reach};
use crate::db::list::List;
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;
use crate::name::RoleName;
use crate::user::{UserRow, of_user};

row! {
    /// A membership.
    pub(crate) struct MemberRow {
        organization_id: OrganizationId,
        roles: Names,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

fn visible(actor: &Actor) -> Condition {
    let organization = Expr::col(("m", Column::OrganizationId));
    covered(&actor.reach(Permission::MemberRead), organization, Some(Expr::col(("m", Column::UserId))))
}

/// Members whose contact the actor may see: their own, and by a role.
fn reachable(actor: &Actor) -> Condition {
    let by_role = actor.reach_by_role(Permission::MemberReadContact);
    let by_role = covered(&by_role, Expr::col(("m", Column::OrganizationId)), None);
    let own = |&id: &UserId| actor.may(Permission::UserReadContact, Object::SITE.owned_by(id));
    match actor.user_id().filter(own) {
        Some(me) => Condition::any().add(by_role).add(Expr::col(("m", Column::UserId)).eq(me)),
        None => by_role,
    }
}

/// Who is in which group, for a statement where `alias` has an organization, and a group as `group`: for those who read
/// members of groups by a role, and of the groups one is in.
pub(crate) fn known_in_groups(actor: &Actor, alias: &'static str, group: &'static str) -> Condition {
    let reach = actor.reach(Permission::GroupReadMembers);
    let Reach::Some { organizations, own_in, owner: Some(owner) } = &reach else {
        return covered(&reach, Expr::col((alias, "organization_id")), None);
    };
    let by_role = is_one_of(Expr::col((alias, "organization_id")), organizations);
    if own_in.is_empty() {
        return Condition::all().add(by_role);
    }
    let own = Query::select()
        .expr(Expr::val(1))
        .from_as("group_membership", "mine")
        .and_where(Expr::col(("mine", "group_id")).equals((alias, group)))
        .and_where(Expr::col(("mine", "user_id")).eq(*owner))
        .take();
    Condition::any().add(by_role).add(Expr::exists(own))
}

/// Which members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    pub(crate) query: Option<Term>,
    pub(crate) user: Option<UserId>,
    pub(crate) role: Option<RoleName>,
    pub(crate) group: Option<GroupId>,
    pub(crate) status: Option<UserStatus>,
    /// An id in the filter does not parse: nothing can match it.
    pub(crate) impossible: bool,
}

/// The members of an organization, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MemberList {
    pub(crate) filter: Filter,
    pub(crate) order: MemberOrder,
}

/// The place of `m` in a group of the same organization, as far as the actor may know of it.
fn in_group(actor: &Actor, group: GroupId) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from_as("group_membership", "gm")
        .and_where(Expr::col(("gm", "group_id")).eq(group))
        .and_where(Expr::col(("gm", "organization_id")).equals(("m", Column::OrganizationId)))
        .and_where(Expr::col(("gm", "user_id")).equals(("m", Column::UserId)))
        .cond_where(known_in_groups(actor, "gm", "group_id"))
        .take()
}

/// Orders of members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum MemberOrder {
    /// By username, a to z. The default.
    #[default]
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Who joined first comes first.
    CreatedAtAsc,
    /// Who joined last comes first.
    CreatedAtDesc,
}

/// Members with their users, for a statement where the tables are `m` and `u`.
fn with_users() -> SelectStatement {
    let theirs = Expr::col(("u", user::Column::Id)).equals(("m", Column::UserId));
    Query::select()
        .from_as(Entity, "m")
        .join_as(sea_orm::JoinType::InnerJoin, user::Entity, "u", theirs)
        .take()
}

/// Members who hold a role. Names of roles are slugs: nothing in them needs escaping.
fn holds(role: &str) -> Expr {
    Expr::cust("cast(m.roles as text)").like(format!("%\"{role}\"%"))
}

impl List for MemberList {
    type Row = (MemberRow, UserRow);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = with_users().cond_where(visible(actor)).take();
        let filter = &self.filter;
        if let Some(query) = &filter.query {
            let email = Condition::all().add(reachable(actor)).add(matches(query, &[("of", "email_folded")]));
            let theirs = Condition::any().add(matches(query, &[("of", "name_folded")])).add(email);
            let named = Condition::any().add(matches(query, &[("m", "username")]));
            statement.cond_where(named.add(of_user(theirs, Expr::col(("m", Column::UserId)))));
        }
        if let Some(user) = filter.user {
            statement.and_where(Expr::col(("m", Column::UserId)).eq(user));
        }
        if let Some(role) = &filter.role {
            statement.and_where(match role.as_slug() {
                Some(slug) => holds(slug),
                None => Expr::val(1).eq(0),
            });
        }
        if let Some(group) = filter.group {
            statement.and_where(Expr::exists(in_group(actor, group)));
        }
        if let Some(status) = filter.status {
            // Whose status the actor can't see matches none: a filter is no oracle.
            statement
                .cond_where(reachable(actor))
                .and_where(Expr::col(("u", user::Column::Status)).eq(status.as_str()));
        }
        if filter.impossible {
            statement.and_where(Expr::val(1).eq(0));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<MemberRow>(statement, "m");
        select::<UserRow>(statement, "u");
    }

    fn keyset(&self) -> Keyset {
        const USERNAME: &[Key] = &[Key::text("m", "username")];
        const CREATED_AT: &[Key] = &[Key::time("m", "created_at"), Key::id("m", "user_id")];
        let (tag, keys, descending) = match self.order {
            MemberOrder::UsernameAsc => ("member.username", USERNAME, false),
            MemberOrder::UsernameDesc => ("member.username", USERNAME, true),
            MemberOrder::CreatedAtAsc => ("member.created_at", CREATED_AT, false),
            MemberOrder::CreatedAtDesc => ("member.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("m", "organization_id")
    }
}

/// Finds a membership that the actor can see.
pub(super) async fn find(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<(MemberRow, UserRow)>> {
    let list = MemberList::default();
    let mut statement = list.source(actor);
    list.columns(actor, &mut statement);
    statement
        .and_where(Expr::col(("m", Column::OrganizationId)).eq(organization))
        .and_where(Expr::col(("m", Column::UserId)).eq(user));
    db.row(&statement).await
}

/// Who is meant.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// By id.
    Id(UserId),
    /// By exact username.
    Username(String),
}

/// The user's id and name, from what was typed, among all live users: whoever may add members may add anybody whose
/// exact name they know.
pub(super) async fn candidate(db: &Db, who: &Who) -> Result<Option<(UserId, String)>> {
    let which = match who {
        Who::Id(id) => Expr::col(("u", user::Column::Id)).eq(*id),
        Who::Username(name) => Expr::col(("u", user::Column::Username)).eq(name.trim().to_lowercase()),
    };
    let statement = Query::select()
        .columns([("u", user::Column::Id), ("u", user::Column::Username)])
        .from_as(user::Entity, "u")
        .and_where(which)
        .and_where(Expr::col(("u", user::Column::DeletedAt)).is_null())
        .take();
    let row = db.row::<(One<UserId>, One<String>)>(&statement).await?;
    Ok(row.map(|(id, username)| (id.0, username.0)))
}

/// Adds a member. `false` when they are one already.
pub(super) async fn insert_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
    username: &str,
    roles: Vec<String>,
) -> Result<bool> {
    let now = tx.clock().now();
    let row = ActiveModel {
        organization_id: Set(organization),
        user_id: Set(user),
        username: Set(username.to_owned()),
        roles: Set(Names(roles)),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let nothing = OnConflict::columns([Column::OrganizationId, Column::UserId]).do_nothing().to_owned();
    let mut statement = Insert::one(row).into_query();
    statement.on_conflict(nothing);
    Ok(tx.execute_insert(&statement).await? == 1)
}

/// The name of a live user, who is neither deleted nor renamed until the transaction ends.
pub(super) async fn username_in(tx: &Tx, user: UserId) -> Result<Option<String>> {
    let statement = Query::select()
        .column(user::Column::Username)
        .from(user::Entity)
        .and_where(Expr::col(user::Column::Id).eq(user))
        .and_where(Expr::col(user::Column::DeletedAt).is_null())
        .take();
    Ok(tx.locked::<One<String>>(statement, LockType::KeyShare).await?.map(|name| name.0))
}

/// Removes a member. `false` when they were none.
pub(super) async fn delete_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<bool> {
    let statement = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    Ok(tx.delete(&statement).await? == 1)
}

pub(super) async fn set_roles_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
    roles: Vec<String>,
) -> Result<bool> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Roles, sea_orm::Value::from(Names(roles)))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    Ok(tx.update(&statement).await? == 1)
}

/// Waits for others who change roles in the organization, and keeps them waiting until the transaction ends. SQLite has
/// one writer anyway.
pub(super) async fn lock_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    use guildhall_entity::organization;
    if tx.backend() == sea_orm::DbBackend::Postgres {
        let statement = Query::select()
            .column(organization::Column::Id)
            .from(organization::Entity)
            .and_where(Expr::col(organization::Column::Id).eq(organization))
            .lock(LockType::NoKeyUpdate)
            .take();
        tx.row::<One<OrganizationId>>(&statement).await?;
    }
    Ok(())
}

/// The organizations that a user belongs to, always in the same order, so that two who lock them one by one never wait for
/// each other.
pub(super) async fn organizations_in(tx: &Tx, user: UserId) -> Result<Vec<OrganizationId>> {
    let statement = Query::select()
        .column(Column::OrganizationId)
        .from(Entity)
        .and_where(Expr::col(Column::UserId).eq(user))
        .order_by(Column::OrganizationId, sea_orm::Order::Asc)
        .take();
    let rows = tx.rows::<One<OrganizationId>>(&statement).await?;
    Ok(rows.into_iter().map(|organization| organization.0).collect())
}

/// The name of a member, as the transaction sees it.
pub(super) async fn name_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<Option<String>> {
    let statement = Query::select()
        .column(Column::Username)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    Ok(tx.row::<One<String>>(&statement).await?.map(|name| name.0))
}

/// The roles of a member as the transaction sees them.
pub(super) async fn roles_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Vec<String>>> {
    let statement = Query::select()
        .column(Column::Roles)
        .from(Entity)
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(Expr::col(Column::UserId).eq(user))
        .take();
    Ok(tx.row::<One<Names>>(&statement).await?.map(|roles| roles.0.0))
}

row! {
    /// Somebody who holds a role.
    pub(crate) struct Holder {
        user_id: UserId,
        username: String,
        roles: Names,
    }
}

/// Who holds a role.
pub(super) async fn holders_in(tx: &Tx, organization: OrganizationId, role: &str) -> Result<Vec<Holder>> {
    let mut statement = Query::select()
        .from_as(Entity, "m")
        .and_where(Expr::col(("m", Column::OrganizationId)).eq(organization))
        .and_where(holds(role))
        .order_by(("m", Column::UserId), Order::Asc)
        .take();
    select::<Holder>(&mut statement, "m");
    tx.rows(&statement).await
}

/// Whether a member other than `except` holds a role and may act: whoever is suspended does not.
pub(super) async fn others_may_act_in(
    tx: &Tx,
    organization: OrganizationId,
    role: &str,
    except: UserId,
) -> Result<bool> {
    let statement = with_users()
        .expr(Expr::val(1))
        .and_where(Expr::col(("m", Column::OrganizationId)).eq(organization))
        .and_where(Expr::col(("m", Column::UserId)).ne(except))
        .and_where(Expr::col(("u", user::Column::Status)).ne(UserStatus::Suspended.as_str()))
        .and_where(holds(role))
        .limit(1)
        .to_owned();
    Ok(tx.row::<One<i32>>(&statement).await?.is_some())
}

/// The name of an organization, for people.
pub(super) async fn organization_name_in(tx: &Tx, id: OrganizationId) -> Result<String> {
    use guildhall_entity::organization;
    let statement = Query::select()
        .column(organization::Column::Name)
        .from(organization::Entity)
        .and_where(Expr::col(organization::Column::Id).eq(id))
        .take();
    Ok(tx.row::<One<String>>(&statement).await?.map(|name| name.0).unwrap_or_default())
}
