//! `workspaces state`.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Which;
use super::builds::numbered;
use crate::context::Context;
use crate::failure::Failure;

/// The largest state, in bytes.
const STATE_MAX: u64 = 64 * 1024 * 1024;

/// The verbs of `guildhall workspaces state`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A state holds secrets in clear. Each pull and push is noted in the audit log, and needs workspace:manage-state.

Examples:
  guildhall workspaces state pull data-platform/dev > dev.tfstate
  guildhall workspaces state pull data-platform/dev --build 3 --file dev-3.tfstate
  guildhall workspaces state push data-platform/dev dev.tfstate")]
pub enum States {
    /// Print the Terraform state that a workspace had after a build
    #[command(after_help = "\
Examples:
  guildhall workspaces state pull data-platform/dev > dev.tfstate
  guildhall workspaces state pull data-platform/dev --build 3 --file dev-3.tfstate")]
    Pull(Pull),
    /// Replace the Terraform state of a workspace by one that was repaired
    #[command(after_help = "\
Asks for the workspace's name, or needs --yes.

Examples:
  guildhall workspaces state push data-platform/dev dev.tfstate")]
    Push(Push),
}

/// The arguments of `guildhall workspaces state pull`.
#[derive(Debug, Args)]
pub struct Pull {
    #[command(flatten)]
    which: Which,
    /// Number of the build; default: the latest
    #[arg(long, value_name = "N")]
    build: Option<i32>,
    /// Where to write it, for its owner alone; default: the standard output
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The arguments of `guildhall workspaces state push`.
#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    which: Which,
    /// The state
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl States {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Pull(pull) => pull.run(context).await,
            Self::Push(push) => push.run(context).await,
        }
    }
}

impl Pull {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let build = match self.build {
            Some(number) => numbered(&client, &workspace, number).await?,
            None => workspace.latest_build,
        };
        let mut text = Vec::new();
        client.download(&format!("states/{}", build.id.inner()), None, STATE_MAX, &mut text).await?;
        match self.file {
            Some(path) => {
                write_private(&path, &text).map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => {
                        Failure::usage(format!("{} exists, and is not written over", path.display()))
                            .hint("name another file with --file, or remove this one")
                    }
                    _ => Failure::local(format!("write the state to {}", path.display()), error),
                })?;
                context.output.note(&format!("Wrote {} bytes to {}.", text.len(), path.display()));
                Ok(())
            }
            None => context.output.line(String::from_utf8_lossy(&text).trim_end()),
        }
    }
}

/// Writes a new file that only its owner can read.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

impl Push {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let place = format!("{}/{}", workspace.organization.name, workspace.name);
        context.confirm(&format!("the Terraform state of {place}, and replaces it"), &workspace.name)?;
        let build = &workspace.latest_build;
        client.upload_state(&build.id, &self.file).await?;
        context.output.done(build, &format!("Replaced the state of {place} after build {}.", build.number))
    }
}
