//! How the health of provisioners looks.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Object, SimpleObject};
use guildhall_entity::id::OrganizationId;
use guildhall_entity::json::Tags;

use super::history::{self, ProvisionerHistoryPeriod};
use super::job::PendingReason;
use super::{ProvisionerJobType, Tag, tags};
use crate::error::{Error, Result};
use crate::graphql::context::{Ask as _, Loaders, Request};
use crate::graphql::scalar::DateTime;
use crate::provisioner::SERVER_VERSION;
use crate::provisioner::health::{Counts, Endings, Group, Health, Queue, of_organizations};
use crate::provisioner::history::{Span, Width};

/// The health of an organization's provisioners; loaded for all organizations of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct HealthOf(OrganizationId);

#[async_trait::async_trait]
impl Loader<HealthOf> for Loaders {
    type Value = Arc<Health>;
    type Error = Error;

    async fn load(&self, keys: &[HealthOf]) -> Result<HashMap<HealthOf, Arc<Health>>> {
        let organizations: Vec<_> = keys.iter().map(|key| key.0).collect();
        let all = of_organizations(&self.db, &organizations).await?;
        Ok(all.into_iter().map(|(organization, health)| (HealthOf(organization), Arc::new(health))).collect())
    }
}

/// How an organization's provisioners are.
pub(crate) struct ProvisionerHealth(OrganizationId, Arc<Health>);

impl ProvisionerHealth {
    /// That of an organization, batched with its neighbours.
    pub(crate) async fn of(request: &Request, organization: OrganizationId) -> Result<Self> {
        Ok(Self(organization, request.load(HealthOf(organization)).await?.unwrap_or_default()))
    }
}

/// How an organization's provisioners are, now: who is there, what waits and why, and how the jobs of the last 24 hours
/// ended; and how jobs ended over time.
#[Object]
impl ProvisionerHealth {
    /// Daemons that wait for a job.
    async fn idle_daemons(&self) -> i32 {
        self.1.daemons.idle
    }

    /// Daemons that hold a job.
    async fn busy_daemons(&self) -> i32 {
        self.1.daemons.busy
    }

    /// Daemons that signed off, are unseen for 90 seconds, or have a key that is disabled or has expired.
    async fn offline_daemons(&self) -> i32 {
        self.1.daemons.offline
    }

    /// Of the daemons that are there, how many have another version than the server: update them.
    async fn mismatched_daemons(&self) -> i32 {
        self.1.mismatched
    }

    /// The daemons by key, version and tags.
    async fn daemon_groups(&self) -> Vec<ProvisionerDaemonGroup> {
        self.1.groups.iter().map(ProvisionerDaemonGroup::from).collect()
    }

    /// How many jobs wait for a daemon.
    async fn waiting_jobs(&self) -> i64 {
        self.1.queues.iter().map(|(queue, _)| queue.jobs).sum()
    }

    /// Since when the job that waits longest does; null when none waits.
    async fn oldest_waiting_since(&self) -> Option<DateTime> {
        self.1.queues.iter().map(|(queue, _)| queue.oldest).min().map(DateTime::from)
    }

    /// What waits, by tags, the queue of the job that waits longest first.
    async fn queues(&self) -> Vec<ProvisionerQueue> {
        let queue = |(queue, why): &(Queue, crate::provisioner::Reason)| ProvisionerQueue {
            tags: tags(&queue.tags),
            jobs: queue.jobs,
            oldest_waiting_since: queue.oldest.into(),
            reason: why.clone().into(),
        };
        self.1.queues.iter().map(queue).collect()
    }

    /// How the jobs that ended in the last 24 hours did, by type; types of which none did are absent.
    async fn jobs(&self) -> Vec<ProvisionerJobStatistics> {
        self.1.endings.iter().map(ProvisionerJobStatistics::from).collect()
    }

    /// How jobs ended over time: the latest hours or days, the oldest first, and those as well in which none did. The last
    /// one goes on still.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How long each is; HOUR if absent.")] width: Option<Width>,
        #[graphql(desc = "How many up to now, 1–100; 24 if absent.")] last: Option<i32>,
        #[graphql(name = "type", desc = "Only of jobs of this type; of all if absent.")] kind: Option<
            ProvisionerJobType,
        >,
    ) -> Result<Vec<ProvisionerHistoryPeriod>> {
        let span = Span::new(width, last, kind.map(Into::into))?;
        history::of(ctx.request(), self.0, span).await
    }
}

/// Daemons that have key, version and tags in common.
#[derive(SimpleObject)]
struct ProvisionerDaemonGroup {
    /// The name of their key; null for built-in provisioners.
    key_name: Option<String>,
    /// The version of their program.
    version: String,
    /// Whether that is the server's.
    version_matches: bool,
    /// Tags that they carry.
    tags: Vec<Tag>,
    /// How many wait for a job.
    idle: i32,
    /// How many hold a job.
    busy: i32,
    /// How many signed off, have not been seen for 90 seconds, or have a key that is disabled or has expired.
    offline: i32,
}

impl From<&(Group, Counts)> for ProvisionerDaemonGroup {
    fn from((group, counts): &(Group, Counts)) -> Self {
        let Counts { idle, busy, offline } = *counts;
        Self {
            key_name: group.key_name.clone(),
            version: group.version.clone(),
            version_matches: group.version == SERVER_VERSION,
            tags: tags(&Tags(group.tags.clone())),
            idle,
            busy,
            offline,
        }
    }
}

/// Jobs of one tag set that wait.
#[derive(SimpleObject)]
struct ProvisionerQueue {
    /// Tags that a daemon must carry to take them.
    tags: Vec<Tag>,
    /// How many wait.
    jobs: i64,
    /// Since when the one that waits longest does.
    oldest_waiting_since: DateTime,
    /// Why the next one waits.
    reason: PendingReason,
}

/// How the jobs of one type ended in the last 24 hours.
#[derive(SimpleObject)]
struct ProvisionerJobStatistics {
    /// What they did.
    #[graphql(name = "type")]
    kind: ProvisionerJobType,
    /// How many ended well.
    succeeded: i64,
    /// How many ended with an error.
    failed: i64,
    /// How many ended because somebody asked for it.
    canceled: i64,
    /// Of those that succeeded or failed, the share that succeeded, 0–1; null when there are none.
    success_rate: Option<f64>,
    /// Half of them took at most so many seconds, from when a daemon took them; null when no daemon took any.
    duration_p50_seconds: Option<f64>,
    /// 95 % of them took at most so many seconds; null when no daemon took any.
    duration_p95_seconds: Option<f64>,
}

impl From<&Endings> for ProvisionerJobStatistics {
    fn from(endings: &Endings) -> Self {
        Self {
            kind: endings.kind.into(),
            succeeded: endings.succeeded,
            failed: endings.failed,
            canceled: endings.canceled,
            success_rate: rate(endings.succeeded, endings.failed),
            duration_p50_seconds: endings.p50.map(rounded),
            duration_p95_seconds: endings.p95.map(rounded),
        }
    }
}

/// Of those that succeeded or failed, the share that succeeded.
pub(super) fn rate(succeeded: i64, failed: i64) -> Option<f64> {
    let decided = succeeded + failed;
    // Counts of a day are far below what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits of a count")]
    (decided > 0).then(|| succeeded as f64 / decided as f64)
}

/// To milliseconds: SQLite's days have no more.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
