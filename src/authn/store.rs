//! What signing in and recognising a token read and write: sessions, API tokens, and of users and members what makes an
//! actor.

pub(super) mod session;
pub(super) mod token;

use std::collections::HashMap;

use guildhall_entity::id::{ApiTokenId, OrganizationId, SessionId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::kind::UserStatus;
use guildhall_entity::session::{Column, Entity};
use guildhall_entity::text::Folded;
use guildhall_entity::{organization_member, role, sign_in_attempt, user};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Query, SelectStatement};

use super::password::StoredHash;
use crate::authz::{Actor, Credential, Identity, Limits};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, is_one_of, names_hold};
use crate::error::Result;

/// What somebody shows, as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shown {
    /// A session, by its signed id.
    Session(SessionId),
    /// An API token, by the hash of its secret.
    Secret(TokenHash),
    /// An API token that was recognised before.
    Token(ApiTokenId),
}

impl From<Credential> for Shown {
    fn from(credential: Credential) -> Self {
        match credential {
            Credential::Session(id) => Self::Session(id),
            Credential::Token(id) => Self::Token(id),
        }
    }
}

/// The hash of an API token's secret. Does not print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenHash(pub(super) Vec<u8>);

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

/// A session or token with everything that makes an actor.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) credential: Credential,
    /// What a token leaves of its owner.
    pub(super) limits: Option<Limits>,
    /// The user, once for each of their memberships (or once without).
    pub(super) rows: Vec<Known>,
}

row! {
    /// A user who holds a session or token, one of their memberships, and one of the custom roles they hold there.
    pub(crate) struct Known {
        user_id: UserId,
        username: String,
        status: UserStatus,
        site_roles: Names,
        expires_at: DateTimeUtc,
        last_used_at: Option<DateTimeUtc>,
        organization_id: Option<OrganizationId>,
        roles: Option<Names>,
        custom_permissions: Option<Names>,
    }
}

/// Adds the columns of [`Known`] to a statement where `c` holds the credentials: everything that makes an actor, in one
/// statement.
fn with_holder(statement: &mut SelectStatement) {
    use organization_member::Column as Member;
    use user::Column as User;
    statement
        .columns([("u", User::Id), ("u", User::Username), ("u", User::Status), ("u", User::SiteRoles)])
        .columns([("c", Column::ExpiresAt), ("c", Column::LastUsedAt)])
        .columns([("m", Member::OrganizationId), ("m", Member::Roles)])
        .column(("r", role::Column::Permissions))
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Condition::all()
                .add(Expr::col(("u", User::Id)).equals(("c", Column::UserId)))
                .add(Expr::col(("u", User::DeletedAt)).is_null()),
        );
    join_roles(statement);
}

/// Joins to the users `u` of a statement their memberships `m` and the custom roles `r` that they hold there: a row for each
/// of these roles, one for a membership without, and one for a user without either.
pub(crate) fn join_roles(statement: &mut SelectStatement) {
    use organization_member::Column as Member;
    statement
        .join_as(
            sea_orm::JoinType::LeftJoin,
            organization_member::Entity,
            "m",
            Expr::col(("m", Member::UserId)).equals(("u", user::Column::Id)),
        )
        .join_as(
            sea_orm::JoinType::LeftJoin,
            role::Entity,
            "r",
            Condition::all()
                .add(Expr::col(("r", role::Column::OrganizationId)).equals(("m", Member::OrganizationId)))
                .add(names_hold("m.roles", "r.name")),
        );
}

/// Who holds these sessions and tokens: one statement for each of the two kinds.
pub(super) async fn holders(db: &Db, shown: &[Shown]) -> Result<HashMap<Shown, Holder>> {
    let mut holders = HashMap::with_capacity(shown.len());
    let (mut sessions, mut hashes, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for one in shown {
        match one {
            Shown::Session(id) => sessions.push(id.0),
            Shown::Secret(hash) => hashes.push(hash.0.clone()),
            Shown::Token(id) => tokens.push(id.0),
        }
    }
    if !sessions.is_empty() {
        let mut statement = Query::select().column(("c", Column::Id)).from_as(Entity, "c").take();
        with_holder(&mut statement);
        statement.and_where(is_one_of(Expr::col(("c", Column::Id)), &sessions));
        for (id, row) in db.rows::<(One<SessionId>, Known)>(&statement).await? {
            let holder = || Holder { credential: Credential::Session(id.0), limits: None, rows: Vec::new() };
            holders.entry(Shown::Session(id.0)).or_insert_with(holder).rows.push(row);
        }
    }
    if !hashes.is_empty() {
        let is_one = Expr::col(("c", token::Column::SecretHash)).is_in(hashes);
        let found = token::holders(db, is_one).await?;
        holders.extend(found.into_iter().map(|(hash, holder)| (Shown::Secret(hash), holder)));
    }
    if !tokens.is_empty() {
        let is_one = is_one_of(Expr::col(("c", token::Column::Id)), &tokens);
        let found = token::holders(db, is_one).await?;
        holders.extend(found.into_values().map(|holder| (holder.credential.into(), holder)));
    }
    Ok(holders)
}

/// Who holds a credential that was recognised before.
pub(super) async fn holder(db: &Db, credential: Credential) -> Result<Option<Holder>> {
    Ok(holders(db, &[credential.into()]).await?.into_values().next())
}

/// When the session or token in use ends.
pub(super) async fn holder_expiry(db: &Db, actor: &Actor) -> Result<Option<DateTimeUtc>> {
    let Identity::User { credential, .. } = actor.identity() else { return Ok(None) };
    let holder = holder(db, *credential).await?;
    Ok(holder.and_then(|holder| holder.rows.first().map(|row| row.expires_at)))
}

row! {
    /// What proves who somebody is.
    pub(super) struct Credentials {
        id: UserId,
        username: String,
        status: UserStatus,
        password_hash: Option<StoredHash>,
    }
}

/// The user of a username or email address, for a statement where the table is `u`.
fn named(login: &str) -> Expr {
    if login.contains('@') {
        let folded = Expr::col(("u", user::Column::EmailFolded));
        folded.clone().eq(Folded::of(login)).and(folded.ne(""))
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
        .take();
    select::<Credentials>(&mut statement, "u");
    db.row(&statement).await
}

/// Whether these are still somebody's credentials, and they may sign in; both stay so until the transaction ends.
pub(super) async fn still_hold_in(tx: &Tx, credentials: &Credentials) -> Result<bool> {
    let mut statement = Query::select()
        .from_as(user::Entity, "u")
        .and_where(Expr::col(("u", user::Column::Id)).eq(credentials.id))
        .and_where(Expr::col(("u", user::Column::DeletedAt)).is_null())
        .take();
    select::<Credentials>(&mut statement, "u");
    let now = tx.locked::<Credentials>(statement, LockType::Share).await?;
    Ok(now.is_some_and(|now| {
        now.password_hash == credentials.password_hash && now.status != UserStatus::Suspended
    }))
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
        .take();
    Ok(db.row::<One<SessionId>>(&statement).await?.is_some())
}

/// Forgets what was counted before this time.
pub(super) async fn forget_attempts_in(tx: &Tx, before: DateTimeUtc) -> Result<()> {
    let statement = Query::delete()
        .from_table(sign_in_attempt::Entity)
        .and_where(Expr::col(sign_in_attempt::Column::BeganAt).lte(before))
        .take();
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
        .take();
    tx.execute_insert(&statement).await?;
    let statement = Query::select()
        .columns([Column::Attempts, Column::BeganAt])
        .from(Entity)
        .and_where(Expr::col(Column::Key).eq(key))
        .take();
    let counted = tx.row::<(One<i32>, One<DateTimeUtc>)>(&statement).await?;
    Ok(counted.map_or((0, tx.clock().now()), |(attempts, began_at)| (attempts.0.into(), began_at.0)))
}
