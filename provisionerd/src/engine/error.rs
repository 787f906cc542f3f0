//! Why a job could not be carried out.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::engine::module::ModuleError;

/// A step of the engine as people see it in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Fetching and unpacking the module.
    Setup,
    /// Backend, providers and modules.
    Init,
    /// Checking the module.
    Validate,
    /// Working out what would change.
    Plan,
    /// Changing it.
    Apply,
    /// Taking everything down.
    Destroy,
    /// Reading outputs and resources.
    Outputs,
    /// Saving what a failed job left.
    Cleanup,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Setup => "Setup",
            Self::Init => "Init",
            Self::Validate => "Validate",
            Self::Plan => "Plan",
            Self::Apply => "Apply",
            Self::Destroy => "Destroy",
            Self::Outputs => "Outputs",
            Self::Cleanup => "Cleanup",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The answer of a plan gate that stops a build before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs, e.g. `QUOTA_EXCEEDED`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Why a job could not be carried out; the message is meant for the person who asked for the job.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The job was interrupted as asked.
    #[error("the job was canceled during {0}")]
    Canceled(Stage),
    /// The module can't be used.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A value doesn't fit the variable it is meant for.
    #[error("parameter `{name}`: {reason}")]
    Parameter {
        /// The variable.
        name: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A step of Terraform failed.
    #[error("{stage} failed: {message}")]
    Step {
        /// The step.
        stage: Stage,
        /// Its first error and how many more there are.
        message: String,
    },
    /// The plan was not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The workspace has a state, and this engine is none that could keep it.
    #[error(
        "Terraform made this workspace, and this provisioner runs no Terraform (its engine is `echo`): nothing was \
         changed. Install `terraform` or `tofu` where the provisioner runs, or name one with `--terraform-path`; start \
         the provisioner again without `--engine echo`, and then this build"
    )]
    NeedsTerraform,
    /// A process could not be started or awaited.
    #[error("could not run `{program}`: {source}")]
    Process {
        /// Path of the executable.
        program: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file of the job could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The program said something that can't be understood.
    #[error("{stage}: {what} could not be understood: {reason}")]
    Answer {
        /// The step.
        stage: Stage,
        /// What was read.
        what: &'static str,
        /// Where it went wrong.
        reason: String,
    },
}

impl EngineError {
    /// A word for programs, e.g. `APPLY_FAILED`; from a closed set but for refusals, which bring their own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Canceled(_) => "CANCELED",
            Self::Module(_) => "INVALID_MODULE",
            Self::Parameter { .. } => "INVALID_PARAMETER",
            Self::Step { stage, .. } => match stage {
                Stage::Setup => "SETUP_FAILED",
                Stage::Init => "INIT_FAILED",
                Stage::Validate => "VALIDATE_FAILED",
                Stage::Plan => "PLAN_FAILED",
                Stage::Apply => "APPLY_FAILED",
                Stage::Destroy => "DESTROY_FAILED",
                Stage::Outputs => "OUTPUTS_FAILED",
                Stage::Cleanup => "CLEANUP_FAILED",
            },
            Self::Refused(refusal) => &refusal.code,
            Self::NeedsTerraform => "TERRAFORM_MISSING",
            Self::Process { .. } | Self::Io { .. } | Self::Answer { .. } => "DAEMON_FAULT",
        }
    }

    /// Whether the job ended because it was asked to.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        matches!(self, Self::Canceled(_))
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
