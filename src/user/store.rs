//! How users are kept.

pub(super) mod account;
pub(super) mod owner;

use guildhall_entity::id::UserId;
use guildhall_entity::json::Names;
use guildhall_entity::kind::{LoginType, UserStatus};
use guildhall_entity::organization_member;
use guildhall_entity::text::Folded;
use guildhall_entity::user::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::Iterable as _;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{
    Condition, Expr, ExprTrait, Func, JoinType, Query, SelectStatement, SubQueryStatement,
};

use crate::authz::{Actor, Object, Permission, Reach};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{Read, row, select};
use crate::db::search::{Search, Term, matches};
use crate::db::{Db, Tx, is_one_of, parted};
use crate::error::Result;
use crate::name::RoleName;

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
                .to_owned();
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
        let mut statement = Query::select().from_as(Entity, "u").cond_where(visible(actor)).to_owned();
        seen_columns(actor, &mut statement);
        statement
    }
}

/// Which users, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct UserList {
    pub(crate) username: Option<String>,
    /// One of these, in lower case.
    pub(crate) usernames: Option<Vec<String>>,
    pub(crate) query: Option<Term>,
    pub(crate) service_account: Option<bool>,
    /// Of those whose status the actor sees.
    pub(crate) status: Option<UserStatus>,
    /// Of those whose site roles the actor sees.
    pub(crate) site_role: Option<RoleName>,
    pub(crate) order: UserOrder,
}

/// Orders of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum UserOrder {
    /// By username, a to z. The default.
    #[default]
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
    /// Who was last seen longest ago comes first; who was never seen counts as seen when they were made. Only those whose
    /// `lastSeenAt` the viewer can see.
    LastSeenAtAsc,
    /// Who was last seen comes first. Only those whose `lastSeenAt` the viewer can see.
    LastSeenAtDesc,
}

impl List for UserList {
    type Row = SeenUser;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "u").cond_where(visible(actor)).to_owned();
        self.narrow(actor, &mut statement);
        statement
    }

    fn source_of_parts(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select()
            .from_subquery(members(), "u")
            .and_where(Expr::col(("u", Column::DeletedAt)).is_null())
            .to_owned();
        self.narrow(actor, &mut statement);
        statement
    }

    /// The members of each organization whose members the actor sees, who are themselves among them. When somebody was last
    /// seen is no index of memberships: in that order, users are walked along.
    fn parts(&self, actor: &Actor) -> Vec<Condition> {
        let mut reach = actor.reach(Permission::MemberRead);
        let Reach::Some { organizations, .. } = &mut reach else { return Vec::new() };
        if let (true, Reach::Some { organizations: told, .. }) =
            (self.tells_contact(), actor.reach_by_role(Permission::MemberReadContact))
        {
            organizations.retain(|id| told.contains(id));
        }
        let everybody = actor.reach(Permission::UserRead) == Reach::Everything;
        let oneself = organizations.iter().any(|&id| actor.membership(id).is_some());
        if everybody || !oneself || self.by_last_seen() {
            return Vec::new();
        }
        parted(&reach, Expr::col(("u", organization_member::Column::OrganizationId)), None)
    }

    const OVERLAPPING: bool = true;

    fn columns(&self, actor: &Actor, statement: &mut SelectStatement) {
        seen_columns(actor, statement);
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("u", "username"), Key::id("u", "id")];
        // Ids grow with time.
        const ID: &[Key] = &[Key::id("u", "id")];
        const SEEN_AT: &[Key] = &[Key::time("u", "seen_at"), Key::id("u", "id")];
        let (tag, keys, descending) = match self.order {
            UserOrder::UsernameAsc => ("user.username", NAME, false),
            UserOrder::UsernameDesc => ("user.username", NAME, true),
            UserOrder::CreatedAtAsc => ("user.id", ID, false),
            UserOrder::CreatedAtDesc => ("user.id", ID, true),
            UserOrder::LastSeenAtAsc => ("user.seen_at", SEEN_AT, false),
            UserOrder::LastSeenAtDesc => ("user.seen_at", SEEN_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("u", "id")
    }

    fn search(&self, actor: &Actor) -> Option<Search> {
        let Self { username: None, usernames: None, query: Some(query), .. } = self else { return None };
        let sees_all = actor.reach(Permission::UserRead) == Reach::Everything;
        sees_all.then(|| query.among("user", "u", &["username", "name_folded"])).flatten()
    }
}

impl UserList {
    /// Leaves out of users `u` whom the filter does, and of whom the order would tell what the actor may not know.
    fn narrow(&self, actor: &Actor, statement: &mut SelectStatement) {
        if let Some(username) = &self.username {
            statement.and_where(Expr::col(("u", Column::Username)).eq(username.to_lowercase()));
        }
        if let Some(usernames) = &self.usernames {
            statement
                .and_where(Expr::col(("u", Column::Username)).is_in(usernames.iter().map(String::as_str)));
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("u", "username"), ("u", "name_folded")]));
        }
        if let Some(service_account) = self.service_account {
            let is_one = Expr::cust("few.is_service_account");
            if service_account {
                statement.and_where(is_among(is_one));
            } else {
                statement.and_where(Expr::col(("u", Column::IsServiceAccount)).eq(false));
            }
        }
        if let Some(status) = self.status {
            let has_it = |table: &'static str| Expr::col((table, Column::Status)).eq(status.as_str());
            if status == UserStatus::Active {
                statement.and_where(has_it("u"));
            } else {
                statement.and_where(is_among(Expr::cust("few.status <> 'ACTIVE'").and(has_it("few"))));
            }
        }
        if let Some(role) = &self.site_role {
            let has_it = match role.as_slug() {
                Some(slug) => Expr::cust("cast(few.site_roles as text)").like(format!("%\"{slug}\"%")),
                None => Expr::val(1).eq(0),
            };
            statement.and_where(is_among(Expr::cust("cast(few.site_roles as text) <> '[]'").and(has_it)));
        }
        if self.tells_contact() {
            statement.and_where(shows_contact(actor));
        }
    }

    /// Whether it is only of those whose contact fields the actor sees: neither a filter nor an order tells of somebody what
    /// their fields would not.
    fn tells_contact(&self) -> bool {
        self.status.is_some() || self.site_role.is_some() || self.by_last_seen()
    }

    fn by_last_seen(&self) -> bool {
        matches!(self.order, UserOrder::LastSeenAtAsc | UserOrder::LastSeenAtDesc)
    }
}

/// Users, once for each organization that they are in, with that organization. Their ids and usernames are those that stand in
/// the membership: its indexes have an organization's members in the order of either. Each user is looked up by an
/// expression, for PostgreSQL would rather walk along the index of all users beside it.
fn members() -> SelectStatement {
    use organization_member::Column as Member;
    let user_id = || Expr::col(("om", Member::UserId));
    let of_user = |column: &Column| !matches!(column, Column::Id | Column::Username);
    Query::select()
        .column(("om", Member::OrganizationId))
        .expr_as(user_id(), Column::Id)
        .column(("om", Member::Username))
        .columns(Column::iter().filter(of_user).map(|column| ("who", column)))
        .from_as(organization_member::Entity, "om")
        .join_as(
            JoinType::InnerJoin,
            Entity,
            "who",
            Expr::col(("who", Column::Id)).eq(Func::coalesce([user_id(), user_id()])),
        )
        .to_owned()
}

/// `u` is one of the few of whom this is true of `few`. They have an index of their own, whose condition must be a part of this
/// word for word; they are looked up there, and sorted, instead of walking past all the others.
fn is_among(condition: Expr) -> Expr {
    let few = Query::select()
        .column(("few", Column::Id))
        .from_as(Entity, "few")
        .and_where(Expr::col(("few", Column::DeletedAt)).is_null())
        .and_where(condition)
        .to_owned();
    Expr::col(("u", Column::Id)).in_subquery(few)
}

/// What is true of `of`, the user with the id in a column of another row. Asked for each of those rows alone, by one lookup:
/// PostgreSQL would answer a join, or `exists`, by reading all users at once.
pub(crate) fn of_user(condition: Condition, id: Expr) -> Expr {
    let answer = Query::select()
        .expr(Expr::from(condition))
        .from_as(Entity, "of")
        .and_where(Expr::col(("of", Column::Id)).eq(id))
        .to_owned();
    Expr::from(SubQueryStatement::from(answer))
}

/// The rest of users whose cards the actor has seen with something that carries them along.
pub(super) async fn met(db: &Db, users: &[UserId]) -> Result<Vec<UserRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "u")
        .and_where(is_one_of(Expr::col(("u", Column::Id)), users))
        .to_owned();
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
