//! The engine that runs nothing: same contract, no Terraform.

use std::path::Path;
use std::time::Duration;

use super::module::Module;
use super::{
    BuildOutcome, BuildTask, DryRunOutcome, DryRunTask, EngineError, ImportOutcome, LogLevel, PlanGate, Run,
    Stage, StateEndpoint, Transition, admit,
};
use crate::engine::terraform::{holds_resources, variables};

/// For a server that is away when it is asked for a state.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// Reads modules as the real engine does and pretends to build them.
///
/// For trying Guildhall, and its tests, where no Terraform is installed. It says so in every log. It keeps no state, so
/// what has one is Terraform's, and it refuses to touch that: what it "deletes" would be there still, and forgotten.
#[derive(Debug, Clone, Copy, Default)]
pub struct Echo;

const NOTHING_RUNS: &str = "No Terraform is installed where this provisioner runs: nothing is created.";

impl Echo {
    pub(super) async fn import(&self, module: &Path, run: &Run) -> Result<ImportOutcome, EngineError> {
        let module = read(module, run).await?;
        run.sink.daemon(LogLevel::Warn, Stage::Validate, NOTHING_RUNS);
        let (count, resources) = (module.variables.len(), module.resources.len());
        run.sink.daemon(
            LogLevel::Info,
            Stage::Validate,
            &format!("The module declares {count} variables and {resources} resources."),
        );
        Ok(ImportOutcome { readme: module.readme, variables: module.variables })
    }

    pub(super) async fn dry_run(
        &self,
        task: &DryRunTask,
        module: &Path,
        run: &Run,
    ) -> Result<DryRunOutcome, EngineError> {
        let module = read(module, run).await?;
        variables::values(&module, &task.parameters, &task.workspace, Transition::Start, &run.sink)?;
        run.sink.daemon(LogLevel::Warn, Stage::Plan, NOTHING_RUNS);
        for resource in &module.resources {
            run.sink.daemon(LogLevel::Info, Stage::Plan, &format!("{} would exist", resource.address));
        }
        Ok(DryRunOutcome { resources: module.resources, daily_cost: None })
    }

    pub(super) async fn build(
        &self,
        task: &BuildTask,
        module: &Path,
        run: &Run,
        gate: &PlanGate,
    ) -> Result<BuildOutcome, EngineError> {
        let module = read(module, run).await?;
        variables::values(&module, &task.parameters, &task.workspace, task.transition, &run.sink)?;
        refuse_terraforms(&task.state, run).await?;
        run.sink.daemon(LogLevel::Warn, Stage::Plan, NOTHING_RUNS);
        admit(gate, Some(0), run).await?;
        let (stage, verb) = match task.transition {
            Transition::Start => (Stage::Apply, "would exist"),
            Transition::Stop => (Stage::Apply, "would be as the template says for stop"),
            Transition::Delete => (Stage::Destroy, "would be gone"),
        };
        for resource in &module.resources {
            run.sink.daemon(LogLevel::Info, stage, &format!("{} {verb}", resource.address));
        }
        let resources = match task.transition {
            Transition::Delete => Vec::new(),
            Transition::Start | Transition::Stop => module.resources,
        };
        Ok(BuildOutcome { resources, ..BuildOutcome::default() })
    }
}

async fn read(module: &Path, run: &Run) -> Result<Module, EngineError> {
    if run.cancel.is_cancelled() {
        return Err(EngineError::Canceled(Stage::Setup));
    }
    super::terraform::read_module(module).await
}

/// Leaves alone what Terraform made.
async fn refuse_terraforms(state: &StateEndpoint, run: &Run) -> Result<(), EngineError> {
    let made = tokio::select! {
        made = holds_resources(state, PATIENCE) => made,
        () = run.cancel.cancelled() => return Err(EngineError::Canceled(Stage::Setup)),
    };
    match made {
        Ok(false) => Ok(()),
        Ok(true) => Err(EngineError::NeedsTerraform),
        Err(why) => {
            let message = format!("whether Terraform made this workspace can't be told: {why}");
            Err(EngineError::Step { stage: Stage::Setup, message })
        }
    }
}
