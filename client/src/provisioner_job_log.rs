//! The log of a job, read piece by piece together with how far the job is.

use cynic::SubscriptionBuilder as _;
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

/// How far a job is.
#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "ProvisionerJob")]
pub struct JobStatus {
    /// How far it is.
    pub state: ProvisionerJobState,
    /// Why it failed.
    pub error: Option<JobError>,
    /// While pending: why.
    pub pending_reason: Option<PendingReason>,
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
pub(crate) struct JobLogsVariables {
    id: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "JobLogsVariables")]
pub(crate) struct JobLogs {
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

#[derive(cynic::QueryVariables)]
pub(crate) struct JobStatusVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "JobStatusVariables")]
pub(crate) struct StatusOfJob {
    #[arguments(id: $id)]
    node: Option<JobStatusNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum JobStatusNode {
    Job(JobStatus),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct JobLogVariables {
    job: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "JobLogVariables")]
pub(crate) struct LogOfJob {
    #[arguments(jobId: $job, after: $after)]
    provisioner_job_logs: Logged,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProvisionerJobLogEvent")]
struct Logged {
    cursor: String,
    log: ProvisionerJobLog,
}

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

    /// How far a job is.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when the job is missing or not visible, else as [`Client::run`].
    pub async fn job_status(&self, job: &Id) -> Result<JobStatus, ClientError> {
        let variables = JobStatusVariables { id: job.clone() };
        let status = match self.run_idempotent(StatusOfJob::build(variables)).await?.node {
            Some(JobStatusNode::Job(found)) => Some(found),
            Some(JobStatusNode::Other) | None => None,
        };
        found(status, "job", job.inner())
    }

    /// Passes the lines of a job's log to `told` as they are written, each once and in order, until the job has ended; answers
    /// how. A stream that breaks is opened again where it broke, as the [`Retry`](crate::Retry) in force says.
    ///
    /// # Errors
    /// What `told` answers; [`ClientError::GraphQl`] when the job is not visible (any more); else as [`Client::run`].
    pub async fn follow_job<E: From<ClientError>>(
        &self,
        job: &Id,
        mut told: impl FnMut(&ProvisionerJobLog) -> Result<(), E>,
    ) -> Result<JobStatus, E> {
        let from = |after| LogOfJob::build(JobLogVariables { job: job.clone(), after });
        let told = |data: LogOfJob| -> Result<Option<String>, E> {
            told(&data.provisioner_job_logs.log)?;
            Ok(Some(data.provisioner_job_logs.cursor))
        };
        self.follow(None, from, told).await?;
        let status = self.job_status(job).await?;
        // A log is at its end when its job is.
        if status.state.is_final() { Ok(status) } else { Err(ClientError::Incomplete.into()) }
    }
}
