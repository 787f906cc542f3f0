//! What a job asks of an engine, and the two engines that answer: [`Terraform`] and [`Echo`].
//!
//! The engine owns the module's folder while a job runs and nothing else: it knows neither the server's API nor
//! the daemon's settings. What it writes for people goes to the [`LogSink`]; what it finds comes back as an outcome.

mod echo;
mod error;
mod log;
mod mask;
pub mod module;
pub mod terraform;

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use reqwest::Url;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use self::echo::Echo;
pub use self::error::{EngineError, Refusal, Stage};
pub use self::log::{LogLevel, LogLine, LogSink, LogSource};
pub use self::mask::Mask;
pub use self::terraform::Terraform;
use crate::engine::module::Variable;

/// The program that carries out jobs.
#[derive(Debug, Clone)]
pub enum Engine {
    /// Runs a real `terraform` or `tofu`.
    Terraform(Terraform),
    /// Runs nothing and says so.
    Echo(Echo),
}

impl Engine {
    /// Reads a template's module: checks it and finds its variables and its readme.
    ///
    /// # Errors
    /// The module is refused ([`EngineError::Module`], [`EngineError::Step`]), the job was canceled, or the
    /// machine failed.
    pub async fn import(&self, module: &Path, run: &Run) -> Result<ImportOutcome, EngineError> {
        match self {
            Self::Terraform(terraform) => terraform.import(module, run).await,
            Self::Echo(echo) => echo.import(module, run).await,
        }
    }

    /// Plans the module with the task's values, as for a workspace that is not there yet.
    ///
    /// # Errors
    /// As [`import`](Self::import); also a parameter that doesn't fit its variable.
    pub async fn dry_run(
        &self,
        task: &DryRunTask,
        module: &Path,
        run: &Run,
    ) -> Result<DryRunOutcome, EngineError> {
        match self {
            Self::Terraform(terraform) => terraform.dry_run(task, module, run).await,
            Self::Echo(echo) => echo.dry_run(task, module, run).await,
        }
    }

    /// Brings the workspace to where the task says, starting from the state the server keeps.
    ///
    /// # Errors
    /// As [`import`](Self::import); also a parameter that doesn't fit its variable, and a refusal by `gate`.
    pub async fn build(
        &self,
        task: &BuildTask,
        module: &Path,
        run: &Run,
        gate: &PlanGate,
    ) -> Result<BuildOutcome, EngineError> {
        match self {
            Self::Terraform(terraform) => terraform.build(task, module, run, gate).await,
            Self::Echo(echo) => echo.build(task, module, run, gate).await,
        }
    }
}

/// What all kinds of job are given.
#[derive(Debug)]
pub struct Run {
    /// The job's private folder: home, temporary files and output of what runs. The module lies inside.
    pub folder: PathBuf,
    /// Takes the lines that people read.
    pub sink: LogSink,
    /// Interrupts the job: SIGINT to its process group, SIGKILL after the grace.
    pub cancel: CancellationToken,
}

/// A plan of a template version.
#[derive(Debug)]
pub struct DryRunTask {
    /// Values for the module's variables, as text.
    pub parameters: Vec<Parameter>,
    /// Value of the reserved variable `workspace`, given if the module declares it.
    pub workspace: serde_json::Value,
}

/// A workspace build.
#[derive(Debug)]
pub struct BuildTask {
    /// Where the workspace shall go.
    pub transition: Transition,
    /// Values for the module's variables, as text.
    pub parameters: Vec<Parameter>,
    /// Value of the reserved variable `workspace`, given if the module declares it.
    pub workspace: serde_json::Value,
    /// Where the state is kept.
    pub state: StateEndpoint,
}

/// Where a workspace build leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Plan and apply; `workspace.transition` is `start`.
    Start,
    /// Plan and apply as well: the template decides by `workspace.transition` = `stop` what goes.
    Stop,
    /// Plan and apply a destroy.
    Delete,
}

impl Transition {
    /// `start`, `stop` or `delete`: what a template compares with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Delete => "delete",
        }
    }
}

/// A value for one variable of the module.
#[derive(Debug)]
pub struct Parameter {
    /// The variable.
    pub name: String,
    /// Text; numbers, booleans, lists and objects as JSON.
    pub value: SecretString,
    /// Whether the value must not appear in logs, whatever the module says.
    pub sensitive: bool,
}

/// Terraform's HTTP backend for one job.
#[derive(Debug, Clone)]
pub struct StateEndpoint {
    /// Answers GET, POST, LOCK and UNLOCK.
    pub url: Url,
    /// Password for Basic authentication; the user name is free.
    pub token: SecretString,
}

/// Asked between plan and apply with the planned daily cost (`None`: not known before the apply); may refuse.
pub type PlanGate = Box<dyn Fn(Option<i32>) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;

/// Asks whether a plan may be applied. That a job was canceled meanwhile is the answer that counts, whatever the server says
/// of its plan.
async fn admit(gate: &PlanGate, cost: Option<i32>, run: &Run) -> Result<(), EngineError> {
    let accepted = gate(cost).await;
    if run.cancel.is_cancelled() {
        return Err(EngineError::Canceled(Stage::Plan));
    }
    Ok(accepted?)
}

/// What an import found.
#[derive(Debug, PartialEq)]
pub struct ImportOutcome {
    /// Text of `README.md`; empty if there is none.
    pub readme: String,
    /// The module's variables but for the reserved `workspace`, in the order of their declaration.
    pub variables: Vec<Variable>,
}

/// What a dry run found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DryRunOutcome {
    /// Everything that would be managed, by address.
    pub resources: Vec<Resource>,
    /// Output `daily_cost`, rounded up; `None` if there is none, or if it is known only after the apply.
    pub daily_cost: Option<i32>,
}

/// What a build left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BuildOutcome {
    /// Everything the state manages, by address.
    pub resources: Vec<Resource>,
    /// Output `apps`.
    pub apps: Vec<App>,
    /// Output `metadata`, by key.
    pub metadata: Vec<(String, String)>,
    /// Output `daily_cost`, rounded up; 0 if there is none.
    pub daily_cost: i32,
}

/// A managed resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// For example `module.vm.terraform_data.disk[0]`.
    pub address: String,
    /// For example `terraform_data`.
    pub kind: String,
    /// For example `disk`.
    pub name: String,
}

/// Something a person can open in the running workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// What it is called.
    pub name: String,
    /// Where it is: with a scheme that runs nothing, or a path of the server's site.
    pub url: String,
    /// An emoji, an `https:` URL or a site path; empty if there is none.
    pub icon: String,
}
