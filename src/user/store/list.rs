//! Lists of users.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::UserStatus;
use guildhall_entity::organization_member;
use guildhall_entity::user::{Column, Entity};
use sea_orm::Iterable as _;
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, Query, SelectStatement, SubQueryStatement};

use super::{SeenUser, seen_columns, shows_contact, visible};
use crate::authz::{Actor, Permission, Reach};
use crate::db::few::Few;
use crate::db::list::{List, split};
use crate::db::page::{Key, Keyset};
use crate::db::search::{Term, matches};
use crate::db::{is_one_of, parted};
use crate::name::RoleName;

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
        let mut statement = Query::select().from_as(Entity, "u").cond_where(visible(actor)).take();
        self.narrow(actor, &mut statement);
        statement
    }

    /// The members of each organization whose members the actor sees, who are themselves among them. When somebody was last
    /// seen is no index of memberships: that order has [`List::few`].
    fn parts(&self, actor: &Actor) -> Vec<SelectStatement> {
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
        let mut members = Query::select()
            .from_subquery(members(), "u")
            .and_where(Expr::col(("u", Column::DeletedAt)).is_null())
            .take();
        self.narrow(actor, &mut members);
        split(&members, parted(&reach, Expr::col(("u", organization_member::Column::OrganizationId)), None))
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

    fn few(&self, actor: &Actor) -> Option<Few> {
        let Self { username: None, usernames: None, query, .. } = self else { return None };
        if actor.reach(Permission::UserRead) == Reach::Everything {
            return query.as_ref()?.among("user", "u", &["username", "name_folded"]);
        }
        if !self.by_last_seen() {
            return None;
        }
        let Reach::Some { organizations, .. } = actor.reach_by_role(Permission::MemberReadContact) else {
            return None;
        };
        let oneself = organizations.iter().any(|&id| actor.membership(id).is_some());
        oneself.then(|| Few::new(("user", "u"), move |_| members_of(&organizations)))
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
            let is_one = Expr::cust("those.is_service_account");
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
                statement.and_where(is_among(Expr::cust("those.status <> 'ACTIVE'").and(has_it("those"))));
            }
        }
        if let Some(role) = &self.site_role {
            let has_it = match role.as_slug() {
                Some(slug) => Expr::cust("cast(those.site_roles as text)").like(format!("%\"{slug}\"%")),
                None => Expr::val(1).eq(0),
            };
            statement.and_where(is_among(Expr::cust("cast(those.site_roles as text) <> '[]'").and(has_it)));
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

/// The ids of who is in one of these organizations, once for each.
fn members_of(organizations: &[OrganizationId]) -> SelectStatement {
    use organization_member::Column as Member;
    Query::select()
        .expr_as(Expr::col(("om", Member::UserId)), "id")
        .from_as(organization_member::Entity, "om")
        .and_where(is_one_of(Expr::col(("om", Member::OrganizationId)), organizations))
        .take()
}

/// Users, once for each organization that they are in, with that organization. Their ids and usernames are those that stand in
/// the membership: its indexes have an organization's members in the order of either. Each user is looked up by an
/// expression, for PostgreSQL would rather walk along the index of all users beside it; and the name that a text is searched
/// in by a lookup of its own, for it would rather read all users than join an organization's.
fn members() -> SelectStatement {
    use organization_member::Column as Member;
    let user_id = || Expr::col(("om", Member::UserId));
    let of_user = |column: &Column| !matches!(column, Column::Id | Column::Username | Column::NameFolded);
    let name = Query::select()
        .column(("named", Column::NameFolded))
        .from_as(Entity, "named")
        .and_where(Expr::col(("named", Column::Id)).eq(user_id()))
        .take();
    Query::select()
        .column(("om", Member::OrganizationId))
        .expr_as(user_id(), Column::Id)
        .column(("om", Member::Username))
        .expr_as(Expr::from(SubQueryStatement::from(name)), Column::NameFolded)
        .columns(Column::iter().filter(of_user).map(|column| ("who", column)))
        .from_as(organization_member::Entity, "om")
        .join_as(
            JoinType::InnerJoin,
            Entity,
            "who",
            Expr::col(("who", Column::Id)).eq(Func::coalesce([user_id(), user_id()])),
        )
        .take()
}

/// `u` is one of the few of whom this is true of `those`. They have an index of their own, whose condition must be a part of this
/// word for word; they are looked up there, and sorted, instead of walking past all the others.
fn is_among(condition: Expr) -> Expr {
    let few = Query::select()
        .column(("those", Column::Id))
        .from_as(Entity, "those")
        .and_where(Expr::col(("those", Column::DeletedAt)).is_null())
        .and_where(condition)
        .take();
    Expr::col(("u", Column::Id)).in_subquery(few)
}
