//! How daemons are kept. Whether one is offline or busy is computed when it is read.

use std::fmt::Write as _;

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerKeyId};
use guildhall_entity::json::{Engines, Tags};
use guildhall_entity::provisioner_daemon::{ActiveModel, Column, Entity};
use guildhall_entity::{provisioner_job, provisioner_key};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{Columns, One, Read, row, select};
use crate::db::{Db, Tx, covered, is_one_of};
use crate::error::Result;

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

/// A daemon, the name of its key and whether it holds a job.
#[derive(Clone, Debug)]
pub(crate) struct DaemonRow {
    pub(crate) daemon: Registered,
    pub(crate) key_name: Option<String>,
    pub(crate) busy: bool,
}

impl Read for DaemonRow {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self { daemon: Read::read(columns)?, key_name: columns.next()?, busy: columns.next()? })
    }
}

/// How long a daemon may be silent before it counts as offline.
const OFFLINE_AFTER: TimeDelta = TimeDelta::seconds(90);

/// Whether a daemon is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// Signed off, or unseen for 90 seconds.
    Offline,
    /// Holds a job.
    Busy,
    /// Waits for a job.
    Idle,
}

impl DaemonRow {
    pub(crate) fn status(&self, now: DateTimeUtc) -> Status {
        if self.daemon.signed_off || now - self.daemon.last_seen_at > OFFLINE_AFTER {
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

/// Whether a daemon is [`Status::Offline`], of the rows that a statement knows by this name.
fn offline(name: Option<&'static str>, now: DateTimeUtc) -> Expr {
    let column = |column: Column| name.map_or_else(|| Expr::col(column), |name| Expr::col((name, column)));
    column(Column::LastSeenAt).lt(now - OFFLINE_AFTER).or(column(Column::SignedOff).eq(true))
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
    statement.column(("k", provisioner_key::Column::Name)).expr(busy());
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
            let offline = offline(Some("d"), now);
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

fn is_of_key(key: Option<ProvisionerKeyId>) -> Expr {
    let column = Expr::col(Column::ProvisionerKeyId);
    key.map_or(column.clone().is_null(), |key| column.eq(key))
}

/// Writes a daemon's row: the same again when it comes back under its name.
pub(in crate::provisioner) async fn register_in(
    tx: &Tx,
    daemon: Registration,
) -> Result<ProvisionerDaemonId> {
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
        return Ok(id);
    }
    let id = tx.clock().id();
    tx.insert(ActiveModel {
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
    })
    .await?;
    Ok(id)
}

/// Notes that a daemon is alive. `false` when it is not one of this key's, or the key is not accepted (any more).
pub(in crate::provisioner) async fn touch_in(
    tx: &Tx,
    daemon: ProvisionerDaemonId,
    organization: OrganizationId,
    key: Option<ProvisionerKeyId>,
) -> Result<bool> {
    let now = tx.clock().now();
    let mut statement = Query::update()
        .table(Entity)
        .value(Column::LastSeenAt, now)
        .value(Column::SignedOff, false)
        .and_where(Expr::col(Column::Id).eq(daemon))
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(is_of_key(key))
        .take();
    if let Some(key) = key {
        // It may have been disabled while this call waited for a job.
        let accepted = Query::select()
            .expr(Expr::val(1))
            .from_as(provisioner_key::Entity, "k")
            .and_where(Expr::col(("k", provisioner_key::Column::Id)).eq(key))
            .and_where(super::key::is_accepted("k", now))
            .take();
        statement.and_where(Expr::exists(accepted));
    }
    Ok(tx.update(&statement).await? == 1)
}

/// Notes that a daemon has ended, and that this is told. `false` when it is not one of this key's.
pub(in crate::provisioner) async fn sign_off_in(
    tx: &Tx,
    daemon: ProvisionerDaemonId,
    organization: OrganizationId,
    key: Option<ProvisionerKeyId>,
) -> Result<bool> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::LastSeenAt, tx.clock().now())
        .value(Column::SignedOff, true)
        .value(TOLD_OFFLINE, true)
        .and_where(Expr::col(Column::Id).eq(daemon))
        .and_where(Expr::col(Column::OrganizationId).eq(organization))
        .and_where(is_of_key(key))
        .take();
    Ok(tx.update(&statement).await? == 1)
}

/// Whether a daemon is offline, or no longer is, without that having been told.
fn untold(now: DateTimeUtc) -> Expr {
    let offline = offline(None, now);
    let told = Expr::col(TOLD_OFFLINE).eq(true);
    offline.clone().and(told.clone().not()).or(offline.not().and(told))
}

/// Set when it was told that the daemon is offline.
const TOLD_OFFLINE: &str = "told_offline";

/// Whether there is a daemon whose going or coming back has not been told.
pub(in crate::provisioner) async fn presence_changed(db: &Db) -> Result<bool> {
    let statement =
        Query::select().column(Column::Id).from(Entity).and_where(untold(db.clock().now())).limit(1).take();
    Ok(db.row::<One<ProvisionerDaemonId>>(&statement).await?.is_some())
}

/// Notes which daemons have gone or come back; answers those.
pub(in crate::provisioner) async fn note_presence_in(
    tx: &Tx,
) -> Result<Vec<(OrganizationId, ProvisionerDaemonId)>> {
    let statement = Query::update()
        .table(Entity)
        .value(TOLD_OFFLINE, Expr::col(TOLD_OFFLINE).not())
        .and_where(untold(tx.clock().now()))
        .returning(Query::returning().columns([Column::OrganizationId, Column::Id]))
        .take();
    let rows = tx.update_returning::<(One<OrganizationId>, One<ProvisionerDaemonId>)>(&statement).await?;
    Ok(rows.into_iter().map(|(organization, daemon)| (organization.0, daemon.0)).collect())
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
        .and_where(offline(None, now))
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
