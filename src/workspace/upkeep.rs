//! What the scheduler does to one workspace: each a transaction that looks again at what made it due, so that what was
//! done twice, or by a server that has lost its lease, changes nothing.

use chrono::TimeDelta;
use guildhall_entity::id::{TemplateVersionId, WorkspaceBuildId};
use guildhall_entity::kind::{AutomaticUpdates, BuildReason, JobState, Transition};

use super::build::{self, NewBuild};
use super::schedule::Schedule;
use super::store::due::{self, DueRow, Latest, TimesRow};
use super::{WorkspaceRow, change, store};
use crate::audit::{Action, Change};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::lease::Lease;
use crate::db::{Db, Tx, Unaudited};
use crate::error::{Error, Result};
use crate::seal::Sealer;
use crate::template::parameter::{self, Value};
use crate::template::version;

/// How late an autostart may be: one that the server missed by more is left out.
const LATE: TimeDelta = TimeDelta::hours(1);
/// When a stop or deletion that failed is tried again.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// What the scheduler works with.
pub(super) struct Upkeep<'a> {
    pub(super) db: &'a Db,
    pub(super) sealer: &'a Sealer,
    pub(super) lease: Lease,
}

/// A workspace that is looked after: as it is, and stays until the transaction ends.
struct Held {
    tx: Tx,
    row: WorkspaceRow,
    latest: Latest,
}

impl Upkeep<'_> {
    /// Takes a workspace in hand. `None` where it has gone, or a build of it is on its way: then its turn comes later.
    async fn hold(&self, due: &DueRow, permission: Permission) -> Result<Option<Held>> {
        let scheduler = Actor::system(System::Scheduler, Origin::default());
        let permit = scheduler.authorize(permission, Object::in_organization(due.organization_id))?;
        let tx = self.db.begin(permit).await?;
        self.lease.hold_in(&tx).await?;
        let Some(row) = store::change::lock_in(&tx, due.id).await? else { return Ok(None) };
        let latest = due::latest_in(&tx, due.id).await?;
        let latest = latest.ok_or_else(|| Error::internal(format!("{} has no build", due.id)))?;
        if !latest.state.is_final() {
            return Ok(None);
        }
        Ok(Some(Held { tx, row, latest }))
    }

    /// Starts a stopped workspace whose schedule has come due, and moves on to the next time.
    pub(super) async fn autostart(&self, workspace: &DueRow) -> Result<bool> {
        let Some(mut held) = self.hold(workspace, Permission::WorkspaceStart).await? else {
            return Ok(false);
        };
        let now = held.tx.clock().now();
        let Some(at) = held.row.autostart_at.filter(|at| *at <= now) else { return Ok(false) };
        let row = &held.row;
        let schedule = Schedule::kept(row.autostart_cron.as_deref(), row.autostart_time_zone.as_deref());
        let next = schedule.as_ref().and_then(|schedule| schedule.after(now));
        store::change::set_autostart_at_in(&held.tx, row.id, next).await?;
        let times = due::times_in(&held.tx, row.template_id).await?;
        // Of several times that were missed the latest counts.
        let came = schedule
            .as_ref()
            .map(|schedule| (schedule, schedule.latest(now).map_or(at, |late| late.max(at))));
        let is_day = |times: &TimesRow| {
            came.is_some_and(|(schedule, at)| {
                now - at <= LATE && times.autostart_days & schedule.day_bit(at) != 0
            })
        };
        let rests = held.latest.transition == Transition::Stop && held.latest.state == JobState::Succeeded;
        let starts = match &times {
            Some(times) if rests && row.dormant_at.is_none() && is_day(times) => {
                if due::owner_acts_in(&held.tx, row.organization_id, row.owner_id).await? {
                    self.values_to_start(&held, times).await?
                } else {
                    None
                }
            }
            _ => None,
        };
        let Some((version, values)) = starts else {
            held.tx.commit_unaudited(Unaudited::Schedule).await?;
            return Ok(false);
        };
        let change =
            self.queue(&mut held, Transition::Start, BuildReason::Autostart, version, values).await?;
        held.tx.commit(change).await?;
        Ok(true)
    }

    /// What a start by itself is made of: the active version where the workspace follows it and its values fit, else the
    /// version that it was built of. `None` where the template requires the active one, and they do not fit.
    async fn values_to_start(
        &self,
        held: &Held,
        times: &TimesRow,
    ) -> Result<Option<(TemplateVersionId, Vec<Value>)>> {
        let follows = times.require_active_version || held.row.automatic_updates == AutomaticUpdates::Always;
        if let Some(active) =
            times.active_version_id.filter(|&active| follows && active != held.latest.version)
        {
            match self.values(&held.latest, active).await {
                Ok(values) => return Ok(Some((active, values))),
                Err(Error::Refused(_)) if times.require_active_version => {
                    tracing::info!(workspace = %held.row.id, "its values do not fit the active version: not started");
                    return Ok(None);
                }
                Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let version = held.latest.version;
        Ok(Some((version, self.values(&held.latest, version).await?)))
    }

    /// Stops a workspace whose deadline has passed. Its deadline moves on: a stop that fails is tried again.
    pub(super) async fn autostop(&self, workspace: &DueRow) -> Result<bool> {
        let Some(mut held) = self.hold(workspace, Permission::WorkspaceStop).await? else { return Ok(false) };
        let now = held.tx.clock().now();
        if held.row.deadline.is_none_or(|deadline| deadline > now) {
            return Ok(false);
        }
        if held.latest.is_down() {
            store::change::set_deadline_in(&held.tx, held.row.id, None).await?;
            held.tx.commit_unaudited(Unaudited::Schedule).await?;
            return Ok(false);
        }
        store::change::set_deadline_in(&held.tx, held.row.id, Some(now + AGAIN)).await?;
        let change = self.queue_as_is(&mut held, Transition::Stop, BuildReason::Autostop).await?;
        held.tx.commit(change).await?;
        Ok(true)
    }

    /// Lets a workspace fall dormant that nobody has used for long, and stops it.
    pub(super) async fn sleep(
        &self,
        workspace: &DueRow,
        after: TimeDelta,
        delete_after: Option<TimeDelta>,
    ) -> Result<bool> {
        let Some(mut held) = self.hold(workspace, Permission::WorkspaceStop).await? else { return Ok(false) };
        let now = held.tx.clock().now();
        let used = held.row.last_used_at.unwrap_or(held.row.created_at);
        if held.row.dormant_at.is_some() || used > now - after {
            return Ok(false);
        }
        let stops = !held.latest.is_down();
        let next = WorkspaceRow {
            dormant_at: Some(now),
            deleting_at: delete_after.map(|delete_after| now + delete_after),
            deadline: stops.then_some(now + AGAIN),
            ..held.row.clone()
        };
        store::change::update_in(&held.tx, &next).await?;
        let mut changes = vec![change::changed(&held.row, &next)];
        if stops {
            changes.push(self.queue_as_is(&mut held, Transition::Stop, BuildReason::Dormancy).await?);
        } else {
            held.tx.emit(build::changed(next.organization_id, next.id)).await?;
        }
        held.tx.commit_all(changes).await?;
        Ok(true)
    }

    /// Deletes a workspace that has been dormant for as long as its template says.
    pub(super) async fn delete(&self, workspace: &DueRow) -> Result<bool> {
        let Some(mut held) = self.hold(workspace, Permission::WorkspaceDelete).await? else {
            return Ok(false);
        };
        let now = held.tx.clock().now();
        if held.row.dormant_at.is_none() || held.row.deleting_at.is_none_or(|at| at > now) {
            return Ok(false);
        }
        store::change::set_deleting_at_in(&held.tx, held.row.id, now + AGAIN).await?;
        let change = self.queue_as_is(&mut held, Transition::Delete, BuildReason::Dormancy).await?;
        held.tx.commit(change).await?;
        Ok(true)
    }

    /// The values of a build, checked against a version.
    async fn values(&self, latest: &Latest, version: TemplateVersionId) -> Result<Vec<Value>> {
        let missing = || Error::internal(format!("{} is of a version that is not there", latest.id));
        let (_, content) = version::referred(self.db, version).await?.ok_or_else(missing)?;
        let before = build::values(self.db, self.sealer, latest.id).await?;
        parameter::check(&content.variables, Vec::new(), Some(before))
    }

    /// Queues a build like the one before.
    async fn queue_as_is(
        &self,
        held: &mut Held,
        transition: Transition,
        reason: BuildReason,
    ) -> Result<Change> {
        let version = held.latest.version;
        let values = self.values(&held.latest, version).await?;
        self.queue(held, transition, reason, version, values).await
    }

    async fn queue(
        &self,
        held: &mut Held,
        transition: Transition,
        reason: BuildReason,
        version: TemplateVersionId,
        values: Vec<Value>,
    ) -> Result<Change> {
        let id: WorkspaceBuildId = held.tx.clock().id();
        let new = NewBuild {
            id,
            workspace: held.row.id,
            organization: held.row.organization_id,
            owner: held.row.owner_id,
            version,
            transition,
            reason,
            initiator: None,
            values: build::keep(self.sealer, id, values)?,
        };
        let version = build::insert_in(&mut held.tx, new).await?;
        let action = match transition {
            Transition::Start => Action::Start,
            Transition::Stop => Action::Stop,
            Transition::Delete => Action::Delete,
        };
        Ok(build::queued(action, &held.row, id, &version))
    }
}

impl Latest {
    /// Whether nothing runs any more.
    fn is_down(&self) -> bool {
        self.transition != Transition::Start && self.state == JobState::Succeeded
    }
}
