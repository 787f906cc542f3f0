//! How an organization's provisioners are.

use serde::Serialize;

use crate::answer::found;
use crate::provisioner_job::{PendingReason, ProvisionerJobType};
use crate::tag::Tag;
use crate::{Client, ClientError, DateTime, Id, QueryBuilder, schema};

/// Who is there, what waits and why, and how jobs have ended lately.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(variables = "ProvisionerHealthVariables")]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerHealth {
    /// Daemons that wait for a job.
    pub idle_daemons: i32,
    /// Daemons that hold one.
    pub busy_daemons: i32,
    /// Daemons that are not there.
    pub offline_daemons: i32,
    /// Daemons that are there with another version than the server.
    pub mismatched_daemons: i32,
    /// The daemons by key, version and tags.
    pub daemon_groups: Vec<ProvisionerDaemonGroup>,
    /// Jobs that wait.
    pub waiting_jobs: i32,
    /// Since when the job that waits longest does.
    pub oldest_waiting_since: Option<DateTime>,
    /// What waits, by tags.
    pub queues: Vec<ProvisionerQueue>,
    /// How the jobs of the last 24 hours ended.
    pub jobs: Vec<ProvisionerJobStatistics>,
    /// How jobs ended over time, the oldest period first.
    #[arguments(width: $width, last: $last)]
    pub history: Vec<ProvisionerHistoryPeriod>,
}

/// Daemons that have key, version and tags in common.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerDaemonGroup {
    /// Their key; `None` for those inside the server.
    pub key_name: Option<String>,
    /// Their version.
    pub version: String,
    /// Whether that is the server's.
    pub version_matches: bool,
    /// Their tags.
    pub tags: Vec<Tag>,
    /// How many wait for a job.
    pub idle: i32,
    /// How many hold one.
    pub busy: i32,
    /// How many are not there.
    pub offline: i32,
}

/// Jobs of one tag set that wait.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerQueue {
    /// The tags.
    pub tags: Vec<Tag>,
    /// How many wait.
    pub jobs: i32,
    /// Since when the oldest does.
    pub oldest_waiting_since: DateTime,
    /// Why the next one waits.
    pub reason: PendingReason,
}

/// How the jobs of one type ended in the last 24 hours.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerJobStatistics {
    /// What they did.
    #[cynic(rename = "type")]
    pub r#type: ProvisionerJobType,
    /// How many ended well.
    pub succeeded: i32,
    /// How many failed.
    pub failed: i32,
    /// How many were canceled.
    pub canceled: i32,
    /// The share that succeeded of those that did or failed.
    pub success_rate: Option<f64>,
    /// Half of them took at most so long.
    pub duration_p50_seconds: Option<f64>,
    /// 95 % of them took at most so long.
    pub duration_p95_seconds: Option<f64>,
}

/// An hour or a day, and how the jobs did that ended in it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerHistoryPeriod {
    /// Its first moment.
    pub start: DateTime,
    /// The first moment after it.
    pub end: DateTime,
    /// How many ended well.
    pub succeeded: i32,
    /// How many failed.
    pub failed: i32,
    /// How many were canceled.
    pub canceled: i32,
    /// The share that succeeded of those that did or failed.
    pub success_rate: Option<f64>,
    /// Half of them took at most so long.
    pub duration_p50_seconds: Option<f64>,
    /// The longest took so long.
    pub duration_max_seconds: Option<f64>,
}

/// How long each period of a history is.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionerHistoryWidth {
    /// From one full hour to the next.
    Hour,
    /// From one midnight to the next, in UTC.
    Day,
}

/// What health is asked with.
#[derive(cynic::QueryVariables, Debug)]
pub struct ProvisionerHealthVariables {
    organization: Id,
    width: ProvisionerHistoryWidth,
    last: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerHealthVariables")]
pub(crate) struct HealthOfProvisioners {
    #[arguments(by: { id: $organization })]
    organization: Option<HealthOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerHealthVariables")]
struct HealthOfOrganization {
    provisioner_health: Option<ProvisionerHealth>,
}

impl Client {
    /// How the provisioners of an organization are, with the history of the `last` hours or days.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_health(
        &self,
        organization: &Id,
        width: ProvisionerHistoryWidth,
        last: i32,
    ) -> Result<ProvisionerHealth, ClientError> {
        let variables = ProvisionerHealthVariables { organization: organization.clone(), width, last };
        let data = self.run_idempotent(HealthOfProvisioners::build(variables)).await?;
        let organization = found(data.organization, "organization", organization.inner())?;
        // Null only together with an error, which has been returned above.
        found(organization.provisioner_health, "field", "provisionerHealth")
    }
}
