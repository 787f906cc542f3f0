//! What a daemon says of a job that it holds: its log, and how it ended.

use super::Hold;
use crate::answer::accepted;
use crate::provisioner_job::LogLevel;
use crate::{Client, ClientError, DateTime, Id, Json, MutationBuilder, UserError, schema};

/// One line of a job's log.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct JobLogInput {
    /// When it was written.
    pub time: DateTime,
    /// How much it matters.
    pub level: LogLevel,
    /// Who speaks.
    pub source: LogSource,
    /// The step it belongs to, e.g. `Apply`.
    pub stage: String,
    /// At most 1 KiB.
    pub text: String,
}

/// Who speaks in a job's log.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    /// The daemon.
    ProvisionerDaemon,
    /// What it runs.
    Provisioner,
}

/// Why a job did not succeed.
#[derive(Debug, Clone)]
pub struct JobFailure {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// It ended because it was asked to.
    pub canceled: bool,
    /// The daemon stops before it has applied anything: another one may do it.
    pub handed_back: bool,
}

/// What a job that succeeded found or made.
#[derive(cynic::InputObject, Debug, Clone)]
pub enum ProvisionerJobResultInput {
    /// Of a template import.
    TemplateImport(TemplateImportResultInput),
    /// Of a dry run.
    TemplateDryRun(TemplateDryRunResultInput),
    /// Of a workspace build.
    WorkspaceBuild(WorkspaceBuildResultInput),
}

/// What a dry run planned.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct TemplateDryRunResultInput {
    /// Everything that would be made.
    pub resources: Vec<WorkspaceResourceInput>,
    /// Cost of a day, where the plan says.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub daily_cost: Option<i32>,
}

/// What an import found.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct TemplateImportResultInput {
    /// Markdown; empty if there is none.
    pub readme: String,
    /// The module's variables.
    pub variables: Vec<TemplateVariableInput>,
}

/// A variable of a module.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct TemplateVariableInput {
    /// Label of the block.
    pub name: String,
    /// Type expression of Terraform.
    #[cynic(rename = "type")]
    pub type_expression: String,
    /// Empty if there is none.
    pub description: String,
    /// `None` if there is none; `null` is one.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// Whether a value must be given.
    pub required: bool,
    /// Whether the value must not be shown.
    pub sensitive: bool,
    /// Whether `null` is a value.
    pub nullable: bool,
    /// Whether the value is for one build.
    pub ephemeral: bool,
    /// Rules in order.
    pub validations: Vec<VariableValidationInput>,
    /// For people; empty if there is none.
    pub display_name: String,
    /// An emoji, an `https:` URL, a site path, or empty.
    pub icon: String,
    /// Place in forms and lists.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// Whether it stays as it was when the workspace was made.
    pub immutable: bool,
}

/// A rule for the values of a variable.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct VariableValidationInput {
    /// Expression of Terraform.
    pub condition: String,
    /// What to tell who broke it.
    pub error_message: String,
    /// What of the condition can be told without Terraform.
    pub rules: Vec<VariableRuleInput>,
}

/// A rule that a condition holds.
#[derive(cynic::InputObject, Debug, Clone)]
pub enum VariableRuleInput {
    /// One of these.
    OneOf(Vec<Json>),
    /// A number that is not less.
    AtLeast(f64),
    /// A number that is more.
    MoreThan(f64),
    /// A number that is not more.
    AtMost(f64),
    /// A number that is less.
    LessThan(f64),
    /// A whole number.
    Whole(bool),
    /// At least so long.
    LengthAtLeast(i32),
    /// At most so long.
    LengthAtMost(i32),
    /// A text with a match of this regular expression.
    Pattern(String),
}

/// What a build made.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct WorkspaceBuildResultInput {
    /// Everything the state manages.
    pub resources: Vec<WorkspaceResourceInput>,
    /// What a person can open.
    pub apps: Vec<WorkspaceAppInput>,
    /// What a person may want to know.
    pub metadata: Vec<WorkspaceMetadataInput>,
    /// Cost of a day.
    pub daily_cost: i32,
}

/// A managed resource.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct WorkspaceResourceInput {
    /// Address in the state.
    pub address: String,
    /// Type of Terraform.
    #[cynic(rename = "type")]
    pub kind: String,
    /// Name in the module.
    pub name: String,
}

/// Something to open.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct WorkspaceAppInput {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// An emoji or URL; empty if there is none.
    pub icon: String,
}

/// Something to know.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct WorkspaceMetadataInput {
    /// What it is about.
    pub key: String,
    /// What it says.
    pub value: String,
}

#[derive(cynic::InputObject)]
struct AppendProvisionerJobLogsInput {
    provisioner_job_id: Id,
    attempt: i32,
    first_sequence: i32,
    logs: Vec<JobLogInput>,
}

#[derive(cynic::InputObject)]
struct CompleteProvisionerJobInput {
    provisioner_job_id: Id,
    attempt: i32,
    result: ProvisionerJobResultInput,
}

#[derive(cynic::InputObject)]
struct FailProvisionerJobInput {
    provisioner_job_id: Id,
    attempt: i32,
    code: String,
    message: String,
    canceled: bool,
    handed_back: bool,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AppendProvisionerJobLogsVariables {
    input: AppendProvisionerJobLogsInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AppendProvisionerJobLogsVariables")]
pub(crate) struct AppendProvisionerJobLogs {
    #[arguments(input: $input)]
    append_provisioner_job_logs: Option<AppendProvisionerJobLogsPayload>,
}

#[derive(cynic::QueryFragment)]
struct AppendProvisionerJobLogsPayload {
    cancel_requested: bool,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct PlanWorkspaceBuildInput {
    provisioner_job_id: Id,
    attempt: i32,
    daily_cost: Option<i32>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct PlanWorkspaceBuildVariables {
    input: PlanWorkspaceBuildInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "PlanWorkspaceBuildVariables")]
pub(crate) struct PlanWorkspaceBuild {
    #[arguments(input: $input)]
    plan_workspace_build: Option<PlanWorkspaceBuildPayload>,
}

#[derive(cynic::QueryFragment)]
struct PlanWorkspaceBuildPayload {
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CompleteProvisionerJobVariables {
    input: CompleteProvisionerJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CompleteProvisionerJobVariables")]
pub(crate) struct CompleteProvisionerJob {
    #[arguments(input: $input)]
    complete_provisioner_job: Option<CompleteProvisionerJobPayload>,
}

#[derive(cynic::QueryFragment)]
struct CompleteProvisionerJobPayload {
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct FailProvisionerJobVariables {
    input: FailProvisionerJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "FailProvisionerJobVariables")]
pub(crate) struct FailProvisionerJob {
    #[arguments(input: $input)]
    fail_provisioner_job: Option<FailProvisionerJobPayload>,
}

#[derive(cynic::QueryFragment)]
struct FailProvisionerJobPayload {
    user_errors: Vec<UserError>,
}

impl Client {
    /// Adds lines to a job's log, the first of them with number `first_sequence` (from 1); lines that the server
    /// has already are ignored, so that the call may be repeated. Answers whether the job must be interrupted.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the job is not held by this key's daemon, else as [`Client::run`].
    pub async fn append_provisioner_job_logs(
        &self,
        hold: &Hold,
        first_sequence: i32,
        logs: Vec<JobLogInput>,
    ) -> Result<bool, ClientError> {
        let input = AppendProvisionerJobLogsInput {
            provisioner_job_id: hold.job.clone(),
            attempt: hold.attempt,
            first_sequence,
            logs,
        };
        let variables = AppendProvisionerJobLogsVariables { input };
        let data = self.run(AppendProvisionerJobLogs::build(variables)).await?;
        accepted(
            data.append_provisioner_job_logs
                .map(|payload| (Some(payload.cancel_requested), payload.user_errors)),
        )
    }

    /// Says that a planned build is going to be applied, and asks whether it may be at this cost a day (`None`: known only
    /// after the apply).
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the quota does not take it or the job is not held by this key's daemon, else as
    /// [`Client::run`].
    pub async fn plan_workspace_build(
        &self,
        hold: &Hold,
        daily_cost: Option<i32>,
    ) -> Result<(), ClientError> {
        let input = PlanWorkspaceBuildInput {
            provisioner_job_id: hold.job.clone(),
            attempt: hold.attempt,
            daily_cost,
        };
        let data = self.run(PlanWorkspaceBuild::build(PlanWorkspaceBuildVariables { input })).await?;
        accepted(data.plan_workspace_build.map(|payload| (Some(()), payload.user_errors)))
    }

    /// Reports that a job succeeded.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the job is not held by this key's daemon, else as [`Client::run`].
    pub async fn complete_provisioner_job(
        &self,
        hold: &Hold,
        result: ProvisionerJobResultInput,
    ) -> Result<(), ClientError> {
        let input = CompleteProvisionerJobInput {
            provisioner_job_id: hold.job.clone(),
            attempt: hold.attempt,
            result,
        };
        let data = self.run(CompleteProvisionerJob::build(CompleteProvisionerJobVariables { input })).await?;
        accepted(data.complete_provisioner_job.map(|payload| (Some(()), payload.user_errors)))
    }

    /// Reports that a job failed, ended because it was asked to, or is handed back.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the job is not held by this key's daemon, else as [`Client::run`].
    pub async fn fail_provisioner_job(&self, hold: &Hold, failure: &JobFailure) -> Result<(), ClientError> {
        let input = FailProvisionerJobInput {
            provisioner_job_id: hold.job.clone(),
            attempt: hold.attempt,
            code: failure.code.clone(),
            message: failure.message.clone(),
            canceled: failure.canceled,
            handed_back: failure.handed_back,
        };
        let data = self.run(FailProvisionerJob::build(FailProvisionerJobVariables { input })).await?;
        accepted(data.fail_provisioner_job.map(|payload| (Some(()), payload.user_errors)))
    }
}
