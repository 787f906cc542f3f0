//! Whether daemons are there: what is heard of them, and what of it has been told.

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerKeyId};
use guildhall_entity::provisioner_daemon::{Column, Entity};
use guildhall_entity::provisioner_key;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::daemon::{TABLE, is_of_key, offline};
use super::key::is_accepted;
use crate::db::row::One;
use crate::db::{Db, Tx};
use crate::error::Result;

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
            .and_where(is_accepted("k", now))
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
    let offline = offline(TABLE, now);
    let told = Expr::col(TOLD_OFFLINE).eq(true);
    offline.clone().and(told.clone().not()).or(offline.not().and(told))
}

/// Set when it was told that the daemon is offline.
const TOLD_OFFLINE: &str = "told_offline";

/// Whether there is a daemon whose going or coming back has not been told.
pub(in crate::provisioner) async fn changed(db: &Db) -> Result<bool> {
    let statement =
        Query::select().column(Column::Id).from(Entity).and_where(untold(db.clock().now())).limit(1).take();
    Ok(db.row::<One<ProvisionerDaemonId>>(&statement).await?.is_some())
}

/// Notes which daemons have gone or come back; answers those.
pub(in crate::provisioner) async fn note_in(tx: &Tx) -> Result<Vec<(OrganizationId, ProvisionerDaemonId)>> {
    let statement = Query::update()
        .table(Entity)
        .value(TOLD_OFFLINE, Expr::col(TOLD_OFFLINE).not())
        .and_where(untold(tx.clock().now()))
        .returning(Query::returning().columns([Column::OrganizationId, Column::Id]))
        .take();
    let rows = tx.update_returning::<(One<OrganizationId>, One<ProvisionerDaemonId>)>(&statement).await?;
    Ok(rows.into_iter().map(|(organization, daemon)| (organization.0, daemon.0)).collect())
}

/// Notes that it is told of all daemons of a key whether they are offline; answers those.
pub(in crate::provisioner) async fn note_of_key_in(
    tx: &Tx,
    key: ProvisionerKeyId,
) -> Result<Vec<ProvisionerDaemonId>> {
    let statement = Query::update()
        .table(Entity)
        .value(TOLD_OFFLINE, offline(TABLE, tx.clock().now()))
        .and_where(is_of_key(Some(key)))
        .returning_col(Column::Id)
        .take();
    let rows = tx.update_returning::<One<ProvisionerDaemonId>>(&statement).await?;
    Ok(rows.into_iter().map(|daemon| daemon.0).collect())
}
