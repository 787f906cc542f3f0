//! The engine that runs a real `terraform` or `tofu`.

mod diagnostic;
mod discovery;
mod environment;
mod message;
mod outputs;
mod process;
mod seam;
mod session;
mod state;
mod tail;
pub(crate) mod variables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Map, Value};

pub use self::discovery::DiscoveryError;
use self::session::Session;
pub(super) use self::state::holds_resources;
pub use self::state::{ERRORED_STATE, RescueError, rescue};
use super::module::{BACKEND_FILE, Module};
use super::{
    BuildOutcome, BuildTask, DryRunOutcome, DryRunTask, EngineError, ImportOutcome, LogLevel, PlanGate, Run,
    Stage, Transition, admit,
};

/// Folder for temporary files, inside the job's.
const TEMPORARY: &str = "tmp";
/// Sorts after every name that a person would choose: the last variable file wins.
const VARIABLES_FILE: &str = "~guildhall.auto.tfvars.json";
const PLAN_FILE: &str = "guildhall.tfplan";

/// An installed Terraform or OpenTofu.
#[derive(Debug, Clone)]
pub struct Terraform {
    program: PathBuf,
    version: String,
    /// Old ones know `-json` for everything but `init`.
    init_speaks_json: bool,
    options: Options,
}

/// How Terraform is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// From SIGINT to SIGKILL.
    pub grace: Duration,
    /// A folder that jobs share for the providers they download (`TF_PLUGIN_CACHE_DIR`).
    pub plugin_cache: Option<PathBuf>,
    /// Terraform's own configuration, e.g. a mirror of providers (`TF_CLI_CONFIG_FILE`).
    pub cli_config: Option<PathBuf>,
    /// How often Terraform repeats a call to the state that the server didn't answer, with waits of 1, 2, 4, …
    /// up to 10 s. After that it leaves the state to the daemon, which is more patient.
    pub state_retries: u32,
    /// Bytes of memory of its own that each process of a job may have; default: no limit. Linux only.
    pub memory: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(60),
            plugin_cache: None,
            cli_config: None,
            state_retries: 4,
            memory: None,
        }
    }
}

impl Terraform {
    /// The version it says it has, e.g. `1.11.4`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    pub(super) async fn import(&self, folder: &Path, run: &Run) -> Result<ImportOutcome, EngineError> {
        let module = read_module(folder).await?;
        // Whatever backend the module names, an import keeps its hands off it.
        let session = Session::open(self, folder, run, "local", None).await?;
        session.init().await?;
        session.validate().await?;
        let required = module.required();
        if required.is_empty() {
            session.write_variables(&variables::sample(&module, &run.sink)).await?;
            session.plan(&["-lock=false"]).await?;
        } else {
            let why = format!(
                "The plan is left out: {} has no default. Each workspace gives its own value.",
                required.join(", ")
            );
            run.sink.daemon(LogLevel::Info, Stage::Plan, &why);
        }
        Ok(ImportOutcome { readme: module.readme, variables: module.variables })
    }

    pub(super) async fn dry_run(
        &self,
        task: &DryRunTask,
        folder: &Path,
        run: &Run,
    ) -> Result<DryRunOutcome, EngineError> {
        let module = read_module(folder).await?;
        let values =
            variables::values(&module, &task.parameters, &task.workspace, Transition::Start, &run.sink)?;
        let session = Session::open(self, folder, run, "local", None).await?;
        session.write_variables(&values).await?;
        session.init().await?;
        session.plan(&["-lock=false"]).await?;
        let plan = session.planned().await?;
        Ok(DryRunOutcome { daily_cost: plan.daily_cost(), resources: plan.resources() })
    }

    pub(super) async fn build(
        &self,
        task: &BuildTask,
        folder: &Path,
        run: &Run,
        gate: &PlanGate,
    ) -> Result<BuildOutcome, EngineError> {
        let module = read_module(folder).await?;
        // Terraform and what it runs have it in their environment.
        run.sink.hide(task.state.token.expose_secret());
        let values =
            variables::values(&module, &task.parameters, &task.workspace, task.transition, &run.sink)?;
        let session = Session::open(self, folder, run, "http", Some(&task.state)).await?;
        session.write_variables(&values).await?;
        session.init().await?;
        let destroy = task.transition == Transition::Delete;
        session.plan(if destroy { &["-destroy"] } else { &[] }).await?;
        let cost = if destroy { Some(0) } else { session.planned().await?.daily_cost() };
        admit(gate, cost, run).await?;
        session.apply(if destroy { Stage::Destroy } else { Stage::Apply }).await?;
        if destroy {
            return Ok(BuildOutcome::default());
        }
        let outputs: Map<String, Value> = session.outputs().await?;
        let outcome = outputs::understand(&outputs, &run.sink);
        Ok(BuildOutcome { resources: session.resources().await?, ..outcome })
    }
}

/// Reads a module away from the threads that serve other jobs.
pub(super) async fn read_module(folder: &Path) -> Result<Module, EngineError> {
    let path = folder.to_owned();
    match tokio::task::spawn_blocking(move || Module::read(&path)).await {
        Ok(module) => Ok(module?),
        Err(panic) => Err(EngineError::io(folder)(std::io::Error::other(panic))),
    }
}
