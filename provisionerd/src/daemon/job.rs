//! One job from its first line of log to its report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use guildhall_archive::Limits;
use guildhall_client::provisioner::{
    AcquiredJob, ProvisionerJobResultInput, ProvisionerTask, TaskVariable, WorkspaceBuildTask,
};
use guildhall_client::workspace_build::WorkspaceTransition;
use guildhall_client::{ClientError, Id};
use secrecy::{ExposeSecret, SecretString};

use super::report::Reporter;
use super::running::{Control, Place};
use super::server::Unsaid;
use super::work_dir::{JobDir, Record};
use super::{Daemon, outcome, recovery};
use crate::engine::{
    BuildTask, EngineError, LogLevel, LogSink, Parameter, PlanGate, Refusal, Run, Stage, StateEndpoint,
    Transition,
};

/// For a state that Terraform could not save, before the job is reported.
const RESCUE: Duration = Duration::from_secs(10 * 60);
/// The same for a job that nobody waits for any more, or a daemon that is told to end at once.
const BRIEF_RESCUE: Duration = Duration::from_secs(10);

/// For the template's archive, outages included.
const FETCH: Duration = Duration::from_secs(15 * 60);

/// Why a job did not succeed, for the person who asked for it.
#[derive(Debug)]
struct Failure {
    code: String,
    message: String,
    canceled: bool,
}

/// Whether everything of the job is at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    None,
    /// The folder holds the only copy of a state: the next start of the daemon tries again.
    State,
}

/// Runs `job`; `place` counts it among the running ones until it is reported.
pub(super) async fn run(daemon: Arc<Daemon>, job: AcquiredJob, place: Place) {
    let (id, control) = (job.id.clone(), place.control.clone());
    tracing::info!(job = id.inner(), "a job begins");
    let (sink, lines) = LogSink::new();
    sink.hide(job.token.expose_secret());
    let reporter = Reporter::new(Arc::clone(&daemon), id.clone(), control.clone(), lines);
    let reporter = tokio::spawn(reporter.run());
    let result = in_folder(&daemon, job, &control, sink).await;
    // The last sink is gone: the reporter ends when its last line is said. It reports its own troubles.
    let _ = reporter.await;
    report(&daemon, &id, &control, result).await;
}

/// Carries out the job in a folder of its own, which is gone afterwards.
async fn in_folder(
    daemon: &Arc<Daemon>,
    job: AcquiredJob,
    control: &Control,
    sink: LogSink,
) -> Result<ProvisionerJobResultInput, Failure> {
    let state = match &job.task {
        ProvisionerTask::WorkspaceBuild(task) => Some(daemon.server.client.url(&task.state_path)?),
        ProvisionerTask::TemplateImport(_) | ProvisionerTask::Unknown => None,
    };
    let id = job.id.clone();
    let record = Record { job: job.id.clone(), token: job.token.clone(), state: state.clone() };
    let dir = daemon.work_dir.create(record).map_err(|error| Failure::fault(&error))?;
    let run = Run { folder: dir.path.clone(), sink, cancel: control.interrupt.clone() };
    let result = match job.task {
        ProvisionerTask::TemplateImport(task) => {
            import(daemon, &dir, &job.token, &task.archive_path, &run).await
        }
        ProvisionerTask::WorkspaceBuild(task) => match state {
            Some(url) => {
                let state = StateEndpoint { url, token: job.token };
                build(daemon, &id, &dir, task, state, &run).await
            }
            None => Err(Failure::unknown_task()),
        },
        ProvisionerTask::Unknown => Err(Failure::unknown_task()),
    };
    let result = result.map_err(|failure| failure.seen_from(control));
    match rescue(daemon, &dir, control, &run.sink).await {
        Trace::None => dir.remove(),
        Trace::State => {}
    }
    result
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

async fn build(
    daemon: &Arc<Daemon>,
    job: &Id,
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
    let gate = quota_gate(Arc::clone(daemon), job.clone(), run.sink.clone());
    Ok(outcome::build(daemon.engine.build(&task, &dir.module(), run, &gate).await?))
}

/// Asks the server whether the quota takes what a plan costs. What is known only after the apply counts then.
fn quota_gate(daemon: Arc<Daemon>, job: Id, sink: LogSink) -> PlanGate {
    Box::new(move |cost| {
        let (daemon, job, sink) = (Arc::clone(&daemon), job.clone(), sink.clone());
        async move {
            let Some(cost) = cost else { return Ok(()) };
            sink.daemon(LogLevel::Info, Stage::Plan, &format!("The planned cost of a day is {cost}."));
            let ask = || daemon.server.client.plan_workspace_build(&job, cost);
            daemon
                .server
                .insist(ask)
                .await
                .map_err(|(Unsaid::Refused(error) | Unsaid::GaveUp(error))| refusal(&error))
        }
        .boxed()
    })
}

/// Without an answer nothing is applied: a quota that can be passed by cutting a line is none.
fn refusal(error: &ClientError) -> Refusal {
    let exceeded = match error {
        ClientError::Refused(errors) => errors.iter().find(|error| error.code().as_str() == "QUOTA_EXCEEDED"),
        _ => None,
    };
    match exceeded {
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

async fn report(
    daemon: &Daemon,
    job: &Id,
    control: &Control,
    result: Result<ProvisionerJobResultInput, Failure>,
) {
    if control.is_lost() {
        tracing::warn!(job = job.inner(), "the job is no longer this provisioner's; nothing is reported");
        return;
    }
    let client = &daemon.server.client;
    let said = match &result {
        Ok(result) => {
            tracing::info!(job = job.inner(), "the job succeeded");
            daemon.server.insist(|| client.complete_provisioner_job(job, result.clone())).await
        }
        Err(Failure { code, message, canceled }) => {
            tracing::info!(job = job.inner(), code, canceled, "the job did not succeed");
            daemon.server.insist(|| client.fail_provisioner_job(job, code, message, *canceled)).await
        }
    };
    match said {
        Ok(()) => {}
        Err(Unsaid::Refused(error)) => {
            tracing::warn!(job = job.inner(), %error, "the server did not take the result of the job");
            // A result that can't be taken, e.g. for its size, must not leave the job running for ever. If it is
            // the job that was taken away, this is refused as well.
            let message = format!("the server did not take the result of the job: {error}");
            let fail = || client.fail_provisioner_job(job, "RESULT_REFUSED", &message, false);
            let _ = daemon.server.insist(fail).await;
        }
        Err(Unsaid::GaveUp(error)) => {
            tracing::error!(job = job.inner(), %error, "the result of the job could not be delivered");
        }
    }
}

impl Failure {
    fn new(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), message, canceled: false }
    }

    fn fault(error: &dyn std::error::Error) -> Self {
        Self::new("DAEMON_FAULT", format!("the provisioner could not work: {error}"))
    }

    fn unknown_task() -> Self {
        let message = "this provisioner is too old for this kind of job: update it".to_owned();
        Self::new("UNKNOWN_TASK", message)
    }

    /// An interruption is a cancellation only if somebody asked for one; else the daemon itself ended.
    fn seen_from(self, control: &Control) -> Self {
        if !self.canceled || control.is_asked() {
            return self;
        }
        let message = "the provisioner was stopped before the job was done; what was made so far is kept";
        Self::new("DAEMON_STOPPED", message.to_owned())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let canceled = error.is_canceled();
        Self { code: error.code().to_owned(), message: error.to_string(), canceled }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new("DOWNLOAD_FAILED", format!("the template could not be fetched: {error}"))
    }
}
