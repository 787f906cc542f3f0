//! What daemons call, and the canceling of jobs.

use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject, Union};
use guildhall_entity::id::{ProvisionerDaemonId, ProvisionerJobId};
use guildhall_entity::json::{App, Apps, Engines, Metadata, Resource, Resources, Variables};
use secrecy::ExposeSecret;

use super::{Outcome, Task};
use crate::error::{Error, Refusal, Result};
use crate::events::EventKind;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::{DateTime, Json};
use crate::organization;
use crate::provisioner::graphql::{
    LogLevel, LogSource, ProvisionerEngine, ProvisionerJob, ProvisionerJobType,
};
use crate::provisioner::job::{self, Line};
use crate::provisioner::{JobRow, daemon};
use crate::template::graphql::TemplateVariableInput;
use crate::workspace::build::Made;
use crate::workspace::graphql::WorkspaceTransition;

/// How often a daemon must say that it is alive, in seconds.
const HEARTBEAT: i32 = 30;
/// The longest wait for a job in one call, in seconds: less than a request may take.
const WAIT_MAX: i32 = 8;
/// The most lines in one call.
const LINES_MAX: usize = 1000;

/// A daemon that registers.
#[derive(InputObject)]
struct RegisterProvisionerDaemonInput {
    /// The name of the organization that it means to serve; must be its key's.
    organization: String,
    /// 1–64 characters; one daemon a key has a name, and is the same one when it comes back.
    name: String,
    /// The version of its program.
    version: String,
    /// What it can run.
    engines: Vec<ProvisionerEngine>,
}

/// What `registerProvisionerDaemon` answers.
#[derive(SimpleObject)]
struct RegisterProvisionerDaemonPayload {
    /// The daemon's id, for its other calls; null when there are user errors.
    provisioner_daemon_id: Option<ID>,
    /// How often to call `heartbeatProvisionerDaemon`, in seconds.
    heartbeat_interval_seconds: Option<i32>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A sign of life.
#[derive(InputObject)]
struct HeartbeatProvisionerDaemonInput {
    /// The daemon.
    provisioner_daemon_id: ID,
    /// Jobs that it works on; this keeps them alive.
    running_job_ids: Vec<ID>,
}

/// What `heartbeatProvisionerDaemon` answers.
#[derive(SimpleObject)]
struct HeartbeatProvisionerDaemonPayload {
    /// Jobs to interrupt now.
    cancel_job_ids: Vec<ID>,
    /// Jobs that it no longer holds: stop working on them and reporting.
    lost_job_ids: Vec<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A daemon that wants work.
#[derive(InputObject)]
struct AcquireProvisionerJobInput {
    /// The daemon.
    provisioner_daemon_id: ID,
    /// How long the answer may wait for a job to appear, 0–8 seconds.
    #[graphql(default = 0)]
    wait_seconds: i32,
}

/// What `acquireProvisionerJob` answers.
#[derive(SimpleObject)]
struct AcquireProvisionerJobPayload {
    /// The job it holds from now on; null when there is nothing to do.
    acquired_job: Option<AcquiredJob>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A job that a daemon has taken.
struct AcquiredJob {
    row: JobRow,
    token: String,
    task: Task,
}

/// A job that a daemon has taken.
#[Object]
impl AcquiredJob {
    /// `job_…`
    pub(crate) async fn id(&self) -> ID {
        self.row.id.to_string().into()
    }

    /// What it does.
    #[graphql(name = "type")]
    async fn kind(&self) -> ProvisionerJobType {
        self.row.kind.into()
    }

    /// The secret of this job alone: bearer token for its archive, Basic password (any user name) for its state.
    async fn token(&self) -> &str {
        &self.token
    }

    /// What to do.
    async fn task(&self) -> ProvisionerTask {
        match &self.task {
            Task::Import { file } => {
                ProvisionerTask::Import(TemplateImportTask { archive_path: format!("/files/{file}") })
            }
            Task::Build { file, transition, values, workspace } => {
                let value = |value: &super::task::TaskValue| TaskVariable {
                    name: value.name.clone(),
                    value: value.value.clone(),
                    sensitive: value.sensitive,
                };
                ProvisionerTask::Build(WorkspaceBuildTask {
                    archive_path: format!("/files/{file}"),
                    state_path: format!("/provisioner-jobs/{}/state", self.row.id),
                    transition: (*transition).into(),
                    variables: values.iter().map(value).collect(),
                    workspace: Json(workspace.clone()),
                })
            }
        }
    }
}

/// What to do.
#[derive(Union)]
enum ProvisionerTask {
    Import(TemplateImportTask),
    Build(WorkspaceBuildTask),
}

/// Read a module: check it and find its variables.
#[derive(SimpleObject)]
struct TemplateImportTask {
    /// Where its archive is: a path below the server's URL.
    archive_path: String,
}

/// Build a workspace.
#[derive(SimpleObject)]
struct WorkspaceBuildTask {
    /// Where the module's archive is: a path below the server's URL.
    archive_path: String,
    /// Where the Terraform state is (GET, POST, LOCK, UNLOCK): a path below the server's URL.
    state_path: String,
    /// What to do.
    transition: WorkspaceTransition,
    /// Values for the module's variables.
    variables: Vec<TaskVariable>,
    /// The value of the reserved variable `workspace`: id, name, transition, owner, organization.
    workspace: Json,
}

/// A value for a variable.
#[derive(SimpleObject)]
struct TaskVariable {
    /// The variable.
    name: String,
    /// Its value as text.
    value: String,
    /// Whether it must not be shown.
    sensitive: bool,
}

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

/// A job that ended well.
#[derive(InputObject)]
struct CompleteProvisionerJobInput {
    /// The job.
    provisioner_job_id: ID,
    /// What it brought.
    result: ProvisionerJobResultInput,
}

/// What a job brought: exactly one, of the job's type.
#[derive(OneofObject)]
enum ProvisionerJobResultInput {
    /// Of a template import.
    TemplateImport(TemplateImportResultInput),
    /// Of a workspace build.
    WorkspaceBuild(WorkspaceBuildResultInput),
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
    /// The output `daily_cost`, in credits; 0 or more.
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
    /// Where it is.
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
    /// For programs, e.g. `APPLY_FAILED`.
    code: String,
    /// For people.
    message: String,
    /// Whether it ended because it was asked to.
    #[graphql(default = false)]
    canceled: bool,
}

/// What `failProvisionerJob` answers.
#[derive(SimpleObject)]
struct FailProvisionerJobPayload {
    /// The job that ended; null when there are user errors.
    failed_provisioner_job_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A job to cancel.
#[derive(InputObject)]
struct CancelProvisionerJobInput {
    /// The job.
    provisioner_job_id: ID,
}

/// What `cancelProvisionerJob` answers.
#[derive(SimpleObject)]
struct CancelProvisionerJobPayload {
    /// The job as it is now; null when there are user errors.
    provisioner_job: Option<ProvisionerJob>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What daemons call, and the canceling of jobs.
#[derive(Default)]
pub(crate) struct DispatchMutation;

#[Object]
impl DispatchMutation {
    /// Cancels a job: one that waits at once, one that runs is told to stop. Needs `PROVISIONER_JOB_CANCEL`.
    async fn cancel_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: CancelProvisionerJobInput,
    ) -> Nullable<CancelProvisionerJobPayload> {
        nullable(async {
            let (provisioner_job, user_errors) =
                outcome(cancel(ctx.request(), &input.provisioner_job_id).await)?;
            Ok(Some(CancelProvisionerJobPayload { provisioner_job, user_errors }))
        })
        .await
    }

    /// For daemons: registers one for the organization of its key.
    async fn register_provisioner_daemon(
        &self,
        ctx: &Context<'_>,
        input: RegisterProvisionerDaemonInput,
    ) -> Nullable<RegisterProvisionerDaemonPayload> {
        nullable(async {
            let (id, user_errors) = outcome(register(ctx.request(), input).await)?;
            Ok(Some(RegisterProvisionerDaemonPayload {
                heartbeat_interval_seconds: id.is_some().then_some(HEARTBEAT),
                provisioner_daemon_id: id,
                user_errors,
            }))
        })
        .await
    }

    /// For daemons: says that one is alive and works on its jobs.
    async fn heartbeat_provisioner_daemon(
        &self,
        ctx: &Context<'_>,
        input: HeartbeatProvisionerDaemonInput,
    ) -> Nullable<HeartbeatProvisionerDaemonPayload> {
        nullable(async {
            let request = ctx.request();
            let jobs: Vec<ProvisionerJobId> =
                input.running_job_ids.iter().filter_map(|id| id.parse().ok()).collect();
            let id = parse_daemon(&input.provisioner_daemon_id)?;
            let orders = daemon::heartbeat(&request.db, &request.actor, id, &jobs).await?;
            let ids =
                |jobs: Vec<ProvisionerJobId>| jobs.into_iter().map(|id| id.to_string().into()).collect();
            Ok(Some(HeartbeatProvisionerDaemonPayload {
                cancel_job_ids: ids(orders.cancel),
                lost_job_ids: ids(orders.lost),
                user_errors: Vec::new(),
            }))
        })
        .await
    }

    /// For daemons: takes the next job that one may run, waiting for it a while.
    async fn acquire_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: AcquireProvisionerJobInput,
    ) -> Nullable<AcquireProvisionerJobPayload> {
        nullable(async {
            let (acquired, user_errors) = outcome(acquire(ctx.request(), input).await)?;
            Ok(Some(AcquireProvisionerJobPayload { acquired_job: acquired.flatten(), user_errors }))
        })
        .await
    }

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

    /// For daemons: ends a job with an error, or as canceled where that was asked for.
    async fn fail_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: FailProvisionerJobInput,
    ) -> Nullable<FailProvisionerJobPayload> {
        nullable(async {
            let (id, user_errors) = outcome(fail(ctx.request(), input).await)?;
            Ok(Some(FailProvisionerJobPayload { failed_provisioner_job_id: id, user_errors }))
        })
        .await
    }
}

fn parse_job(id: &ID) -> Result<ProvisionerJobId> {
    id.parse().map_err(|_| Refusal::not_found(&["provisionerJobId"], "provisioner job").into())
}

fn parse_daemon(id: &ID) -> Result<ProvisionerDaemonId> {
    id.parse()
        .map_err(|_| Error::Conflict("`provisionerDaemonId` is no id of a daemon; register first".into()))
}

async fn cancel(request: &Request, id: &ID) -> Result<ProvisionerJob> {
    request.signed_in()?;
    let id = parse_job(id)?;
    let not_found = || Refusal::not_found(&["provisionerJobId"], "provisioner job");
    let row = request.find(id).await?.ok_or_else(not_found)?;
    super::cancel(&request.db, &request.actor, &row).await?;
    Ok(request.get(id).await?.into())
}

async fn register(request: &Request, input: RegisterProvisionerDaemonInput) -> Result<ID> {
    let caller = daemon::Caller::of(&request.actor)?;
    let served = organization::name_of(&request.db, caller.organization).await?;
    if served != input.organization.trim().to_lowercase() {
        // The key's own organization is no secret from who holds the key.
        let message = format!(
            "this key belongs to the organization `{served}`; use its name, or a key of the other one"
        );
        return Err(Refusal::invalid(&["organization"], message).into());
    }
    if input.engines.is_empty() {
        return Err(Refusal::invalid(&["engines"], "a daemon can run at least one engine").into());
    }
    let engines = Engines(input.engines.into_iter().map(Into::into).collect());
    let id = daemon::register(&request.db, &request.actor, &input.name, &input.version, engines).await?;
    Ok(id.to_string().into())
}

async fn acquire(request: &Request, input: AcquireProvisionerJobInput) -> Result<Option<AcquiredJob>> {
    let caller = daemon::Caller::of(&request.actor)?;
    if !(0..=WAIT_MAX).contains(&input.wait_seconds) {
        let message = format!("between 0 and {WAIT_MAX} seconds, got {}", input.wait_seconds);
        return Err(Refusal::invalid(&["waitSeconds"], message).into());
    }
    let id = parse_daemon(&input.provisioner_daemon_id)?;
    // Listen before looking, so that a job queued in between is not missed.
    let mut queued = request.db.hub().listen();
    let deadline =
        tokio::time::Instant::now() + Duration::from_secs(u64::from(input.wait_seconds.unsigned_abs()));
    loop {
        if let Some((row, token)) = job::acquire(&request.db, &request.actor, id).await? {
            let task = super::task(&request.db, &request.app.sealer, &row).await?;
            return Ok(Some(AcquiredJob { row, token: token.expose_secret().to_owned(), task }));
        }
        loop {
            let event = tokio::select! {
                event = queued.next() => event,
                () = tokio::time::sleep_until(deadline) => return Ok(None),
                () = request.app.draining.cancelled() => return Ok(None),
            };
            let concerns = event.is_none_or(|event| {
                event.kind == EventKind::JobQueued && event.organization == Some(caller.organization)
            });
            if concerns {
                break;
            }
        }
    }
}

async fn append(request: &Request, input: AppendProvisionerJobLogsInput) -> Result<bool> {
    let id = parse_job(&input.provisioner_job_id)?;
    if input.logs.len() > LINES_MAX {
        let message = format!("at most {LINES_MAX} lines at once, got {}", input.logs.len());
        return Err(Refusal::invalid(&["logs"], message).into());
    }
    let last = input.first_sequence.checked_add(i32::try_from(input.logs.len()).unwrap_or(i32::MAX));
    if input.first_sequence < 1 || last.is_none() {
        return Err(Refusal::invalid(&["firstSequence"], "sequences start at 1").into());
    }
    let line = |input: JobLogInput| Line {
        time: input.time.0,
        level: input.level.into(),
        source: input.source.into(),
        stage: input.stage,
        text: input.text,
    };
    let lines = input.logs.into_iter().map(line).collect();
    job::append_logs(&request.db, &request.actor, id, input.first_sequence, lines).await
}

async fn complete(request: &Request, input: CompleteProvisionerJobInput) -> Result<ID> {
    let id = parse_job(&input.provisioner_job_id)?;
    let outcome = match input.result {
        ProvisionerJobResultInput::TemplateImport(result) => Outcome::Import {
            readme: result.readme,
            variables: Variables(result.variables.into_iter().map(Into::into).collect()),
        },
        ProvisionerJobResultInput::WorkspaceBuild(result) => Outcome::Build(made(result)?),
    };
    super::complete(&request.db, &request.actor, id, outcome).await?;
    Ok(input.provisioner_job_id)
}

fn made(result: WorkspaceBuildResultInput) -> Result<Made> {
    if result.daily_cost < 0 {
        return Err(
            Refusal::invalid(&["result", "workspaceBuild", "dailyCost"], "a cost is 0 or more").into()
        );
    }
    let resource = |input: WorkspaceResourceInput| Resource {
        address: input.address,
        r#type: input.kind,
        name: input.name,
    };
    let app = |input: WorkspaceAppInput| App { name: input.name, url: input.url, icon: input.icon };
    Ok(Made {
        resources: Resources(result.resources.into_iter().map(resource).collect()),
        apps: Apps(result.apps.into_iter().map(app).collect()),
        metadata: Metadata(result.metadata.into_iter().map(|input| (input.key, input.value)).collect()),
        daily_cost: result.daily_cost,
    })
}

async fn fail(request: &Request, input: FailProvisionerJobInput) -> Result<ID> {
    let id = parse_job(&input.provisioner_job_id)?;
    let code: String = input.code.chars().filter(|c| !c.is_control()).take(64).collect();
    let message: String = input.message.chars().filter(|c| *c != '\0').take(4000).collect();
    super::fail(&request.db, &request.actor, id, &code, &message, input.canceled).await?;
    Ok(input.provisioner_job_id)
}
