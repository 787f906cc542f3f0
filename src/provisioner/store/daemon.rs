//! How daemons are kept. Whether one is offline or busy is computed when it is read.

use std::fmt::Write as _;

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerKeyId};
use guildhall_entity::json::{Engines, Tags};
use guildhall_entity::provisioner_daemon::{ActiveModel, Column, Entity};
use guildhall_entity::{provisioner_job, provisioner_key};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait as _};

use super::key::{KeyState, is_accepted};
use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{Columns, One, Read, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::{Error, Result};

row! {
    /// A daemon as it registered.
    pub(crate) struct Registered {
        id: ProvisionerDaemonId,
        organization_id: OrganizationId,
        name: String,
        version: String,
        engines: Engines,
        tags: Tags,
        last_seen_at: DateTimeUtc,
        signed_off: bool,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

/// A daemon, what counts of its key (nothing for a built-in one) and whether it holds a job.
#[derive(Clone, Debug)]
pub(crate) struct DaemonRow {
    pub(crate) daemon: Registered,
    pub(crate) key_name: Option<String>,
    key_disabled_at: Option<DateTimeUtc>,
    key_expires_at: Option<DateTimeUtc>,
    pub(crate) busy: bool,
}

impl Read for DaemonRow {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            daemon: Read::read(columns)?,
            key_name: columns.next()?,
            key_disabled_at: columns.next()?,
            key_expires_at: columns.next()?,
            busy: columns.next()?,
        })
    }
}

/// How long a daemon may be silent before it counts as offline.
const OFFLINE_AFTER: TimeDelta = TimeDelta::seconds(90);

/// Whether a daemon is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// Signed off, unseen for 90 seconds, or with a key that is not accepted.
    Offline,
    /// Holds a job.
    Busy,
    /// Waits for a job.
    Idle,
}

impl DaemonRow {
    /// Whether its key is accepted at a time: otherwise its next call will be refused.
    pub(in crate::provisioner) fn key_state(&self, now: DateTimeUtc) -> KeyState {
        KeyState::at(self.key_disabled_at, self.key_expires_at, now)
    }

    pub(crate) fn status(&self, now: DateTimeUtc) -> Status {
        let silent = now - self.daemon.last_seen_at > OFFLINE_AFTER;
        if self.daemon.signed_off || silent || self.key_state(now) != KeyState::Active {
            Status::Offline
        } else if self.busy {
            Status::Busy
        } else {
            Status::Idle
        }
    }
}

fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::ProvisionerDaemonRead), Expr::col(("d", Column::OrganizationId)), None)
}

/// The name of the table itself, where a statement gives it no other.
pub(super) const TABLE: &str = "provisioner_daemon";

/// Whether a daemon is [`Status::Offline`], of the rows that a statement knows by this name.
pub(super) fn offline(name: &'static str, now: DateTimeUtc) -> Expr {
    let column = |column: Column| Expr::col((name, column));
    let refused = Query::select()
        .expr(Expr::val(1))
        .from_as(provisioner_key::Entity, "refused")
        .and_where(
            Expr::col(("refused", provisioner_key::Column::Id)).equals((name, Column::ProvisionerKeyId)),
        )
        .and_where(is_accepted("refused", now).not())
        .take();
    column(Column::LastSeenAt)
        .lt(now - OFFLINE_AFTER)
        .or(column(Column::SignedOff).eq(true))
        .or(Expr::exists(refused))
}

fn busy() -> Expr {
    use provisioner_job::Column as Job;
    let held = Query::select()
        .expr(Expr::val(1))
        .from_as(provisioner_job::Entity, "held")
        .and_where(Expr::col(("held", Job::ProvisionerDaemonId)).equals(("d", Column::Id)))
        .and_where(Expr::col(("held", Job::State)).is_in(["RUNNING", "CANCELING"]))
        .take();
    Expr::exists(held)
}

fn source(condition: Condition) -> SelectStatement {
    Query::select()
        .from_as(Entity, "d")
        .join_as(
            sea_orm::JoinType::LeftJoin,
            provisioner_key::Entity,
            "k",
            Expr::col(("k", provisioner_key::Column::Id)).equals(("d", Column::ProvisionerKeyId)),
        )
        .cond_where(condition)
        .take()
}

fn columns(statement: &mut SelectStatement) {
    select::<Registered>(statement, "d");
    use provisioner_key::Column as Key;
    statement.columns([Key::Name, Key::DisabledAt, Key::ExpiresAt].map(|column| ("k", column))).expr(busy());
}

impl Find for ProvisionerDaemonId {
    type Row = DaemonRow;
    const ID: (&'static str, &'static str) = ("d", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = source(visible(actor));
        columns(&mut statement);
        statement
    }
}

/// Which daemons, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DaemonList {
    status: Option<(Status, DateTimeUtc)>,
    order: DaemonOrder,
}

impl DaemonList {
    /// Those of a status at a time.
    pub(crate) fn new(status: Option<Status>, order: DaemonOrder, now: DateTimeUtc) -> Self {
        Self { status: status.map(|status| (status, now)), order }
    }
}

/// Orders of daemons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ProvisionerDaemonOrder")]
pub(crate) enum DaemonOrder {
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

impl List for DaemonList {
    type Row = DaemonRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = source(visible(actor));
        if let Some((status, now)) = self.status {
            let offline = offline("d", now);
            statement.and_where(match status {
                Status::Offline => offline,
                Status::Busy => offline.not().and(busy()),
                Status::Idle => offline.not().and(busy().not()),
            });
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        columns(statement);
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("d", "name"), Key::id("d", "id")];
        const CREATED_AT: &[Key] = &[Key::time("d", "created_at"), Key::id("d", "id")];
        let (tag, keys, descending) = match self.order {
            DaemonOrder::NameAsc => ("provisioner_daemon.name", NAME, false),
            DaemonOrder::NameDesc => ("provisioner_daemon.name", NAME, true),
            DaemonOrder::CreatedAtAsc => ("provisioner_daemon.created_at", CREATED_AT, false),
            DaemonOrder::CreatedAtDesc => ("provisioner_daemon.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("d", "organization_id")
    }
}

/// All daemons of some organizations: what explains why a job waits. The caller can see a job of each.
pub(in crate::provisioner) async fn of_organizations(
    db: &Db,
    organizations: &[OrganizationId],
) -> Result<Vec<DaemonRow>> {
    let organization = Expr::col(("d", Column::OrganizationId));
    let mut statement = source(Condition::all().add(is_one_of(organization, organizations)));
    columns(&mut statement);
    db.rows(&statement).await
}

/// A daemon that registers.
pub(in crate::provisioner) struct Registration {
    pub(in crate::provisioner) organization: OrganizationId,
    pub(in crate::provisioner) key: Option<ProvisionerKeyId>,
    pub(in crate::provisioner) name: String,
    pub(in crate::provisioner) version: String,
    pub(in crate::provisioner) engines: Engines,
    pub(in crate::provisioner) tags: Tags,
}

/// Of a key, or without one as built-in daemons are.
pub(super) fn is_of_key(key: Option<ProvisionerKeyId>) -> Expr {
    let column = Expr::col(Column::ProvisionerKeyId);
    key.map_or(column.clone().is_null(), |key| column.eq(key))
}

/// Writes a daemon's row: the same again when it comes back under its name. Answers whether it is a new one.
pub(in crate::provisioner) async fn register_in(
    tx: &Tx,
    daemon: Registration,
) -> Result<(ProvisionerDaemonId, bool)> {
    let now = tx.clock().now();
    let again = Query::update()
        .table(Entity)
        .value(Column::Version, daemon.version.as_str())
        .value(Column::Engines, sea_orm::Value::from(daemon.engines.clone()))
        .value(Column::Tags, sea_orm::Value::from(daemon.tags.clone()))
        .value(Column::LastSeenAt, now)
        .value(Column::SignedOff, false)
        .value(Column::UpdatedAt, now)
        .and_where(Expr::col(Column::OrganizationId).eq(daemon.organization))
        .and_where(is_of_key(daemon.key))
        .and_where(Expr::col(Column::Name).eq(daemon.name.as_str()))
        .returning_col(Column::Id)
        .take();
    if let Some(One(id)) = tx.update_returning::<One<ProvisionerDaemonId>>(&again).await?.into_iter().next() {
        return Ok((id, false));
    }
    let id = tx.clock().id();
    let row = ActiveModel {
        id: Set(id),
        organization_id: Set(daemon.organization),
        provisioner_key_id: Set(daemon.key),
        name: Set(daemon.name),
        version: Set(daemon.version),
        engines: Set(daemon.engines),
        tags: Set(daemon.tags),
        last_seen_at: Set(now),
        signed_off: Set(false),
        created_at: Set(now),
        updated_at: Set(now),
    };
    // Another server may register its built-in daemon of this name at the same moment: then it is that one.
    let mut insert = Insert::one(row).into_query();
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    if tx.execute_insert(&insert).await? == 1 {
        return Ok((id, true));
    }
    let found = tx.update_returning::<One<ProvisionerDaemonId>>(&again).await?;
    let id =
        found.into_iter().next().ok_or_else(|| Error::internal("a daemon that stands in the way is gone"))?;
    Ok((id.0, false))
}

/// Deletes a daemon that is offline at a time and holds no job; its old jobs forget who did them. `false` when it
/// has been, or does.
pub(in crate::provisioner) async fn delete_in(
    tx: &Tx,
    daemon: ProvisionerDaemonId,
    now: DateTimeUtc,
) -> Result<bool> {
    use provisioner_job::Column as Job;
    let of_daemon = || Expr::col(Job::ProvisionerDaemonId).eq(daemon);
    let held = Query::select()
        .expr(Expr::val(1))
        .from(provisioner_job::Entity)
        .and_where(of_daemon())
        .and_where(Expr::col(Job::State).is_in(["RUNNING", "CANCELING"]))
        .limit(1)
        .take();
    if tx.row::<One<i32>>(&held).await?.is_some() {
        return Ok(false);
    }
    let forget = Query::update()
        .table(provisioner_job::Entity)
        .value(Job::ProvisionerDaemonId, Option::<sea_orm::prelude::Uuid>::None)
        .and_where(of_daemon())
        .take();
    tx.update(&forget).await?;
    let delete = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::Id).eq(daemon))
        .and_where(offline(TABLE, now))
        .take();
    Ok(tx.delete(&delete).await? == 1)
}

/// Tags as people read them: `a=1 b=2`.
pub(in crate::provisioner) fn shown(tags: &Tags) -> String {
    let mut text = String::new();
    for (name, value) in &tags.0 {
        let _ = write!(text, "{}{name}={value}", if text.is_empty() { "" } else { " " });
    }
    text
}
