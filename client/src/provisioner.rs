//! What a provisioner daemon says to the server: it registers, takes jobs, reports on them.
//!
//! Every call needs a provisioner key as the client's token. None is repeated here beyond the client's own
//! [`Retry`](crate::Retry): a daemon knows better when to try again.

use std::fmt;

use secrecy::SecretString;

use crate::answer::accepted;
use crate::provisioner_daemon::ProvisionerEngine;
use crate::workspace_build::WorkspaceTransition;
use crate::{Client, ClientError, Id, Json, MutationBuilder, UserError, schema};

mod report;

pub(crate) use report::{
    AppendProvisionerJobLogs, AppendProvisionerJobLogsVariables, CompleteProvisionerJob,
    CompleteProvisionerJobVariables, FailProvisionerJob, FailProvisionerJobVariables, PlanWorkspaceBuild,
    PlanWorkspaceBuildVariables,
};
pub use report::{
    JobFailure, JobLogInput, LogSource, ProvisionerJobResultInput, TemplateDryRunResultInput,
    TemplateImportResultInput, TemplateVariableInput, VariableRuleInput, VariableValidationInput,
    WorkspaceAppInput, WorkspaceBuildResultInput, WorkspaceMetadataInput, WorkspaceResourceInput,
};

/// How a daemon introduces itself.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct RegisterProvisionerDaemonInput {
    /// Must be the key's organization.
    pub organization: String,
    /// Slug; a daemon that comes back under its name is the same daemon.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// What it can run.
    pub engines: Vec<ProvisionerEngine>,
}

/// What the server knows the daemon by.
#[derive(Debug, Clone)]
pub struct Registration {
    /// `pd_…`, to be sent with every heartbeat.
    pub daemon: Id,
    /// Seconds between two heartbeats, if the server has a wish.
    pub heartbeat_interval_seconds: Option<i32>,
}

/// What the server wants of a daemon's running jobs.
#[derive(Debug, Clone, Default)]
pub struct Heartbeat {
    /// Interrupt these now.
    pub cancel_job_ids: Vec<Id>,
    /// No longer held: stop working on them.
    pub lost_job_ids: Vec<Id>,
}

/// What a daemon says of a job in every report: one that was taken again since is not this daemon's any more.
#[derive(Debug, Clone)]
pub struct Hold {
    /// `job_…`.
    pub job: Id,
    /// The how-manieth time it was taken.
    pub attempt: i32,
}

/// A job that is now this daemon's.
#[derive(Debug)]
pub struct AcquiredJob {
    /// `job_…`, and the how-manieth time it was taken.
    pub hold: Hold,
    /// The sequence that this daemon's part of the log begins with.
    pub next_log_sequence: i32,
    /// Secret of this job alone: Basic password (any user name) for its state, Bearer for its archive.
    pub token: SecretString,
    /// What to do.
    pub task: ProvisionerTask,
}

/// What to do.
#[derive(cynic::InlineFragments, Debug)]
pub enum ProvisionerTask {
    /// Check a template version and read its variables.
    TemplateImport(TemplateImportTask),
    /// Plan a template version with given values.
    TemplateDryRun(TemplateDryRunTask),
    /// Start, stop or delete a workspace.
    WorkspaceBuild(WorkspaceBuildTask),
    /// A kind of task that this client does not know yet.
    #[cynic(fallback)]
    Unknown,
}

/// Check a template version and read its variables.
#[derive(cynic::QueryFragment, Debug)]
pub struct TemplateImportTask {
    /// Path below the server's URL.
    pub archive_path: String,
}

/// Plan a template version with given values; nothing is made.
#[derive(cynic::QueryFragment, Debug)]
pub struct TemplateDryRunTask {
    /// Path below the server's URL.
    pub archive_path: String,
    /// Values for the module's variables.
    pub variables: Vec<TaskVariable>,
    /// Value of the reserved variable `workspace`.
    pub workspace: Json,
}

/// Start, stop or delete a workspace.
#[derive(cynic::QueryFragment, Debug)]
pub struct WorkspaceBuildTask {
    /// Path below the server's URL.
    pub archive_path: String,
    /// Terraform's HTTP backend, path below the server's URL.
    pub state_path: String,
    /// Where the workspace shall go.
    pub transition: WorkspaceTransition,
    /// Values for the module's variables.
    pub variables: Vec<TaskVariable>,
    /// Value of the reserved variable `workspace`.
    pub workspace: Json,
}

/// A value for a variable of the module.
#[derive(cynic::QueryFragment)]
pub struct TaskVariable {
    /// The variable.
    pub name: String,
    /// Text; numbers, booleans, lists and objects as JSON.
    pub value: String,
    /// Whether the value must not be shown.
    pub sensitive: bool,
}

impl fmt::Debug for TaskVariable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TaskVariable").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(cynic::InputObject)]
struct HeartbeatProvisionerDaemonInput {
    provisioner_daemon_id: Id,
    running_job_ids: Vec<Id>,
}

#[derive(cynic::InputObject)]
struct SignOffProvisionerDaemonInput {
    provisioner_daemon_id: Id,
}

#[derive(cynic::InputObject)]
struct AcquireProvisionerJobInput {
    provisioner_daemon_id: Id,
    wait_seconds: i32,
    idempotency_key: String,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RegisterProvisionerDaemonVariables {
    input: RegisterProvisionerDaemonInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RegisterProvisionerDaemonVariables")]
pub(crate) struct RegisterProvisionerDaemon {
    #[arguments(input: $input)]
    register_provisioner_daemon: Option<RegisterProvisionerDaemonPayload>,
}

#[derive(cynic::QueryFragment)]
struct RegisterProvisionerDaemonPayload {
    provisioner_daemon_id: Option<Id>,
    heartbeat_interval_seconds: Option<i32>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct HeartbeatProvisionerDaemonVariables {
    input: HeartbeatProvisionerDaemonInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "HeartbeatProvisionerDaemonVariables")]
pub(crate) struct HeartbeatProvisionerDaemon {
    #[arguments(input: $input)]
    heartbeat_provisioner_daemon: Option<HeartbeatProvisionerDaemonPayload>,
}

#[derive(cynic::QueryFragment)]
struct HeartbeatProvisionerDaemonPayload {
    cancel_job_ids: Vec<Id>,
    lost_job_ids: Vec<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SignOffProvisionerDaemonVariables {
    input: SignOffProvisionerDaemonInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SignOffProvisionerDaemonVariables")]
pub(crate) struct SignOffProvisionerDaemon {
    #[arguments(input: $input)]
    sign_off_provisioner_daemon: Option<SignOffProvisionerDaemonPayload>,
}

#[derive(cynic::QueryFragment)]
struct SignOffProvisionerDaemonPayload {
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AcquireProvisionerJobVariables {
    input: AcquireProvisionerJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AcquireProvisionerJobVariables")]
pub(crate) struct AcquireProvisionerJob {
    #[arguments(input: $input)]
    acquire_provisioner_job: Option<AcquireProvisionerJobPayload>,
}

#[derive(cynic::QueryFragment)]
struct AcquireProvisionerJobPayload {
    acquired_job: Option<AcquiredJobFragment>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AcquiredJob")]
struct AcquiredJobFragment {
    id: Id,
    attempt: i32,
    next_log_sequence: i32,
    token: String,
    task: ProvisionerTask,
}

impl Client {
    /// Introduces a daemon, new or back again.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the key is not of this organization, else as [`Client::run`].
    pub async fn register_provisioner_daemon(
        &self,
        input: RegisterProvisionerDaemonInput,
    ) -> Result<Registration, ClientError> {
        let variables = RegisterProvisionerDaemonVariables { input };
        let data = self.run(RegisterProvisionerDaemon::build(variables)).await?;
        let payload = data.register_provisioner_daemon.map(|payload| {
            let interval = payload.heartbeat_interval_seconds;
            let registration = payload
                .provisioner_daemon_id
                .map(|daemon| Registration { daemon, heartbeat_interval_seconds: interval });
            (registration, payload.user_errors)
        });
        accepted(payload)
    }

    /// Keeps a daemon and its jobs alive.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the server doesn't know the daemon, else as [`Client::run`].
    pub async fn heartbeat_provisioner_daemon(
        &self,
        daemon: &Id,
        running: Vec<Id>,
    ) -> Result<Heartbeat, ClientError> {
        let input = HeartbeatProvisionerDaemonInput {
            provisioner_daemon_id: daemon.clone(),
            running_job_ids: running,
        };
        let variables = HeartbeatProvisionerDaemonVariables { input };
        let data = self.run(HeartbeatProvisionerDaemon::build(variables)).await?;
        accepted(data.heartbeat_provisioner_daemon.map(|payload| {
            let heartbeat =
                Heartbeat { cancel_job_ids: payload.cancel_job_ids, lost_job_ids: payload.lost_job_ids };
            (Some(heartbeat), payload.user_errors)
        }))
    }

    /// Says that a daemon has ended.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the server doesn't know the daemon, else as [`Client::run`].
    pub async fn sign_off_provisioner_daemon(&self, daemon: &Id) -> Result<(), ClientError> {
        let input = SignOffProvisionerDaemonInput { provisioner_daemon_id: daemon.clone() };
        let variables = SignOffProvisionerDaemonVariables { input };
        let data = self.run(SignOffProvisionerDaemon::build(variables)).await?;
        accepted(data.sign_off_provisioner_daemon.map(|payload| (Some(()), payload.user_errors)))
    }

    /// Takes a job; `None` when none appeared within `wait_seconds` (0–8). Asked again with the same key because an answer
    /// did not arrive, it is the same job; the next job needs another key.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the server doesn't know the daemon, or when the key's job has ended, else as
    /// [`Client::run`].
    pub async fn acquire_provisioner_job(
        &self,
        daemon: &Id,
        wait_seconds: i32,
        idempotency_key: &str,
    ) -> Result<Option<AcquiredJob>, ClientError> {
        let input = AcquireProvisionerJobInput {
            provisioner_daemon_id: daemon.clone(),
            wait_seconds,
            idempotency_key: idempotency_key.to_owned(),
        };
        let data = self.run(AcquireProvisionerJob::build(AcquireProvisionerJobVariables { input })).await?;
        let acquired = accepted(
            data.acquire_provisioner_job.map(|payload| (Some(payload.acquired_job), payload.user_errors)),
        )?;
        Ok(acquired.map(|job| AcquiredJob {
            hold: Hold { job: job.id, attempt: job.attempt },
            next_log_sequence: job.next_log_sequence,
            token: job.token.into(),
            task: job.task,
        }))
    }
}
