//! The log of a job, read piece by piece together with how far the job is.

use serde::Serialize;

use crate::answer::{connection, found};
use crate::provisioner_job::{JobError, LogLevel, PendingReason, ProvisionerJobState};
use crate::{Client, ClientError, DateTime, Id, Page, QueryBuilder, schema};

/// A line of a job's log.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct ProvisionerJobLog {
    /// Its number, from 1.
    pub sequence: i32,
    /// When it was written.
    pub time: DateTime,
    /// How much it matters.
    pub level: LogLevel,
    /// The step it belongs to, e.g. `Apply`.
    pub stage: String,
    /// The line.
    pub text: String,
}

/// The state of a job, read before its next log lines: when the state is final and the page is the last one,
/// nothing more will come.
#[derive(Debug)]
pub struct JobProgress {
    /// How far the job is.
    pub state: ProvisionerJobState,
    /// Why it failed.
    pub error: Option<JobError>,
    /// While pending: why.
    pub pending_reason: Option<PendingReason>,
    /// The lines after the cursor.
    pub logs: Page<ProvisionerJobLog>,
}

#[derive(cynic::QueryVariables)]
struct JobLogsVariables {
    id: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "JobLogsVariables")]
struct JobLogs {
    #[arguments(id: $id)]
    node: Option<JobLogsNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "JobLogsVariables")]
enum JobLogsNode {
    Job(JobWithLogs),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProvisionerJob", variables = "JobLogsVariables")]
struct JobWithLogs {
    state: ProvisionerJobState,
    error: Option<JobError>,
    pending_reason: Option<PendingReason>,
    #[arguments(first: 100, after: $after)]
    logs: ProvisionerJobLogConnection,
}

connection!(ProvisionerJobLogConnection, ProvisionerJobLog);

impl Client {
    /// The state of a job and the lines of its log after the cursor `after`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when the job is missing or not visible, else as [`Client::run`].
    pub async fn job_progress(&self, job: &Id, after: Option<String>) -> Result<JobProgress, ClientError> {
        let variables = JobLogsVariables { id: job.clone(), after };
        let job_with_logs = match self.run_idempotent(JobLogs::build(variables)).await?.node {
            Some(JobLogsNode::Job(found)) => Some(found),
            Some(JobLogsNode::Other) | None => None,
        };
        let JobWithLogs { state, error, pending_reason, logs } = found(job_with_logs, "job", job.inner())?;
        Ok(JobProgress { state, error, pending_reason, logs: logs.into() })
    }
}
