//! How an organization's provisioners are: who is there, what waits and why, and how jobs have ended lately.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use guildhall_entity::id::OrganizationId;
use guildhall_entity::json::Tags;

use super::pending::{Place, Reason, reason};
pub(crate) use super::store::health::{Endings, Queue};
use super::store::{daemon, health as store};
use super::{DaemonRow, SERVER_VERSION, Status};
use crate::db::Db;
use crate::error::Result;

/// How far back the endings of jobs are looked at.
const LATELY: TimeDelta = TimeDelta::hours(24);

/// How many daemons are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) idle: i32,
    pub(crate) busy: i32,
    pub(crate) offline: i32,
}

impl Counts {
    fn count(&mut self, status: Status) {
        *match status {
            Status::Idle => &mut self.idle,
            Status::Busy => &mut self.busy,
            Status::Offline => &mut self.offline,
        } += 1;
    }
}

/// What daemons of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    /// `None` for built-in ones.
    pub(crate) key_name: Option<String>,
    pub(crate) version: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// How an organization's provisioners are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    pub(crate) daemons: Counts,
    /// Of those that are there, how many have another version than the server.
    pub(crate) mismatched: i32,
    pub(crate) groups: Vec<(Group, Counts)>,
    /// The one that waits longest first, each with why its next job waits.
    pub(crate) queues: Vec<(Queue, Reason)>,
    pub(crate) endings: Vec<Endings>,
}

/// The health of some organizations, in three statements for all of them. The caller may read the daemons and jobs of each.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_organizations(
    db: &Db,
    organizations: &[OrganizationId],
) -> Result<HashMap<OrganizationId, Health>> {
    let now = db.clock().now();
    let (daemons, queues, endings) = futures_util::try_join!(
        daemon::of_organizations(db, organizations),
        store::queues(db, organizations),
        store::endings(db, organizations, now - LATELY),
    )?;
    let mut all: HashMap<OrganizationId, Health> =
        organizations.iter().map(|&organization| (organization, Health::default())).collect();
    let mut by_organization: HashMap<OrganizationId, Vec<&DaemonRow>> = HashMap::new();
    for row in &daemons {
        by_organization.entry(row.daemon.organization_id).or_default().push(row);
    }
    for (organization, rows) in &by_organization {
        if let Some(health) = all.get_mut(organization) {
            let mut groups: BTreeMap<Group, Counts> = BTreeMap::new();
            for row in rows {
                let status = row.status(now);
                health.daemons.count(status);
                let differs = status != Status::Offline && row.daemon.version != SERVER_VERSION;
                health.mismatched += i32::from(differs);
                let Tags(tags) = row.daemon.tags.clone();
                let version = row.daemon.version.clone();
                groups
                    .entry(Group { key_name: row.key_name.clone(), version, tags })
                    .or_default()
                    .count(status);
            }
            health.groups = groups.into_iter().collect();
        }
    }
    let nobody = Vec::new();
    for queue in queues {
        if let Some(health) = all.get_mut(&queue.organization) {
            let rows = by_organization.get(&queue.organization).unwrap_or(&nobody);
            let why = reason(&queue.tags, Place { number: 1, of: queue.jobs }, rows, now);
            health.queues.push((queue, why));
        }
    }
    for ending in endings {
        if let Some(health) = all.get_mut(&ending.organization) {
            health.endings.push(ending);
        }
    }
    Ok(all)
}
