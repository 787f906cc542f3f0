//! The reaper: a reconciler that ends jobs nobody will end. A job that a daemon holds without a word for five minutes is
//! hung: it goes back into the queue if nothing of it was applied, three times at most, else it fails. A job that waits for
//! thirty minutes with no daemon that could take it fails with the reason. Their logs stay. It also tells of daemons that
//! have gone offline or come back.

use std::time::Duration;

use chrono::TimeDelta;
use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::JobState;
use tokio_util::sync::CancellationToken;

use super::{end_in, requeue_in};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission, Permit};
use crate::db::{Db, Unaudited};
use crate::error::Result;
use crate::provisioner::job::{self, Ending};
use crate::provisioner::{JobRow, daemon, why_pending};

const EVERY: Duration = Duration::from_secs(15);
const HUNG_AFTER: TimeDelta = TimeDelta::minutes(5);
const UNCLAIMED_AFTER: TimeDelta = TimeDelta::minutes(30);

/// What people read of a job that was lost while it changed the world, or too often.
const HUNG: &str = "the provisioner that ran it has not been heard of for 5 minutes; look at its log for what was done, \
                    then start it again";
/// What stands in the log of one that another daemon may take.
const LOST: &str = "The provisioner that took it has not been heard of for 5 minutes and had applied nothing";

/// Looks every fifteen seconds until told to stop.
pub(crate) async fn run(db: Db, stop: CancellationToken) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        match sweep(&db).await {
            Ok(0) => {}
            Ok(seen_to) => tracing::info!(seen_to, "the reaper ended jobs, or gave them to others"),
            Err(error) => tracing::warn!(%error, "the reaper could not look; it tries again"),
        }
    }
}

/// Looks once; answers how many jobs it ended or put back into the queue.
///
/// # Errors
/// When the database fails; jobs ended before that stay ended.
pub(crate) async fn sweep(db: &Db) -> Result<usize> {
    daemon::tell_presence(db, permit(None)?).await?;
    let now = db.clock().now();
    let mut seen_to = 0;
    let mut after = None;
    loop {
        // All of them: jobs that wait in vain and those that may hope stand in one queue.
        let rows = job::overdue(db, now - HUNG_AFTER, now - UNCLAIMED_AFTER, after).await?;
        let Some(last) = rows.last() else { return Ok(seen_to) };
        after = Some(last.id);
        for row in &rows {
            seen_to += usize::from(reap(db, row).await?);
        }
    }
}

/// What the reaper may do, in an organization or in all.
fn permit(organization: Option<OrganizationId>) -> Result<Permit> {
    let reaper = Actor::system(System::Reaper, Origin::default());
    let object = organization.map_or(Object::SITE, Object::in_organization);
    Ok(reaper.authorize(Permission::ProvisionerJobCancel, object)?)
}

async fn reap(db: &Db, row: &JobRow) -> Result<bool> {
    let why;
    let ending = match row.state {
        JobState::Pending => {
            let Some(reason) = why_pending(db, row).await? else { return Ok(false) };
            why = format!("no provisioner took it for 30 minutes: {reason}");
            Ending::Failed("NO_PROVISIONER", &why)
        }
        JobState::Canceling => Ending::Canceled,
        _ => Ending::Failed("HUNG", HUNG),
    };
    let mut tx = db.begin(permit(Some(row.organization_id))?).await?;
    // Its daemon may have been heard of, or have ended it, since the reaper looked.
    let Some(now) = job::overdue_in(&tx, row).await? else { return Ok(false) };
    let requeued = now.state == JobState::Running && requeue_in(&mut tx, db, &now, LOST).await?;
    let seen_to = requeued || end_in(&mut tx, db, &now, ending).await?;
    tx.commit_unaudited(Unaudited::JobProgress).await?;
    Ok(seen_to)
}
