//! Daemons report on the jobs they hold.

use std::collections::HashSet;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use guildhall_entity::json::{App, Apps, Metadata, Resource, Resources, Variables};

use super::parse_job;
use crate::credits;
use crate::dispatch::{self, Failure, Outcome};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::name;
use crate::provisioner::graphql::{LogLevel, LogSource};
use crate::provisioner::job::{self, Held, Line};
use crate::template::graphql::TemplateVariableInput;
use crate::workspace::build::Made;

/// The last sequence: a job that logs as much as it may, a byte a line, in each of its attempts, stays far below.
const SEQUENCE_MAX: i32 = 100_000_000;
/// The most lines in one call.
const LINES_MAX: usize = 1000;

/// A line of a job.
#[derive(InputObject)]
struct JobLogInput {
    /// When it was written.
    time: DateTime,
    /// How much it matters.
    level: LogLevel,
    /// Who wrote it.
    source: LogSource,
    /// What the job was at.
    stage: String,
    /// The line; what is beyond 1 KiB is cut.
    text: String,
}

/// Lines of a job.
#[derive(InputObject)]
struct AppendProvisionerJobLogsInput {
    /// The job.
    provisioner_job_id: ID,
    /// The how-manieth time the job was taken, as `AcquiredJob.attempt` says.
    #[graphql(default = 1)]
    attempt: i32,
    /// The sequence of the first line, from 1. Lines that the server has are ignored, so the call may be repeated.
    first_sequence: i32,
    /// The lines, at most 1,000; none is a sign of life.
    logs: Vec<JobLogInput>,
}

/// What `appendProvisionerJobLogs` answers.
#[derive(SimpleObject)]
struct AppendProvisionerJobLogsPayload {
    /// Whether the job must be interrupted.
    cancel_requested: bool,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What a build is going to cost.
#[derive(InputObject)]
struct PlanWorkspaceBuildInput {
    /// The build's job.
    provisioner_job_id: ID,
    /// The how-manieth time the job was taken, as `AcquiredJob.attempt` says.
    #[graphql(default = 1)]
    attempt: i32,
    /// The planned output `daily_cost`, in credits; 0–1,000,000. Null where it is known only after the apply.
    daily_cost: Option<i32>,
}

/// What `planWorkspaceBuild` answers.
#[derive(SimpleObject)]
struct PlanWorkspaceBuildPayload {
    /// Whether the plan may be applied; false when there are user errors.
    accepted: bool,
    /// What a person can fix; `QuotaExceeded` when the cost is more than is left.
    user_errors: Vec<UserError>,
}

/// A job that ended well.
#[derive(InputObject)]
struct CompleteProvisionerJobInput {
    /// The job.
    provisioner_job_id: ID,
    /// The how-manieth time the job was taken, as `AcquiredJob.attempt` says.
    #[graphql(default = 1)]
    attempt: i32,
    /// What it brought.
    result: ProvisionerJobResultInput,
}

/// What a job brought: exactly one, of the job's type.
#[derive(OneofObject)]
enum ProvisionerJobResultInput {
    /// Of a template import.
    TemplateImport(TemplateImportResultInput),
    /// Of a dry run.
    TemplateDryRun(TemplateDryRunResultInput),
    /// Of a workspace build.
    WorkspaceBuild(WorkspaceBuildResultInput),
}

/// What a dry run planned.
#[derive(InputObject)]
struct TemplateDryRunResultInput {
    /// Managed resources that would be made.
    resources: Vec<WorkspaceResourceInput>,
    /// The output `daily_cost`, in credits, 0–1,000,000; null where only an apply tells.
    daily_cost: Option<i32>,
}

/// What an import found.
#[derive(InputObject)]
struct TemplateImportResultInput {
    /// README.md; empty where there is none.
    readme: String,
    /// The module's variables, in its order.
    variables: Vec<TemplateVariableInput>,
}

/// What a build made.
#[derive(InputObject)]
struct WorkspaceBuildResultInput {
    /// Managed resources.
    resources: Vec<WorkspaceResourceInput>,
    /// The output `apps`.
    apps: Vec<WorkspaceAppInput>,
    /// The output `metadata`.
    metadata: Vec<WorkspaceMetadataInput>,
    /// The output `daily_cost`, in credits; 0–1,000,000.
    daily_cost: i32,
}

/// A managed resource.
#[derive(InputObject)]
struct WorkspaceResourceInput {
    /// Its Terraform address.
    address: String,
    /// Its Terraform type.
    #[graphql(name = "type")]
    kind: String,
    /// Its name in the module.
    name: String,
}

/// Something to open.
#[derive(InputObject)]
struct WorkspaceAppInput {
    /// What it is called.
    name: String,
    /// Where it is: `scheme://…`, but for what a browser would run, or a site path.
    url: String,
    /// An emoji, URL or site path; may be empty.
    icon: String,
}

/// Something to know.
#[derive(InputObject)]
struct WorkspaceMetadataInput {
    /// What.
    key: String,
    /// Its value.
    value: String,
}

/// What `completeProvisionerJob` answers.
#[derive(SimpleObject)]
struct CompleteProvisionerJobPayload {
    /// The job that ended; null when there are user errors.
    completed_provisioner_job_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A job that ended badly.
#[derive(InputObject)]
struct FailProvisionerJobInput {
    /// The job.
    provisioner_job_id: ID,
    /// The how-manieth time the job was taken, as `AcquiredJob.attempt` says.
    #[graphql(default = 1)]
    attempt: i32,
    /// For programs, e.g. `APPLY_FAILED`.
    code: String,
    /// For people.
    message: String,
    /// Whether it ended because it was asked to.
    #[graphql(default = false)]
    canceled: bool,
    /// Whether the daemon stops before it has applied anything, so that another one may do the job. It waits in its queue
    /// again then, unless it was taken three times or the server was told of an apply: then it ends with this error.
    #[graphql(default = false)]
    handed_back: bool,
}

/// What `failProvisionerJob` answers.
#[derive(SimpleObject)]
struct FailProvisionerJobPayload {
    /// The job that ended or was handed back; null when there are user errors.
    failed_provisioner_job_id: Option<ID>,
    /// Whether it waits in its queue again.
    requeued: bool,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What daemons call about their jobs.
#[derive(Default)]
pub(crate) struct ReportMutation;

#[Object]
impl ReportMutation {
    /// For daemons: appends lines to a job's log. May be repeated.
    async fn append_provisioner_job_logs(
        &self,
        ctx: &Context<'_>,
        input: AppendProvisionerJobLogsInput,
    ) -> Nullable<AppendProvisionerJobLogsPayload> {
        nullable(async {
            let (cancel_requested, user_errors) = outcome(append(ctx.request(), input).await)?;
            Ok(Some(AppendProvisionerJobLogsPayload {
                cancel_requested: cancel_requested.unwrap_or_default(),
                user_errors,
            }))
        })
        .await
    }

    /// For daemons: says, between plan and apply, that a build is going to be applied, and asks whether the owner's quota takes
    /// its planned cost. May be repeated.
    async fn plan_workspace_build(
        &self,
        ctx: &Context<'_>,
        input: PlanWorkspaceBuildInput,
    ) -> Nullable<PlanWorkspaceBuildPayload> {
        nullable(async {
            let (accepted, user_errors) = outcome(plan(ctx.request(), input).await)?;
            Ok(Some(PlanWorkspaceBuildPayload { accepted: accepted.is_some(), user_errors }))
        })
        .await
    }

    /// For daemons: ends a job well.
    async fn complete_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: CompleteProvisionerJobInput,
    ) -> Nullable<CompleteProvisionerJobPayload> {
        nullable(async {
            let (id, user_errors) = outcome(complete(ctx.request(), input).await)?;
            Ok(Some(CompleteProvisionerJobPayload { completed_provisioner_job_id: id, user_errors }))
        })
        .await
    }

    /// For daemons: ends a job with an error, or as canceled where that was asked for, or hands it back.
    async fn fail_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: FailProvisionerJobInput,
    ) -> Nullable<FailProvisionerJobPayload> {
        nullable(async {
            let (failed, user_errors) = outcome(fail(ctx.request(), input).await)?;
            let (id, requeued) = failed.unzip();
            let requeued = requeued.unwrap_or_default();
            Ok(Some(FailProvisionerJobPayload { failed_provisioner_job_id: id, requeued, user_errors }))
        })
        .await
    }
}

async fn append(request: &Request, input: AppendProvisionerJobLogsInput) -> Result<bool> {
    let held = held(&input.provisioner_job_id, input.attempt)?;
    if input.logs.len() > LINES_MAX {
        let message = format!("at most {LINES_MAX} lines at once, got {}", input.logs.len());
        return Err(Refusal::invalid(&["logs"], message).into());
    }
    if !(1..=SEQUENCE_MAX).contains(&input.first_sequence) {
        let message = format!("sequences start at 1 and end at {SEQUENCE_MAX}, got {}", input.first_sequence);
        return Err(Refusal::invalid(&["firstSequence"], message).into());
    }
    let line = |input: JobLogInput| Line {
        time: input.time.0,
        level: input.level.into(),
        source: input.source.into(),
        stage: input.stage,
        text: input.text,
    };
    let lines = input.logs.into_iter().map(line).collect();
    job::append_logs(&request.db, &request.actor, held, input.first_sequence, lines).await
}

async fn plan(request: &Request, input: PlanWorkspaceBuildInput) -> Result<()> {
    let held = held(&input.provisioner_job_id, input.attempt)?;
    dispatch::plan(&request.db, &request.actor, held, input.daily_cost).await
}

async fn complete(request: &Request, input: CompleteProvisionerJobInput) -> Result<ID> {
    let held = held(&input.provisioner_job_id, input.attempt)?;
    let outcome = match input.result {
        ProvisionerJobResultInput::TemplateImport(result) => {
            Outcome::Import { readme: result.readme, variables: variables(result.variables)? }
        }
        ProvisionerJobResultInput::TemplateDryRun(result) => Outcome::DryRun {
            daily_cost: result
                .daily_cost
                .map(|cost| credits::checked(&["result", "templateDryRun", "dailyCost"], cost))
                .transpose()?,
            resources: resources(result.resources),
        },
        ProvisionerJobResultInput::WorkspaceBuild(result) => Outcome::Build(made(result)?),
    };
    dispatch::complete(&request.db, &request.actor, held, outcome).await?;
    Ok(input.provisioner_job_id)
}

fn variables(found: Vec<TemplateVariableInput>) -> Result<Variables> {
    let parse = |(at, variable): (usize, TemplateVariableInput)| {
        variable.parse(&["result", "templateImport", "variables", &at.to_string()])
    };
    let variables = found.into_iter().enumerate().map(parse).collect::<Result<Vec<_>, Refusal>>()?;
    let mut names = HashSet::new();
    if let Some(at) = variables.iter().position(|variable| !names.insert(variable.name.as_str())) {
        let field = ["result", "templateImport", "variables", &at.to_string(), "name"];
        return Err(Refusal::invalid(&field, "another variable has this name").into());
    }
    Ok(Variables(variables))
}

fn resources(found: Vec<WorkspaceResourceInput>) -> Resources {
    let resource = |input: WorkspaceResourceInput| Resource {
        address: input.address,
        r#type: input.kind,
        name: input.name,
    };
    Resources(found.into_iter().map(resource).collect())
}

fn made(result: WorkspaceBuildResultInput) -> Result<Made> {
    let app = |(at, input): (usize, WorkspaceAppInput)| {
        let at = at.to_string();
        let field = |name| ["result", "workspaceBuild", "apps", &at, name];
        let (url, icon) = (name::link(&field("url"), &input.url)?, name::icon(&field("icon"), &input.icon)?);
        Ok(App { name: input.name, url, icon })
    };
    let apps = result.apps.into_iter().enumerate().map(app).collect::<Result<_, Refusal>>()?;
    Ok(Made {
        resources: resources(result.resources),
        apps: Apps(apps),
        metadata: Metadata(result.metadata.into_iter().map(|input| (input.key, input.value)).collect()),
        daily_cost: credits::checked(&["result", "workspaceBuild", "dailyCost"], result.daily_cost)?,
    })
}

async fn fail(request: &Request, input: FailProvisionerJobInput) -> Result<(ID, bool)> {
    let held = held(&input.provisioner_job_id, input.attempt)?;
    let code: String = input.code.chars().filter(|c| !c.is_control()).take(64).collect();
    let message: String = input.message.chars().filter(|c| *c != '\0').take(4000).collect();
    let failure =
        Failure { code: &code, message: &message, canceled: input.canceled, handed_back: input.handed_back };
    let requeued = dispatch::fail(&request.db, &request.actor, held, failure).await?;
    Ok((input.provisioner_job_id, requeued))
}

fn held(job: &ID, attempt: i32) -> Result<Held> {
    Ok(Held { job: parse_job(job)?, attempt })
}
