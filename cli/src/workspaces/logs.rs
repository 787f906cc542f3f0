//! `workspaces logs`.

use clap::Args;

use super::Which;
use super::builds::numbered;
use crate::context::Context;
use crate::failure::Failure;
use crate::follow::{self, Lines};

/// The arguments of `guildhall workspaces logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json every line of the log is one JSON object on one line.

Examples:
  guildhall workspaces logs dev --follow
  guildhall workspaces logs data-platform/dev --build 3 -o json")]
pub struct Logs {
    #[command(flatten)]
    which: Which,
    /// Go on until the build ends
    #[arg(long, short)]
    follow: bool,
    /// Number of the build; default: the latest
    #[arg(long, value_name = "N")]
    build: Option<i32>,
}

impl Logs {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let build = match self.build {
            Some(number) => numbered(&client, &workspace, number).await?,
            None => workspace.latest_build,
        };
        if self.follow {
            let what = format!("build {} of {}", build.number, workspace.name);
            return follow::follow(&client, &context.output, &build.job.id, &what, Lines::Result).await;
        }
        let state = follow::read(&client, &context.output, &build.job.id).await?;
        if !state.is_final() {
            context.output.note("The build goes on: add --follow to see the rest.");
        }
        Ok(())
    }
}
