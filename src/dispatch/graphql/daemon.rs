//! Daemons register, stay alive and take jobs.

use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union};
use guildhall_entity::id::{ProvisionerDaemonId, ProvisionerJobId};
use guildhall_entity::json::Engines;
use secrecy::ExposeSecret;

use crate::authz::Resource;
use crate::dispatch::{self, Task};
use crate::error::{Error, Refusal, Result};
use crate::events::{Kind, Record};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::once::check_key;
use crate::graphql::scalar::Json;
use crate::organization;
use crate::provisioner::graphql::{ProvisionerEngine, ProvisionerJobType};
use crate::provisioner::job::Question;
use crate::provisioner::{JobRow, daemon, job};
use crate::workspace::graphql::WorkspaceTransition;

/// How often a daemon must say that it is alive, in seconds.
const HEARTBEAT: i32 = 30;
/// The longest wait for a job in one call, in seconds: less than a request may take.
const WAIT_MAX: i32 = 8;

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

/// A daemon that ends.
#[derive(InputObject)]
struct SignOffProvisionerDaemonInput {
    /// The daemon.
    provisioner_daemon_id: ID,
}

/// What `signOffProvisionerDaemon` answers.
#[derive(SimpleObject)]
struct SignOffProvisionerDaemonPayload {
    /// The daemon that is offline now.
    provisioner_daemon_id: ID,
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
    /// Names this question, e.g. a UUID; 1–100 printable ASCII characters without spaces. Should the answer get lost, ask
    /// again with it: the job that was given is given again. Take a new one once you were given a job. Without one, a
    /// job whose answer got lost is found by nobody for five minutes.
    idempotency_key: Option<String>,
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

    /// The how-manieth time it was taken, from 1: to be said in every report on it.
    async fn attempt(&self) -> i32 {
        self.row.attempts
    }

    /// The sequence of the first line of its log that this daemon writes: 1, or more where another one began it.
    async fn next_log_sequence(&self, ctx: &Context<'_>) -> Result<i32> {
        job::next_sequence(&ctx.request().db, self.row.id).await
    }

    /// What to do.
    async fn task(&self) -> ProvisionerTask {
        match &self.task {
            Task::Import { file } => {
                ProvisionerTask::Import(TemplateImportTask { archive_path: format!("/files/{file}") })
            }
            Task::DryRun { file, values, workspace } => ProvisionerTask::DryRun(TemplateDryRunTask {
                archive_path: format!("/files/{file}"),
                variables: values.iter().map(TaskVariable::from).collect(),
                workspace: Json(workspace.clone()),
            }),
            Task::Build { file, transition, values, workspace } => {
                ProvisionerTask::Build(WorkspaceBuildTask {
                    archive_path: format!("/files/{file}"),
                    state_path: format!("/provisioner-jobs/{}/state", self.row.id),
                    transition: (*transition).into(),
                    variables: values.iter().map(TaskVariable::from).collect(),
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
    DryRun(TemplateDryRunTask),
    Build(WorkspaceBuildTask),
}

/// Read a module: check it and find its variables.
#[derive(SimpleObject)]
struct TemplateImportTask {
    /// Where its archive is: a path below the server's URL.
    archive_path: String,
}

/// Plan a module with given values: nothing is made, no state is read or kept.
#[derive(SimpleObject)]
struct TemplateDryRunTask {
    /// Where the module's archive is: a path below the server's URL.
    archive_path: String,
    /// Values for the module's variables.
    variables: Vec<TaskVariable>,
    /// The value of the reserved variable `workspace`: id, name, transition, owner, organization.
    workspace: Json,
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

impl From<&dispatch::TaskValue> for TaskVariable {
    fn from(value: &dispatch::TaskValue) -> Self {
        Self { name: value.name.clone(), value: value.value.clone(), sensitive: value.sensitive }
    }
}

/// What daemons call for work.
#[derive(Default)]
pub(crate) struct DaemonMutation;

#[Object]
impl DaemonMutation {
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

    /// For daemons: says that one ends, so that nobody waits for it. It is OFFLINE at once, until it registers, sends a
    /// heartbeat or asks for a job again.
    async fn sign_off_provisioner_daemon(
        &self,
        ctx: &Context<'_>,
        input: SignOffProvisionerDaemonInput,
    ) -> Nullable<SignOffProvisionerDaemonPayload> {
        nullable(async {
            let request = ctx.request();
            let id = parse_daemon(&input.provisioner_daemon_id)?;
            daemon::sign_off(&request.db, &request.actor, id).await?;
            Ok(Some(SignOffProvisionerDaemonPayload {
                provisioner_daemon_id: input.provisioner_daemon_id,
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
}

fn parse_daemon(id: &ID) -> Result<ProvisionerDaemonId> {
    id.parse()
        .map_err(|_| Error::Conflict("`provisionerDaemonId` is no id of a daemon; register first".into()))
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
    let daemon = parse_daemon(&input.provisioner_daemon_id)?;
    input.idempotency_key.as_deref().map(check_key).transpose()?;
    let key = input.idempotency_key.as_deref().map(|key| (key, &request.app.job_tokens));
    let question = Question { daemon, key };
    // Listen before looking, so that a job queued in between is not missed.
    let mut told = request.db.hub().records();
    let deadline =
        tokio::time::Instant::now() + Duration::from_secs(u64::from(input.wait_seconds.unsigned_abs()));
    loop {
        if let Some((row, token)) = job::acquire(&request.db, &request.actor, question).await? {
            let Some(task) =
                dispatch::task_or_end(&request.db, &request.actor, &request.app.sealer, &row).await?
            else {
                continue;
            };
            return Ok(Some(AcquiredJob { row, token: token.expose_secret().to_owned(), task }));
        }
        loop {
            let records = tokio::select! {
                records = told.next() => records,
                () = tokio::time::sleep_until(deadline) => return Ok(None),
                () = request.app.draining.cancelled() => return Ok(None),
            };
            let is_queued = |record: &Record| {
                record.resource == Some(Resource::ProvisionerJob)
                    && record.kind == Some(Kind::Created)
                    && record.organization == Some(caller.organization)
            };
            if records.is_none_or(|records| records.iter().any(is_queued)) {
                break;
            }
        }
    }
}
