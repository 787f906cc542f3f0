//! What signing in and recognising a token read and write: the table `session`, and of users and members what makes an
//! actor.

use guildhall_entity::id::{OrganizationId, SessionId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::kind::UserStatus;
use guildhall_entity::session::{ActiveModel, Column, Entity};
use guildhall_entity::{organization_member, sign_in_attempt, user};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, OnConflict, Query};

use super::password::StoredHash;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

row! {
    /// A session, its user, and one of their memberships.
    pub(crate) struct Known {
        session_id: SessionId,
        user_id: UserId,
        username: String,
        status: UserStatus,
        site_roles: Names,
        expires_at: DateTimeUtc,
        last_used_at: DateTimeUtc,
        organization_id: Option<OrganizationId>,
        roles: Option<Names>,
    }
}

/// Sessions with their users, once for each of their memberships (or once without): everything that makes an actor, in
/// one statement.
pub(super) async fn sessions(db: &Db, ids: &[SessionId]) -> Result<Vec<Known>> {
    use organization_member::Column as Member;
    use user::Column as User;
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let statement = Query::select()
        .column(("s", Column::Id))
        .columns([("u", User::Id), ("u", User::Username), ("u", User::Status), ("u", User::SiteRoles)])
        .columns([("s", Column::ExpiresAt), ("s", Column::LastUsedAt)])
        .columns([("m", Member::OrganizationId), ("m", Member::Roles)])
        .from_as(Entity, "s")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Condition::all()
                .add(Expr::col(("u", User::Id)).equals(("s", Column::UserId)))
                .add(Expr::col(("u", User::DeletedAt)).is_null()),
        )
        .join_as(
            sea_orm::JoinType::LeftJoin,
            organization_member::Entity,
            "m",
            Expr::col(("m", Member::UserId)).equals(("u", User::Id)),
        )
        .and_where(is_one_of(db.backend(), Expr::col(("s", Column::Id)), &ids))
        .to_owned();
    db.rows(&statement).await
}

row! {
    /// What proves who somebody is.
    pub(crate) struct Credentials {
        id: UserId,
        username: String,
        status: UserStatus,
        password_hash: Option<StoredHash>,
    }
}

/// The user of a username or email address in lower case, for a statement where the table is `u`.
fn named(login: &str) -> Expr {
    if login.contains('@') {
        Expr::from(Func::lower(Expr::col(("u", user::Column::Email)))).eq(login)
    } else {
        Expr::col(("u", user::Column::Username)).eq(login)
    }
}

/// The credentials of a username or email address.
pub(super) async fn credentials(db: &Db, login: &str) -> Result<Option<Credentials>> {
    let login = login.trim().to_lowercase();
    let mut statement = Query::select()
        .from_as(user::Entity, "u")
        .and_where(named(&login))
        .and_where(Expr::col(("u", user::Column::DeletedAt)).is_null())
        .to_owned();
    select::<Credentials>(&mut statement, "u");
    db.row(&statement).await
}

/// Whether somebody is signed in to an account from this address; `login` is in lower case.
pub(super) async fn has_session_from(db: &Db, login: &str, ip: &str) -> Result<bool> {
    let statement = Query::select()
        .column(("s", Column::Id))
        .from_as(Entity, "s")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("s", Column::UserId)),
        )
        .and_where(named(login))
        .and_where(Expr::col(("s", Column::Ip)).eq(ip))
        .and_where(Expr::col(("s", Column::ExpiresAt)).gt(db.clock().now()))
        .limit(1)
        .to_owned();
    Ok(db.row::<One<SessionId>>(&statement).await?.is_some())
}

/// Forgets what was counted before this time.
pub(super) async fn forget_attempts_in(tx: &Tx, before: DateTimeUtc) -> Result<()> {
    let statement = Query::delete()
        .from_table(sign_in_attempt::Entity)
        .and_where(Expr::col(sign_in_attempt::Column::BeganAt).lte(before))
        .to_owned();
    tx.delete(&statement).await?;
    Ok(())
}

/// Counts an attempt; answers how many there are now, and since when.
pub(super) async fn count_attempt_in(tx: &Tx, key: &str) -> Result<(i64, DateTimeUtc)> {
    use sign_in_attempt::{Column, Entity};
    let one_more = OnConflict::column(Column::Key)
        .value(Column::Attempts, Expr::col((Entity, Column::Attempts)).add(1))
        .to_owned();
    let statement = Query::insert()
        .into_table(Entity)
        .columns([Column::Key, Column::Attempts, Column::BeganAt])
        .values_panic([key.into(), 1.into(), tx.clock().now().into()])
        .on_conflict(one_more)
        .to_owned();
    tx.execute_insert(&statement).await?;
    let statement = Query::select()
        .columns([Column::Attempts, Column::BeganAt])
        .from(Entity)
        .and_where(Expr::col(Column::Key).eq(key))
        .to_owned();
    let counted = tx.row::<(One<i32>, One<DateTimeUtc>)>(&statement).await?;
    Ok(counted.map_or((0, tx.clock().now()), |(attempts, began_at)| (attempts.0.into(), began_at.0)))
}

pub(super) async fn insert_in(
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

/// Ends a session. `false` when it has ended.
pub(super) async fn delete_in(tx: &Tx, id: SessionId) -> Result<bool> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(id)).to_owned();
    Ok(tx.delete(&statement).await? == 1)
}

/// Notes that somebody was here.
pub(super) async fn touch_in(tx: &Tx, session: SessionId, user: UserId) -> Result<()> {
    let now = tx.clock().now();
    let used = Query::update()
        .table(Entity)
        .value(Column::LastUsedAt, now)
        .and_where(Expr::col(Column::Id).eq(session))
        .to_owned();
    tx.update(&used).await?;
    let seen = Query::update()
        .table(user::Entity)
        .value(user::Column::LastSeenAt, now)
        .and_where(Expr::col(user::Column::Id).eq(user))
        .to_owned();
    tx.update(&seen).await?;
    Ok(())
}
