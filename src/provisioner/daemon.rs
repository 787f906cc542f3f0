//! Daemons: registering and staying alive.

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, ProvisionerKeyId};
use guildhall_entity::json::{Engines, Tags};
use guildhall_entity::kind::JobState;

use serde_json::json;

use super::DaemonRow;
use super::store::{daemon as store, job, presence};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Denied, Identity, Object, Permission, Permit, Resource};
use crate::db::{Db, Unaudited};
use crate::error::{Error, Refusal, Result};
use crate::events::{Event, EventKind};
use crate::name::one_line;

/// Who a daemon is, from its key.
pub(crate) struct Caller {
    pub(crate) organization: OrganizationId,
    pub(crate) key: Option<ProvisionerKeyId>,
    pub(crate) tags: Tags,
}

impl Caller {
    /// # Errors
    /// FORBIDDEN for anybody who is no daemon.
    pub(crate) fn of(actor: &Actor) -> Result<Self> {
        match actor.identity() {
            Identity::Daemon { key, organization, tags, .. } => {
                Ok(Self { organization: *organization, key: *key, tags: tags.clone() })
            }
            Identity::Anonymous => Err(Denied::Anonymous.into()),
            _ => Err(Denied::Lacking(Permission::ProvisionerDaemonServe).into()),
        }
    }
}

/// Registers a daemon, or the same one again when it comes back.
///
/// # Errors
/// FORBIDDEN for anybody who is no daemon; a refusal for a name that breaks the rules.
pub(crate) async fn register(
    db: &Db,
    actor: &Actor,
    name: &str,
    version: &str,
    engines: Engines,
) -> Result<ProvisionerDaemonId> {
    let caller = Caller::of(actor)?;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonServe, Object::in_organization(caller.organization))?;
    let name = one_line(&["name"], name, 64)?;
    if name.is_empty() {
        return Err(Refusal::invalid(&["name"], "a daemon has a name; its host's will do").into());
    }
    let version = one_line(&["version"], version, 64)?;
    let mut tx = db.begin(permit).await?;
    let registration = store::Registration {
        organization: caller.organization,
        key: caller.key,
        name,
        version,
        engines,
        tags: caller.tags,
    };
    let (id, is_new) = store::register_in(&tx, registration).await?;
    if let Some(key) = caller.key {
        super::key::touch_in(&tx, key).await?;
    }
    let kind = if is_new { EventKind::DaemonRegistered } else { EventKind::DaemonChanged };
    tx.emit(event(kind, caller.organization, id)).await?;
    tx.commit_unaudited(Unaudited::Heartbeat).await?;
    Ok(id)
}

/// What happened to a daemon.
pub(super) fn event(kind: EventKind, organization: OrganizationId, daemon: ProvisionerDaemonId) -> Event {
    Event { kind, organization: Some(organization), subject: daemon.0, parent: None }
}

/// A daemon is not what it was.
fn changed(organization: OrganizationId, daemon: ProvisionerDaemonId) -> Event {
    event(EventKind::DaemonChanged, organization, daemon)
}

/// Tells of daemons that have gone offline or come back since this was last asked; answers how many. Being silent is no
/// write of anybody's, so somebody has to look.
pub(crate) async fn tell_presence(db: &Db, permit: Permit) -> Result<usize> {
    if !presence::changed(db).await? {
        return Ok(0);
    }
    let mut tx = db.begin(permit).await?;
    let daemons = presence::note_in(&tx).await?;
    for (organization, daemon) in &daemons {
        tx.emit(changed(*organization, *daemon)).await?;
    }
    tx.commit_unaudited(Unaudited::Heartbeat).await?;
    Ok(daemons.len())
}

/// What a daemon hears in answer to its heartbeat.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// Jobs to interrupt.
    pub(crate) cancel: Vec<ProvisionerJobId>,
    /// Jobs that it no longer holds.
    pub(crate) lost: Vec<ProvisionerJobId>,
}

/// Notes that a daemon is alive and works on these jobs.
///
/// # Errors
/// CONFLICT when the daemon is not registered (any more).
pub(crate) async fn heartbeat(
    db: &Db,
    actor: &Actor,
    daemon: ProvisionerDaemonId,
    running: &[ProvisionerJobId],
) -> Result<Orders> {
    let caller = Caller::of(actor)?;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonServe, Object::in_organization(caller.organization))?;
    let tx = db.begin(permit).await?;
    if let Some(key) = caller.key {
        // Before the daemon's row: so takes them who deletes the key.
        super::key::touch_in(&tx, key).await?;
    }
    if !presence::touch_in(&tx, daemon, caller.organization, caller.key).await? {
        return Err(unknown_daemon());
    }
    let mut orders = Orders::default();
    if !running.is_empty() {
        let held = job::held_in(&tx, caller.organization, caller.key, running).await?;
        // Of another daemon with the same key: it was put back into the queue and taken by that one.
        let held: Vec<_> = held.into_iter().filter(|job| job.provisioner_daemon_id == Some(daemon)).collect();
        let held_ids: Vec<_> = held.iter().map(|job| job.id).collect();
        job::touch_in(&tx, &held_ids, 0).await?;
        orders.cancel =
            held.iter().filter(|job| job.state == JobState::Canceling).map(|job| job.id).collect();
        orders.lost = running.iter().copied().filter(|id| !held_ids.contains(id)).collect();
    }
    tx.commit_unaudited(Unaudited::Heartbeat).await?;
    Ok(orders)
}

/// Notes that a daemon has ended. A job that it left behind is found by the reaper, as if it had fallen silent.
///
/// # Errors
/// CONFLICT when the daemon is not registered (any more).
pub(crate) async fn sign_off(db: &Db, actor: &Actor, daemon: ProvisionerDaemonId) -> Result<()> {
    let caller = Caller::of(actor)?;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonServe, Object::in_organization(caller.organization))?;
    let mut tx = db.begin(permit).await?;
    if let Some(key) = caller.key {
        super::key::touch_in(&tx, key).await?;
    }
    if !presence::sign_off_in(&tx, daemon, caller.organization, caller.key).await? {
        return Err(unknown_daemon());
    }
    tx.emit(changed(caller.organization, daemon)).await?;
    tx.commit_unaudited(Unaudited::Heartbeat).await
}

/// Forgets a daemon that is not there any more. One that comes back registers anew.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_DAEMON_DELETE`; a refusal for one that is there or holds a job.
pub(crate) async fn delete(db: &Db, actor: &Actor, row: &DaemonRow) -> Result<()> {
    let daemon = &row.daemon;
    let organization = daemon.organization_id;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonDelete, Object::in_organization(organization))?;
    let mut tx = db.begin(permit).await?;
    if !store::delete_in(&tx, daemon.id, tx.clock().now()).await? {
        let message = "only an offline daemon without a job can be deleted: stop it, or disable its key; one that was \
                       killed counts as offline after 90 seconds";
        return Err(Refusal::conflict(&["provisionerDaemonId"], message).into());
    }
    tx.emit(changed(organization, daemon.id)).await?;
    let before = facts(json!({ "name": daemon.name, "version": daemon.version, "tags": daemon.tags }));
    let change = Change::new(
        Action::Delete,
        Resource::ProvisionerDaemon,
        Some(organization),
        daemon.id,
        &daemon.name,
        &before,
        &Facts::new(),
    );
    tx.commit(change).await
}

pub(super) fn unknown_daemon() -> Error {
    Error::Conflict(
        "this daemon is not registered with this key, or the key is not accepted any more; call \
         registerProvisionerDaemon again"
            .into(),
    )
}
