//! One job from its first line of log to its report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use guildhall_archive::Limits;
use guildhall_client::provisioner::{
    AcquiredJob, Hold, JobFailure, ProvisionerJobResultInput, ProvisionerTask, TaskVariable,
    TemplateDryRunTask, WorkspaceBuildTask,
};
use guildhall_client::workspace_build::WorkspaceTransition;
use guildhall_client::{ClientError, UserError};
use secrecy::{ExposeSecret, SecretString};

use super::report::Reporter;
use super::running::{Control, Place};
use super::server::Unsaid;
use super::work_dir::{JobDir, Record};
use super::{Daemon, outcome, recovery};
use crate::engine::{
    BuildTask, DryRunTask, EngineError, LogLevel, LogSink, Parameter, PlanGate, Refusal, Run, Stage,
    StateEndpoint, Transition,
};

/// For a state that Terraform could not save, before the job is reported.
const RESCUE: Duration = Duration::from_secs(10 * 60);
/// The same for a job that nobody waits for any more, or a daemon that is told to end at once.
const BRIEF_RESCUE: Duration = Duration::from_secs(10);

/// For the template's archive, outages included.
const FETCH: Duration = Duration::from_secs(15 * 60);

/// Why a job did not succeed, for the person who asked for it.
#[derive(Debug)]
pub(super) struct Failure(JobFailure);

/// Whether everything of the job is at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    None,
    /// The folder holds the only copy of a state: the next start of the daemon tries again.
    State,
}

/// Makes the folder of a job that `question` was answered with.
pub(super) fn folder(daemon: &Daemon, job: &AcquiredJob, question: &str) -> Result<JobDir, Failure> {
    let state = match &job.task {
        ProvisionerTask::WorkspaceBuild(task) => Some(daemon.server.client.url(&task.state_path)?),
        ProvisionerTask::TemplateImport(_)
        | ProvisionerTask::TemplateDryRun(_)
        | ProvisionerTask::Unknown => None,
    };
    let record = Record {
        hold: job.hold.clone(),
        token: job.token.clone(),
        state,
        question: Some(question.to_owned()),
    };
    daemon.work_dir.create(record).map_err(|error| Failure::fault(&error))
}

/// Gives back a job that came when no more were to be taken; `false` when nobody listened.
pub(super) async fn hand_back(daemon: &Daemon, hold: &Hold, place: &Place) -> bool {
    let message = "the provisioner was stopped before it began the job";
    report(daemon, hold, &place.control, Err(Failure::stopped(message))).await
}

/// Runs `job` in its folder; `place` counts it among the running ones until it is reported.
pub(super) async fn run(daemon: Arc<Daemon>, job: AcquiredJob, dir: Result<JobDir, Failure>, place: Place) {
    let (hold, control) = (job.hold.clone(), place.control.clone());
    tracing::info!(job = hold.job.inner(), attempt = hold.attempt, "a job begins");
    let dir = match dir {
        Ok(dir) => dir,
        Err(failure) => {
            report(&daemon, &hold, &control, Err(failure)).await;
            return;
        }
    };
    let (sink, lines) = LogSink::new();
    sink.hide(job.token.expose_secret());
    let next = job.next_log_sequence;
    let reporter = Reporter::new(Arc::clone(&daemon), hold.clone(), control.clone(), (next, lines));
    let reporter = tokio::spawn(reporter.run());
    let (result, trace) = match daemon.settings.job_timeout {
        Some(limit) => {
            let result = in_folder(&daemon, job, &dir, &control, sink);
            tokio::pin!(result);
            tokio::select! {
                result = &mut result => result,
                () = tokio::time::sleep(limit) => {
                    control.time_out();
                    result.await
                }
            }
        }
        None => in_folder(&daemon, job, &dir, &control, sink).await,
    };
    // The last sink is gone: the reporter ends when its last line is said. It reports its own troubles.
    let _ = reporter.await;
    // A daemon that dies before the end is told leaves the folder, so that its next life tells it.
    if report(&daemon, &hold, &control, result).await && trace == Trace::None {
        dir.remove();
    }
}

/// Carries out the job in its folder, of which only the record is left afterwards.
async fn in_folder(
    daemon: &Arc<Daemon>,
    job: AcquiredJob,
    dir: &JobDir,
    control: &Control,
    sink: LogSink,
) -> (Result<ProvisionerJobResultInput, Failure>, Trace) {
    let state = dir.record.as_ref().and_then(Record::endpoint);
    let run = Run { folder: dir.path.clone(), sink, cancel: control.interrupt.clone() };
    let result = match job.task {
        ProvisionerTask::TemplateImport(task) => {
            import(daemon, dir, &job.token, &task.archive_path, &run).await
        }
        ProvisionerTask::TemplateDryRun(task) => dry_run(daemon, dir, &job.token, task, &run).await,
        ProvisionerTask::WorkspaceBuild(task) => match state {
            Some(state) => build(daemon, &job.hold, dir, task, state, &run).await,
            None => Err(Failure::unknown_task()),
        },
        ProvisionerTask::Unknown => Err(Failure::unknown_task()),
    };
    let result = result.map_err(|failure| failure.seen_from(daemon, control));
    let trace = rescue(daemon, dir, control, &run.sink).await;
    if trace == Trace::None {
        dir.clear();
    }
    (result, trace)
}

async fn import(
    daemon: &Daemon,
    dir: &JobDir,
    token: &SecretString,
    archive: &str,
    run: &Run,
) -> Result<ProvisionerJobResultInput, Failure> {
    fetch(daemon, dir, token, archive, run).await?;
    Ok(outcome::import(daemon.engine.import(&dir.module(), run).await?))
}

async fn dry_run(
    daemon: &Daemon,
    dir: &JobDir,
    token: &SecretString,
    task: TemplateDryRunTask,
    run: &Run,
) -> Result<ProvisionerJobResultInput, Failure> {
    fetch(daemon, dir, token, &task.archive_path, run).await?;
    let task = DryRunTask {
        parameters: task.variables.into_iter().map(parameter).collect(),
        workspace: task.workspace,
    };
    Ok(outcome::dry_run(daemon.engine.dry_run(&task, &dir.module(), run).await?))
}

async fn build(
    daemon: &Arc<Daemon>,
    hold: &Hold,
    dir: &JobDir,
    task: WorkspaceBuildTask,
    state: StateEndpoint,
    run: &Run,
) -> Result<ProvisionerJobResultInput, Failure> {
    fetch(daemon, dir, &state.token, &task.archive_path, run).await?;
    let task = BuildTask {
        transition: match task.transition {
            WorkspaceTransition::Start => Transition::Start,
            WorkspaceTransition::Stop => Transition::Stop,
            WorkspaceTransition::Delete => Transition::Delete,
            WorkspaceTransition::Other(_) => return Err(Failure::unknown_task()),
        },
        parameters: task.variables.into_iter().map(parameter).collect(),
        workspace: task.workspace,
        state,
    };
    let gate = plan_gate(Arc::clone(daemon), hold.clone(), run.sink.clone());
    Ok(outcome::build(daemon.engine.build(&task, &dir.module(), run, &gate).await?))
}

/// Tells the server that a plan is going to be applied, and asks whether the quota takes what it costs. What is known only
/// after the apply counts then.
fn plan_gate(daemon: Arc<Daemon>, hold: Hold, sink: LogSink) -> PlanGate {
    Box::new(move |cost| {
        let (daemon, hold, sink) = (Arc::clone(&daemon), hold.clone(), sink.clone());
        async move {
            if let Some(cost) = cost {
                sink.daemon(LogLevel::Info, Stage::Plan, &format!("The planned cost of a day is {cost}."));
            }
            let ask = || daemon.server.client.plan_workspace_build(&hold, cost);
            let answer = daemon.server.insist(ask).await;
            if let Err(Unsaid::Refused(error)) = &answer
                && complaint(error, "CONFLICT").is_some()
                && let Some(control) = daemon.running.get(&hold.job)
            {
                // Somebody cancels it, as the next heartbeat would tell.
                control.ask();
            }
            answer.map_err(|(Unsaid::Refused(error) | Unsaid::GaveUp(error))| refusal(&error))
        }
        .boxed()
    })
}

/// What a plan was refused with, if that has this code.
fn complaint<'a>(error: &'a ClientError, code: &str) -> Option<&'a UserError> {
    match error {
        ClientError::Refused(errors) => errors.iter().find(|error| error.code().as_str() == code),
        _ => None,
    }
}

/// Without an answer nothing is applied: a quota that can be passed by cutting a line is none.
fn refusal(error: &ClientError) -> Refusal {
    match complaint(error, "QUOTA_EXCEEDED") {
        Some(error) => Refusal { code: "QUOTA_EXCEEDED".to_owned(), message: error.message().to_owned() },
        None => Refusal {
            code: "PLAN_REFUSED".to_owned(),
            message: format!("the server did not accept the plan: {error}"),
        },
    }
}

fn parameter(variable: TaskVariable) -> Parameter {
    Parameter { name: variable.name, value: variable.value.into(), sensitive: variable.sensitive }
}

/// Downloads the template's archive and unpacks it behind the guard.
async fn fetch(
    daemon: &Daemon,
    dir: &JobDir,
    token: &SecretString,
    path: &str,
    run: &Run,
) -> Result<(), Failure> {
    run.sink.daemon(LogLevel::Info, Stage::Setup, "Fetching the template.");
    let (archive, limits) = (dir.archive(), Limits::default());
    let download = daemon.server.insist(|| download(daemon, &archive, token, path, limits.max_archive_bytes));
    let downloaded = tokio::select! {
        downloaded = download => downloaded,
        () = run.cancel.cancelled() => return Err(EngineError::Canceled(Stage::Setup).into()),
        () = tokio::time::sleep(FETCH) => {
            let message = format!("the template could not be fetched within {} minutes", FETCH.as_secs() / 60);
            return Err(Failure::new("DOWNLOAD_FAILED", message));
        }
    };
    downloaded.map_err(|(Unsaid::Refused(error) | Unsaid::GaveUp(error))| Failure::from(error))?;
    let module = dir.module();
    let unpacked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&archive).map_err(|error| Failure::fault(&error))?;
        guildhall_archive::unpack(std::io::BufReader::new(file), &module, &limits)
            .map_err(|error| Failure::new("INVALID_ARCHIVE", error.to_string()))?;
        std::fs::remove_file(&archive).map_err(|error| Failure::fault(&error))
    });
    unpacked.await.map_err(|panic| Failure::fault(&panic))?
}

async fn download(
    daemon: &Daemon,
    archive: &Path,
    token: &SecretString,
    path: &str,
    limit: u64,
) -> Result<(), ClientError> {
    let mut file = tokio::fs::File::create(archive)
        .await
        .map_err(|source| ClientError::Io { path: archive.to_owned(), source })?;
    daemon.server.client.download(path, Some(token), limit, &mut file).await?;
    Ok(())
}

/// Saves what Terraform could not, before the folder goes.
async fn rescue(daemon: &Daemon, dir: &JobDir, control: &Control, sink: &LogSink) -> Trace {
    let brief = control.is_lost() || daemon.shutdown.abort.is_cancelled();
    match recovery::rescue(daemon, dir, if brief { BRIEF_RESCUE } else { RESCUE }).await {
        Ok(None) => Trace::None,
        Ok(Some(note)) => {
            sink.daemon(LogLevel::Warn, Stage::Cleanup, &note);
            Trace::None
        }
        Err(problem) => {
            sink.daemon(LogLevel::Error, Stage::Cleanup, &problem);
            Trace::State
        }
    }
}

/// Tells how the job ended; `false` when nobody listened.
async fn report(
    daemon: &Daemon,
    hold: &Hold,
    control: &Control,
    result: Result<ProvisionerJobResultInput, Failure>,
) -> bool {
    let job = hold.job.inner();
    if control.is_lost() {
        tracing::warn!(job, "the job is no longer this provisioner's; nothing is reported");
        return true;
    }
    let client = &daemon.server.client;
    let said = match &result {
        Ok(result) => {
            tracing::info!(job, "the job succeeded");
            daemon.server.insist(|| client.complete_provisioner_job(hold, result.clone())).await
        }
        Err(Failure(failure)) => {
            let JobFailure { code, canceled, handed_back, .. } = failure;
            tracing::info!(job, code, canceled, handed_back, "the job did not succeed");
            daemon.server.insist(|| client.fail_provisioner_job(hold, failure)).await
        }
    };
    match said {
        Ok(()) => true,
        Err(Unsaid::Refused(error)) => {
            tracing::warn!(job, %error, "the server did not take the result of the job");
            // A result that can't be taken, e.g. for its size, must not leave the job running for ever. If it is
            // the job that was taken away, this is refused as well.
            let message = format!("the server did not take the result of the job: {error}");
            let Failure(failure) = Failure::new("RESULT_REFUSED", message);
            let said = daemon.server.insist(|| client.fail_provisioner_job(hold, &failure)).await;
            !matches!(said, Err(Unsaid::GaveUp(_)))
        }
        Err(Unsaid::GaveUp(error)) => {
            tracing::error!(job, %error, "the result of the job could not be delivered");
            false
        }
    }
}

impl Failure {
    fn new(code: &str, message: String) -> Self {
        Self(JobFailure { code: code.to_owned(), message, canceled: false, handed_back: false })
    }

    fn fault(error: &dyn std::error::Error) -> Self {
        Self::new("DAEMON_FAULT", format!("the provisioner could not work: {error}"))
    }

    fn unknown_task() -> Self {
        let message = "this provisioner is too old for this kind of job: update it".to_owned();
        Self::new("UNKNOWN_TASK", message)
    }

    /// An interruption is a cancellation only if somebody asked for one; else the job took too long, or the daemon itself
    /// ends. What it has not begun to apply then, another one may do: the server knows.
    fn seen_from(self, daemon: &Daemon, control: &Control) -> Self {
        if !self.0.canceled || control.is_asked() {
            return self;
        }
        if let Some(limit) = daemon.settings.job_timeout.filter(|_| control.is_timed_out()) {
            let limit = limit.as_secs();
            let message = format!(
                "the job was stopped because it took longer than {limit} s, which is all that this provisioner \
                         gives one (`--job-timeout`); what was made so far is kept"
            );
            return Self::new("JOB_TIMEOUT", message);
        }
        Self::stopped("the provisioner was stopped before the job was done; what was made so far is kept")
    }

    fn stopped(message: &str) -> Self {
        let Self(stopped) = Self::new("DAEMON_STOPPED", message.to_owned());
        Self(JobFailure { handed_back: true, ..stopped })
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let canceled = error.is_canceled();
        Self(JobFailure {
            code: error.code().to_owned(),
            message: error.to_string(),
            canceled,
            handed_back: false,
        })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new("DOWNLOAD_FAILED", format!("the template could not be fetched: {error}"))
    }
}
