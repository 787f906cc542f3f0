//! How provisioner keys are kept.

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerKeyId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::provisioner_key::{ActiveModel, Column, Entity};
use guildhall_entity::{provisioner_daemon, provisioner_job};
use sea_orm::ActiveValue::Set;
use sea_orm::DbBackend;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement, UpdateStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Db, Tx, covered};
use crate::error::Result;

row! {
    /// A provisioner key, without its hash.
    pub(crate) struct KeyRow {
        id: ProvisionerKeyId,
        organization_id: OrganizationId,
        name: String,
        tags: Tags,
        created_by: UserId,
        expires_at: Option<DateTimeUtc>,
        last_used_at: Option<DateTimeUtc>,
        disabled_at: Option<DateTimeUtc>,
        previous_expires_at: Option<DateTimeUtc>,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

/// Whether a key is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyState {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody disabled it.
    Disabled,
}

impl KeyState {
    /// Of a key that was disabled and expires then, at a time.
    pub(super) fn at(
        disabled_at: Option<DateTimeUtc>,
        expires_at: Option<DateTimeUtc>,
        now: DateTimeUtc,
    ) -> Self {
        match (disabled_at, expires_at) {
            (Some(_), _) => Self::Disabled,
            (None, Some(at)) if at <= now => Self::Expired,
            (None, _) => Self::Active,
        }
    }
}

impl KeyRow {
    /// Whether it is accepted at a time.
    pub(crate) fn state(&self, now: DateTimeUtc) -> KeyState {
        KeyState::at(self.disabled_at, self.expires_at, now)
    }
}

fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::ProvisionerKeyRead), Expr::col(("k", Column::OrganizationId)), None)
}

impl Find for ProvisionerKeyId {
    type Row = KeyRow;
    const ID: (&'static str, &'static str) = ("k", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "k").cond_where(visible(actor)).take();
        select::<KeyRow>(&mut statement, "k");
        statement
    }
}

/// Which keys, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyList {
    pub(crate) name: Option<String>,
    /// Of this state at a time.
    pub(crate) state: Option<(KeyState, DateTimeUtc)>,
    pub(crate) query: Option<Term>,
    pub(crate) order: KeyOrder,
}

/// Orders of provisioner keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ProvisionerKeyOrder")]
pub(crate) enum KeyOrder {
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

impl List for KeyList {
    type Row = KeyRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "k").cond_where(visible(actor)).take();
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("k", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some((state, now)) = self.state {
            statement.and_where(match state {
                KeyState::Active => is_accepted("k", now),
                KeyState::Expired => Expr::col(("k", Column::DisabledAt))
                    .is_null()
                    .and(Expr::col(("k", Column::ExpiresAt)).lte(now)),
                KeyState::Disabled => Expr::col(("k", Column::DisabledAt)).is_not_null(),
            });
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("k", "name")]));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<KeyRow>(statement, "k");
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("k", "name"), Key::id("k", "id")];
        const CREATED_AT: &[Key] = &[Key::time("k", "created_at"), Key::id("k", "id")];
        let (tag, keys, descending) = match self.order {
            KeyOrder::NameAsc => ("provisioner_key.name", NAME, false),
            KeyOrder::NameDesc => ("provisioner_key.name", NAME, true),
            KeyOrder::CreatedAtAsc => ("provisioner_key.created_at", CREATED_AT, false),
            KeyOrder::CreatedAtDesc => ("provisioner_key.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("k", "organization_id")
    }
}

/// A key is neither disabled nor expired at a time, for a statement where its table has this alias.
pub(in crate::provisioner) fn is_accepted(alias: &'static str, now: DateTimeUtc) -> Expr {
    let expires_at = || Expr::col((alias, Column::ExpiresAt));
    Expr::col((alias, Column::DisabledAt)).is_null().and(expires_at().is_null().or(expires_at().gt(now)))
}

/// What is kept of a key's secrets: of the one in use, and of the one before its last rotation.
pub(in crate::provisioner) struct Hashes {
    pub(in crate::provisioner) current: Vec<u8>,
    pub(in crate::provisioner) previous: Option<Vec<u8>>,
}

/// The key that has or had a secret with this hash, whoever asks: this is how a daemon proves who it is.
pub(in crate::provisioner) async fn by_secret_hash(db: &Db, hash: &[u8]) -> Result<Option<(KeyRow, Hashes)>> {
    let hashes = [Column::SecretHash, Column::PreviousSecretHash];
    let any =
        hashes.into_iter().fold(Condition::any(), |any, column| any.add(Expr::col(("k", column)).eq(hash)));
    let mut statement = Query::select().from_as(Entity, "k").cond_where(any).take();
    select::<KeyRow>(&mut statement, "k");
    statement.columns(hashes.map(|column| ("k", column)));
    let found = db.row::<(KeyRow, (One<Vec<u8>>, One<Option<Vec<u8>>>))>(&statement).await?;
    Ok(found.map(|(key, (current, previous))| (key, Hashes { current: current.0, previous: previous.0 })))
}

/// Finds a key again inside a transaction, locked, so that two changes don't cross.
pub(in crate::provisioner) async fn lock_in(tx: &Tx, key: ProvisionerKeyId) -> Result<Option<KeyRow>> {
    let mut statement =
        Query::select().from_as(Entity, "k").and_where(Expr::col(("k", Column::Id)).eq(key)).take();
    select::<KeyRow>(&mut statement, "k");
    if tx.backend() == DbBackend::Postgres {
        statement.lock_exclusive();
    }
    tx.row(&statement).await
}

fn changed(tx: &Tx, key: ProvisionerKeyId) -> UpdateStatement {
    Query::update()
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(key))
        .take()
}

/// Writes a key's name, tags and end; its daemons carry the tags from now on.
pub(in crate::provisioner) async fn update_in(tx: &Tx, key: &KeyRow) -> Result<()> {
    let mut statement = changed(tx, key.id);
    statement
        .value(Column::Name, key.name.as_str())
        .value(Column::Tags, sea_orm::Value::from(key.tags.clone()))
        .value(Column::ExpiresAt, key.expires_at);
    tx.update(&statement).await?;
    let retag = Query::update()
        .table(provisioner_daemon::Entity)
        .value(provisioner_daemon::Column::Tags, sea_orm::Value::from(key.tags.clone()))
        .and_where(Expr::col(provisioner_daemon::Column::ProvisionerKeyId).eq(key.id))
        .take();
    tx.update(&retag).await?;
    Ok(())
}

/// Replaces a key's secret. The one that it had stays good until this time, or is worth nothing at once.
pub(in crate::provisioner) async fn rotate_in(
    tx: &Tx,
    key: ProvisionerKeyId,
    secret_hash: Vec<u8>,
    previous_until: Option<DateTimeUtc>,
) -> Result<()> {
    let mut statement = changed(tx, key);
    let previous = match previous_until {
        Some(_) => Expr::col(Column::SecretHash),
        None => Expr::val(Option::<Vec<u8>>::None),
    };
    statement
        .value(Column::PreviousSecretHash, previous)
        .value(Column::PreviousExpiresAt, previous_until)
        .value(Column::SecretHash, secret_hash);
    tx.update(&statement).await?;
    Ok(())
}

/// Disables a key since a time, or enables it.
pub(in crate::provisioner) async fn disable_in(
    tx: &Tx,
    key: ProvisionerKeyId,
    since: Option<DateTimeUtc>,
) -> Result<()> {
    let mut statement = changed(tx, key);
    statement.value(Column::DisabledAt, since);
    tx.update(&statement).await?;
    Ok(())
}

/// A new key's row.
pub(in crate::provisioner) struct NewRow {
    pub(in crate::provisioner) id: ProvisionerKeyId,
    pub(in crate::provisioner) organization: OrganizationId,
    pub(in crate::provisioner) name: String,
    pub(in crate::provisioner) tags: Tags,
    pub(in crate::provisioner) secret_hash: Vec<u8>,
    pub(in crate::provisioner) created_by: UserId,
    pub(in crate::provisioner) expires_at: Option<DateTimeUtc>,
}

pub(in crate::provisioner) async fn insert_in(tx: &Tx, key: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(key.id),
        organization_id: Set(key.organization),
        name: Set(key.name),
        tags: Set(key.tags),
        secret_hash: Set(key.secret_hash),
        previous_secret_hash: Set(None),
        previous_expires_at: Set(None),
        created_by: Set(key.created_by),
        expires_at: Set(key.expires_at),
        last_used_at: Set(None),
        disabled_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Deletes a key with its daemons, which it answers. Jobs that they hold keep running in name only: the next report is
/// refused, and the reaper ends them. `None` when the key is gone.
pub(in crate::provisioner) async fn delete_in(
    tx: &Tx,
    key: ProvisionerKeyId,
) -> Result<Option<Vec<ProvisionerDaemonId>>> {
    use provisioner_daemon::Column as Daemon;
    use provisioner_job::Column as Job;
    let daemons = Query::select()
        .column(Daemon::Id)
        .from(provisioner_daemon::Entity)
        .and_where(Expr::col(Daemon::ProvisionerKeyId).eq(key))
        .take();
    let detach = Query::update()
        .table(provisioner_job::Entity)
        .value(Job::ProvisionerDaemonId, Option::<sea_orm::prelude::Uuid>::None)
        .and_where(Expr::col(Job::ProvisionerDaemonId).in_subquery(daemons))
        .take();
    tx.update(&detach).await?;
    let forget = Query::delete()
        .from_table(provisioner_daemon::Entity)
        .and_where(Expr::col(Daemon::ProvisionerKeyId).eq(key))
        .returning_col(Daemon::Id)
        .take();
    let daemons = tx.delete_returning::<One<ProvisionerDaemonId>>(&forget).await?;
    let delete = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(key)).take();
    let deleted = tx.delete(&delete).await? == 1;
    Ok(deleted.then(|| daemons.into_iter().map(|daemon| daemon.0).collect()))
}

/// How old the note of a key's last use is before it is written anew: all of its daemons share the row.
const NOTED_FOR: TimeDelta = TimeDelta::minutes(1);

/// Notes that a key was used.
pub(in crate::provisioner) async fn touch_in(tx: &Tx, key: ProvisionerKeyId) -> Result<()> {
    let now = tx.clock().now();
    let last = Expr::col(Column::LastUsedAt);
    let statement = Query::update()
        .table(Entity)
        .value(Column::LastUsedAt, now)
        .and_where(Expr::col(Column::Id).eq(key))
        .and_where(last.clone().is_null().or(last.lte(now - NOTED_FOR)))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
