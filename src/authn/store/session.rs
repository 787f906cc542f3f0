//! How sessions are kept.

use guildhall_entity::id::{SessionId, UserId};
use guildhall_entity::session::{ActiveModel, Column, Entity};
use guildhall_entity::user;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};

use crate::authz::{Actor, Credential, Object, Permission, Reach};
use crate::db::Tx;
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
use crate::error::Result;

row! {
    /// A session.
    pub(crate) struct SessionRow {
        id: SessionId,
        user_id: UserId,
        ip: String,
        user_agent: String,
        created_at: DateTimeUtc,
        last_used_at: DateTimeUtc,
        expires_at: DateTimeUtc,
    }
}

/// Sessions and tokens that the actor can see, for a statement where `user` holds whose they are: everybody's by a role,
/// or one's own.
pub(in crate::authn) fn visible(actor: &Actor, user: Expr) -> Condition {
    if actor.reach(Permission::TokenRead) == Reach::Everything {
        return Condition::all();
    }
    let own = actor.user_id().filter(|&id| actor.may(Permission::TokenRead, Object::SITE.owned_by(id)));
    Condition::all().add(user.eq(own))
}

fn from_visible(actor: &Actor) -> SelectStatement {
    Query::select().from_as(Entity, "s").cond_where(visible(actor, Expr::col(("s", Column::UserId)))).take()
}

impl Find for SessionId {
    type Row = SessionRow;
    const ID: (&'static str, &'static str) = ("s", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = from_visible(actor);
        select::<SessionRow>(&mut statement, "s");
        statement
    }
}

/// Which of a user's sessions that have not expired, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionList {
    pub(crate) ip: Option<String>,
    pub(crate) order: SessionOrder,
    /// The time, to the minute: so that all lists of a request are of one time.
    pub(crate) now: DateTimeUtc,
}

/// Orders of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum SessionOrder {
    /// Earliest sign-in first.
    CreatedAtAsc,
    /// Latest sign-in first. The default.
    #[default]
    CreatedAtDesc,
    /// Longest unused first.
    LastUsedAtAsc,
    /// Last used first.
    LastUsedAtDesc,
}

impl List for SessionList {
    type Row = SessionRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = from_visible(actor);
        statement.and_where(Expr::col(("s", Column::ExpiresAt)).gt(self.now));
        if let Some(ip) = &self.ip {
            statement.and_where(Expr::col(("s", Column::Ip)).eq(ip.as_str()));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<SessionRow>(statement, "s");
    }

    fn keyset(&self) -> Keyset {
        const CREATED_AT: &[Key] = &[Key::time("s", "created_at"), Key::id("s", "id")];
        // A user's few are sorted: an index would be written at every use.
        const LAST_USED_AT: &[Key] = &[Key::time("s", "last_used_at"), Key::id("s", "id")];
        let (tag, keys, descending) = match self.order {
            SessionOrder::CreatedAtAsc => ("session.created_at", CREATED_AT, false),
            SessionOrder::CreatedAtDesc => ("session.created_at", CREATED_AT, true),
            SessionOrder::LastUsedAtAsc => ("session.last_used_at", LAST_USED_AT, false),
            SessionOrder::LastUsedAtDesc => ("session.last_used_at", LAST_USED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("s", "user_id")
    }
}

/// Keeps a session.
pub(in crate::authn) async fn insert_in(
    tx: &Tx,
    id: SessionId,
    user: UserId,
    (ip, user_agent): (String, String),
    expires_at: DateTimeUtc,
) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(id),
        user_id: Set(user),
        ip: Set(ip),
        user_agent: Set(user_agent),
        created_at: Set(now),
        last_used_at: Set(now),
        expires_at: Set(expires_at),
    })
    .await
}

/// Forgets the sessions of a user that have expired.
pub(in crate::authn) async fn forget_expired_in(tx: &Tx, user: UserId) -> Result<()> {
    let statement = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::UserId).eq(user))
        .and_where(Expr::col(Column::ExpiresAt).lte(tx.clock().now()))
        .take();
    tx.delete(&statement).await?;
    Ok(())
}

/// Ends a session. `false` when it has ended.
pub(in crate::authn) async fn delete_in(tx: &Tx, id: SessionId) -> Result<bool> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(id)).take();
    Ok(tx.delete(&statement).await? == 1)
}

/// Ends all sessions of a user but one; answers how many.
pub(in crate::authn) async fn delete_all_in(tx: &Tx, user: UserId, except: Option<SessionId>) -> Result<u64> {
    let mut statement =
        Query::delete().from_table(Entity).and_where(Expr::col(Column::UserId).eq(user)).take();
    if let Some(kept) = except {
        statement.and_where(Expr::col(Column::Id).ne(kept));
    }
    tx.delete(&statement).await
}

/// Notes that somebody was here. The user first: who ends a user locks them before their sessions, and neither waits for
/// the other.
pub(in crate::authn) async fn touch_in(tx: &Tx, credential: Credential, user: UserId) -> Result<()> {
    let now = tx.clock().now();
    let seen = Query::update()
        .table(user::Entity)
        .value(user::Column::LastSeenAt, now)
        .and_where(Expr::col(user::Column::Id).eq(user))
        .take();
    tx.update(&seen).await?;
    let mut used = Query::update();
    match credential {
        Credential::Session(id) => used.table(Entity).and_where(Expr::col(Column::Id).eq(id)),
        Credential::Token(id) => {
            used.table(guildhall_entity::api_token::Entity).and_where(Expr::col(Column::Id).eq(id))
        }
    };
    tx.update(used.value(Column::LastUsedAt, now)).await?;
    Ok(())
}
