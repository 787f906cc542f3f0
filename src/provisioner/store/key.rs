//! How provisioner keys are kept.

use guildhall_entity::id::{OrganizationId, ProvisionerKeyId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::provisioner_key::{ActiveModel, Column, Entity};
use guildhall_entity::{provisioner_daemon, provisioner_job};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
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
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::ProvisionerKeyRead), Expr::col(("k", Column::OrganizationId)), None)
}

impl Find for ProvisionerKeyId {
    type Row = KeyRow;
    const ID: (&'static str, &'static str) = ("k", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "k").cond_where(visible(actor)).to_owned();
        select::<KeyRow>(&mut statement, "k");
        statement
    }
}

/// Which keys, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyList {
    pub(crate) name: Option<String>,
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
        let mut statement = Query::select().from_as(Entity, "k").cond_where(visible(actor)).to_owned();
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("k", Column::Name)).eq(name.to_lowercase()));
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

/// The key of a secret, whoever asks: this is how a daemon proves who it is.
pub(in crate::provisioner) async fn by_secret_hash(db: &Db, hash: &[u8]) -> Result<Option<KeyRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "k")
        .and_where(Expr::col(("k", Column::SecretHash)).eq(hash))
        .to_owned();
    select::<KeyRow>(&mut statement, "k");
    db.row(&statement).await
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
        created_by: Set(key.created_by),
        expires_at: Set(key.expires_at),
        last_used_at: Set(None),
        disabled_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Deletes a key with its daemons. Jobs that they hold keep running in name only: the next report is refused, and the
/// reaper ends them.
pub(in crate::provisioner) async fn delete_in(tx: &Tx, key: ProvisionerKeyId) -> Result<bool> {
    use provisioner_daemon::Column as Daemon;
    use provisioner_job::Column as Job;
    let daemons = Query::select()
        .column(Daemon::Id)
        .from(provisioner_daemon::Entity)
        .and_where(Expr::col(Daemon::ProvisionerKeyId).eq(key))
        .to_owned();
    let detach = Query::update()
        .table(provisioner_job::Entity)
        .value(Job::ProvisionerDaemonId, Option::<sea_orm::prelude::Uuid>::None)
        .and_where(Expr::col(Job::ProvisionerDaemonId).in_subquery(daemons))
        .to_owned();
    tx.update(&detach).await?;
    let forget = Query::delete()
        .from_table(provisioner_daemon::Entity)
        .and_where(Expr::col(Daemon::ProvisionerKeyId).eq(key))
        .to_owned();
    tx.delete(&forget).await?;
    let delete = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(key)).to_owned();
    Ok(tx.delete(&delete).await? == 1)
}

/// Notes that a key was used.
pub(in crate::provisioner) async fn touch_in(tx: &Tx, key: ProvisionerKeyId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::LastUsedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(key))
        .to_owned();
    tx.update(&statement).await?;
    Ok(())
}
