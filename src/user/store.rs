//! How users are kept.

pub(super) mod account;
mod list;
pub(super) mod owner;

pub(crate) use list::{UserList, UserOrder};

use guildhall_entity::id::UserId;
use guildhall_entity::json::Names;
use guildhall_entity::kind::{LoginType, UserStatus};
use guildhall_entity::organization_member;
use guildhall_entity::text::Folded;
use guildhall_entity::user::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement, SubQueryStatement};

use crate::authz::{Actor, Object, Permission, Reach};
use crate::db::list::Find;
use crate::db::row::{Read, row, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

row! {
    /// Who a user is: what a row of another thing carries along. Memberships know it without asking the users.
    pub(crate) struct UserCard {
        id: UserId,
        username: String,
    }
}

impl From<&UserRow> for UserCard {
    fn from(row: &UserRow) -> Self {
        Self { id: row.id, username: row.username.clone() }
    }
}

row! {
    /// A user, without their password.
    pub(crate) struct UserRow {
        id: UserId,
        username: String,
        email: String,
        name: String,
        avatar_url: String,
        status: UserStatus,
        login_type: LoginType,
        site_roles: Names,
        is_service_account: bool,
        last_seen_at: Option<DateTimeUtc>,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

/// A user, and whether the actor may see how to reach them.
#[derive(Clone, Debug)]
pub(crate) struct SeenUser {
    pub(crate) user: UserRow,
    pub(crate) contact: bool,
}

impl Read for SeenUser {
    fn read(columns: &mut crate::db::row::Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self { user: Read::read(columns)?, contact: columns.next()? })
    }
}

/// Users that the actor can see: themselves, those who share an organization with them, everyone for user readers.
fn visible(actor: &Actor) -> Condition {
    let alive = Condition::all().add(Expr::col(("u", Column::DeletedAt)).is_null());
    if actor.reach(Permission::UserRead) == Reach::Everything {
        return alive;
    }
    alive.add(
        Condition::any()
            .add(Expr::col(("u", Column::Id)).eq(actor.user_id()))
            .add(belongs_to(&actor.reach(Permission::MemberRead))),
    )
}

/// The user is a member of one of the organizations of a reach.
fn belongs_to(reach: &Reach) -> Expr {
    use organization_member::Column as Member;
    match reach {
        Reach::Everything => Expr::val(true),
        Reach::Some { organizations, .. } if organizations.is_empty() => Expr::val(1).eq(0),
        Reach::Some { organizations, .. } => {
            let shared = Query::select()
                .expr(Expr::val(1))
                .from_as(organization_member::Entity, "om")
                .and_where(Expr::col(("om", Member::UserId)).equals(("u", Column::Id)))
                .and_where(is_one_of(Expr::col(("om", Member::OrganizationId)), organizations))
                .take();
            Expr::exists(shared)
        }
    }
}

/// The actor, if they see how to reach themselves: a token may leave that out.
fn own_contact(actor: &Actor) -> Option<UserId> {
    actor.user_id().filter(|&id| actor.may(Permission::UserReadContact, Object::SITE.owned_by(id)))
}

fn seen_columns(actor: &Actor, statement: &mut SelectStatement) {
    select::<UserRow>(statement, "u");
    statement.expr(shows_contact(actor));
}

/// The actor sees how to reach the user: themselves, and whom a role lets them reach. Never null.
fn shows_contact(actor: &Actor) -> Expr {
    if actor.reach_by_role(Permission::UserReadContact) == Reach::Everything {
        return Expr::val(true);
    }
    let reach = actor.reach_by_role(Permission::MemberReadContact);
    let by_role = belongs_to(&reach);
    let Some(id) = own_contact(actor) else { return by_role };
    let oneself = Expr::col(("u", Column::Id)).eq(id);
    match reach {
        Reach::Some { organizations, .. } if organizations.is_empty() => oneself,
        _ => oneself.or(by_role),
    }
}

impl Find for UserId {
    type Row = SeenUser;
    const ID: (&'static str, &'static str) = ("u", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "u").cond_where(visible(actor)).take();
        seen_columns(actor, &mut statement);
        statement
    }
}

/// What is true of `of`, the user with the id in a column of another row. Asked for each of those rows alone, by one lookup:
/// PostgreSQL would answer a join, or `exists`, by reading all users at once.
pub(crate) fn of_user(condition: Condition, id: Expr) -> Expr {
    let answer = Query::select()
        .expr(Expr::from(condition))
        .from_as(Entity, "of")
        .and_where(Expr::col(("of", Column::Id)).eq(id))
        .take();
    Expr::from(SubQueryStatement::from(answer))
}

/// The rest of users whose cards the actor has seen with something that carries them along.
pub(super) async fn met(db: &Db, users: &[UserId]) -> Result<Vec<UserRow>> {
    let mut statement =
        Query::select().from_as(Entity, "u").and_where(is_one_of(Expr::col(("u", Column::Id)), users)).take();
    select::<UserRow>(&mut statement, "u");
    db.rows(&statement).await
}

/// Finds the user of a name that the actor can see.
pub(super) async fn find_by_username(db: &Db, actor: &Actor, username: &str) -> Result<Option<SeenUser>> {
    let mut statement = UserId::select(actor);
    statement.and_where(Expr::col(("u", Column::Username)).eq(username.to_lowercase()));
    db.row(&statement).await
}

/// A new user's row.
pub(super) struct Insert {
    pub(super) id: UserId,
    pub(super) username: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) login_type: LoginType,
    pub(super) password_hash: Option<String>,
    pub(super) site_roles: Vec<String>,
    pub(super) is_service_account: bool,
}

pub(super) async fn insert_in(tx: &Tx, user: Insert) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(user.id),
        username: Set(user.username),
        email_folded: Set(Folded::of(&user.email)),
        email: Set(user.email),
        name_folded: Set(Folded::of(&user.name)),
        name: Set(user.name),
        avatar_url: Set(String::new()),
        status: Set(UserStatus::Active),
        login_type: Set(user.login_type),
        password_hash: Set(user.password_hash),
        site_roles: Set(Names(user.site_roles)),
        is_service_account: Set(user.is_service_account),
        last_seen_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    })
    .await
}
