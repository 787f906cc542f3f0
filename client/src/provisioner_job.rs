//! Jobs: what daemons do.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::tag::Tag;
use crate::user::UserRef;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A piece of work for a daemon.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerJob {
    /// `job_…`.
    pub id: Id,
    /// What is to be done.
    #[cynic(rename = "type")]
    pub r#type: ProvisionerJobType,
    /// How far it is.
    pub state: ProvisionerJobState,
    /// Tags that the daemon must carry.
    pub tags: Vec<Tag>,
    /// Who asked for it.
    pub initiator: Option<UserRef>,
    /// Who does or did it.
    pub daemon: Option<DaemonRef>,
    /// How often it was begun.
    pub attempts: i32,
    /// When it was created.
    pub created_at: DateTime,
    /// When it was begun.
    pub started_at: Option<DateTime>,
    /// When it ended.
    pub completed_at: Option<DateTime>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// While pending: 1 = next.
    pub position: Option<i32>,
    /// While pending: why.
    pub pending_reason: Option<PendingReason>,
}

/// A job as what it is about names it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "ProvisionerJob")]
#[serde(rename_all = "camelCase")]
pub struct JobOutcome {
    /// `job_…`.
    pub id: Id,
    /// How far it is.
    pub state: ProvisionerJobState,
    /// When it ended.
    pub completed_at: Option<DateTime>,
    /// Why it failed.
    pub error: Option<JobError>,
}

/// A daemon as a job names it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "ProvisionerDaemon")]
pub struct DaemonRef {
    /// `pd_…`.
    pub id: Id,
    /// Name that it gave itself.
    pub name: String,
}

/// Why a job failed.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "ProvisionerJobError")]
pub struct JobError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Why a job waits.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct PendingReason {
    /// For programs.
    pub code: PendingReasonCode,
    /// For people.
    pub message: String,
    /// Tags that no daemon carries.
    pub tags: Vec<Tag>,
}

/// Kinds of reasons to wait.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum PendingReasonCode {
    /// The organization never had a daemon.
    NoDaemon,
    /// None of its daemons is there.
    AllOffline,
    /// No daemon carries the tags of the job.
    TagsUnmatched,
    /// Every daemon that could do it does something else.
    AllBusy,
    /// It is about to be taken.
    Queued,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// What a job does.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerJobType {
    /// Checks a template version and reads its variables.
    TemplateImport,
    /// Plans a template version with values.
    TemplateDryRun,
    /// Starts, stops or deletes a workspace.
    WorkspaceBuild,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// How far a job is.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerJobState {
    /// Waits for a daemon.
    Pending,
    /// A daemon does it.
    Running,
    /// It was asked to end.
    Canceling,
    /// It is done.
    Succeeded,
    /// It went wrong.
    Failed,
    /// It ended because it was asked to.
    Canceled,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

impl ProvisionerJobState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// How much a line of a log matters.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum LogLevel {
    /// Detail of detail.
    Trace,
    /// Detail.
    Debug,
    /// Progress.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

#[derive(cynic::InputObject)]
struct CancelProvisionerJobInput {
    provisioner_job_id: Id,
}

/// Which jobs; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct ProvisionerJobFilter {
    /// In this state.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub state: Option<ProvisionerJobState>,
    /// Of this type.
    #[cynic(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ProvisionerJobType>,
    /// Started by this user.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub initiator_id: Option<Id>,
}

/// An order of jobs.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionerJobOrder {
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ProvisionerJobsVariables {
    organization: Id,
    filter: ProvisionerJobFilter,
    order: ProvisionerJobOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerJobsVariables")]
pub(crate) struct ProvisionerJobs {
    #[arguments(by: { id: $organization })]
    organization: Option<ProvisionerJobsOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerJobsVariables")]
struct ProvisionerJobsOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    provisioner_jobs: ProvisionerJobConnection,
}

connection!(ProvisionerJobConnection, ProvisionerJob);

#[derive(cynic::QueryVariables)]
pub(crate) struct CancelProvisionerJobVariables {
    input: CancelProvisionerJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CancelProvisionerJobVariables")]
pub(crate) struct CancelProvisionerJob {
    #[arguments(input: $input)]
    cancel_provisioner_job: Option<CancelProvisionerJobPayload>,
}

#[derive(cynic::QueryFragment)]
struct CancelProvisionerJobPayload {
    provisioner_job: Option<ProvisionerJob>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The jobs of an organization that the token may see.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_jobs(
        &self,
        organization: &Id,
        filter: &ProvisionerJobFilter,
        order: ProvisionerJobOrder,
        after: Option<String>,
    ) -> Result<Page<ProvisionerJob>, ClientError> {
        let variables = ProvisionerJobsVariables {
            organization: organization.clone(),
            filter: filter.clone(),
            order,
            after,
        };
        let data = self.run_idempotent(ProvisionerJobs::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.provisioner_jobs.into())
    }

    /// Asks a job to end.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn cancel_provisioner_job(&self, job: &Id) -> Result<ProvisionerJob, ClientError> {
        let input = CancelProvisionerJobInput { provisioner_job_id: job.clone() };
        let data = self.run(CancelProvisionerJob::build(CancelProvisionerJobVariables { input })).await?;
        accepted(data.cancel_provisioner_job.map(|payload| (payload.provisioner_job, payload.user_errors)))
    }
}
