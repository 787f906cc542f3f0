//! `workspaces restart` and `workspaces update`.

use std::path::PathBuf;

use clap::Args;
use guildhall_client::Client;
use guildhall_client::workspace::WorkspaceSummary;
use guildhall_client::workspace_build::{BuildSummary, WorkspaceTransition};
use guildhall_client::workspace_restart::RestartWorkspaceInput;

use super::Which;
use super::build::{Waiting, finish, in_the_way, version};
use super::builds::newest;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::follow::{Lines, follow};
use crate::parameters::{Pair, parameters};

/// Values of a new build.
#[derive(Debug, Args)]
struct Values {
    /// A value to change for a variable of the template; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    parameters: Vec<Pair>,
    /// A TOML file of values to change
    #[arg(long, value_name = "FILE")]
    rich_parameter_file: Option<PathBuf>,
}

/// The arguments of `guildhall workspaces restart`.
#[derive(Debug, Args)]
pub struct Restart {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    values: Values,
    /// Name of the version to start; default: that of the latest build
    #[arg(long, value_name = "NAME")]
    template_version: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

impl Restart {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let parameters = parameters(self.values.rich_parameter_file.as_deref(), self.values.parameters)?;
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let template_version_id = match &self.template_version {
            Some(name) => Some(version(&client, &workspace, name).await?),
            None => None,
        };
        let workspace_id = workspace.id.clone();
        let first = client
            .restart_workspace(RestartWorkspaceInput { workspace_id, parameters, template_version_id })
            .await
            .map_err(in_the_way(&workspace))?;
        if first.transition != WorkspaceTransition::Stop {
            return finish(context, &client, &workspace, &first, "start", &self.waiting).await;
        }
        if self.waiting.detach {
            let place = format!("{}/{}", workspace.organization.name, workspace.name);
            let sentence = format!(
                "Queued the restart of {place}: a stop, and a start as soon as that has ended. Each has its own log: watch \
                 the stop with `guildhall workspaces logs {place} --follow`, and then the start with the same command."
            );
            return context.output.done(&first, &sentence);
        }
        let what = format!("the stop of {}", workspace.name);
        follow(&client, &context.output, &first.job.id, &what, Lines::Progress).await?;
        let second = after(&client, &workspace, &first).await?;
        finish(context, &client, &workspace, &second, "start", &self.waiting).await
    }
}

/// The start that a stop was followed by: the server queues it in the moment in which the stop ends.
async fn after(
    client: &Client,
    workspace: &WorkspaceSummary,
    stop: &BuildSummary,
) -> Result<BuildSummary, Failure> {
    let builds = newest(client, &workspace.id, None).await?.nodes;
    let next = builds.into_iter().find(|build| build.number == stop.number + 1);
    next.ok_or_else(|| {
        Failure::new(Exit::Failure, format!("{} was stopped, but its start is not there", workspace.name))
            .hint(format!("start it with `guildhall workspaces start {}`", workspace.name))
    })
}

/// The arguments of `guildhall workspaces update`.
#[derive(Debug, Args)]
#[command(after_help = "\
Where the newer version asks for something that the workspace has no value for, or does not take one that it has,
each is named: give it with --param.

Examples:
  guildhall workspaces update dev
  guildhall workspaces update dev -p region=eu")]
pub struct Update {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    waiting: Waiting,
}

impl Update {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let parameters = parameters(self.values.rich_parameter_file.as_deref(), self.values.parameters)?;
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let build = client
            .update_workspace_version(&workspace.id, parameters)
            .await
            .map_err(in_the_way(&workspace))?;
        finish(context, &client, &workspace, &build, "update", &self.waiting).await
    }
}
