//! `workspaces start`, `stop` and `delete`: each queues a build and follows it.

use std::path::PathBuf;

use clap::Args;
use guildhall_client::workspace::{WorkspaceStatus, WorkspaceSummary};
use guildhall_client::workspace_build::{BuildSummary, StartWorkspaceInput};
use guildhall_client::{Client, ClientError, Id, UserError};

use super::{Which, show};
use crate::context::Context;
use crate::failure::Failure;
use crate::follow::{Lines, follow};
use crate::names::{InOrganization, Scoped};
use crate::parameters::{Pair, parameters};
use crate::templates;

/// The arguments of `guildhall workspaces start`.
#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    which: Which,
    /// A value to change for a variable of the template; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    parameters: Vec<Pair>,
    /// A TOML file of values to change
    #[arg(long, value_name = "FILE")]
    rich_parameter_file: Option<PathBuf>,
    /// Name of the version to build; default: that of the latest build
    #[arg(long, value_name = "NAME")]
    template_version: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// The arguments of `guildhall workspaces stop`.
#[derive(Debug, Args)]
pub struct Stop {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    waiting: Waiting,
}

/// The arguments of `guildhall workspaces delete`.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    which: Which,
    /// Forget it without destroying what it is made of; for administrators, when it can't be destroyed any more
    #[arg(long)]
    orphan: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Whether to wait for a build.
#[derive(Debug, Args)]
pub(super) struct Waiting {
    /// Don't wait until the build ends
    #[arg(long)]
    pub(super) detach: bool,
}

impl Start {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let parameters = parameters(self.rich_parameter_file.as_deref(), self.parameters)?;
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let template_version_id = match &self.template_version {
            Some(name) => Some(version(&client, &workspace, name).await?),
            None => None,
        };
        let workspace_id = workspace.id.clone();
        let build = client
            .start_workspace(StartWorkspaceInput { workspace_id, parameters, template_version_id })
            .await
            .map_err(in_the_way(&workspace))?;
        finish(context, &client, &workspace, &build, "start", &self.waiting).await
    }
}

/// The version called `name` of a workspace's template.
pub(crate) async fn version(
    client: &Client,
    workspace: &WorkspaceSummary,
    name: &str,
) -> Result<Id, Failure> {
    let template = Scoped {
        organization: Some(workspace.organization.name.clone()),
        name: workspace.template.name.clone(),
    };
    let template = templates::find(client, &template, &InOrganization::default()).await?;
    Ok(templates::version_called(client, &template, name).await?.id)
}

impl Stop {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let build = client.stop_workspace(&workspace.id).await.map_err(in_the_way(&workspace))?;
        finish(context, &client, &workspace, &build, "stop", &self.waiting).await
    }
}

impl Delete {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let what =
            format!("the workspace {}/{} and all it holds", workspace.organization.name, workspace.name);
        context.confirm(&what, &workspace.name)?;
        if self.orphan {
            let forgotten = client.forget_workspace(&workspace.id).await.map_err(in_the_way(&workspace))?;
            let place = format!("{}/{}", workspace.organization.name, workspace.name);
            let sentence =
                format!("Forgot {place}. What it was made of is still there, and its state is kept.");
            return context.output.done(&forgotten, &sentence);
        }
        let build = client.delete_workspace(&workspace.id).await.map_err(in_the_way(&workspace))?;
        if self.waiting.detach {
            return queued(context, &workspace, &build, "deletion");
        }
        let what = format!("the deletion of {}", workspace.name);
        follow(&client, &context.output, &build.job.id, &what, Lines::Progress).await?;
        context.output.done(&build, &format!("Deleted {}/{}.", workspace.organization.name, workspace.name))
    }
}

/// A refusal, and where a build of `workspace` is in the way, how that is ended.
pub(super) fn in_the_way(workspace: &WorkspaceSummary) -> impl FnOnce(ClientError) -> Failure {
    use WorkspaceStatus::{Canceling, Deleting, Pending, Starting, Stopping};
    let active = matches!(workspace.status, Pending | Starting | Stopping | Deleting | Canceling);
    let conflicts = |error: &UserError| error.code().as_str() == "CONFLICT";
    move |error| match &error {
        ClientError::Refused(errors) if active && errors.iter().any(conflicts) => {
            let job = workspace.latest_build.job.id.inner();
            Failure::from(error).hint(format!("`guildhall provisioner jobs cancel {job}` cancels its job"))
        }
        _ => error.into(),
    }
}

/// Follows `build` and shows the workspace as it is then.
pub(super) async fn finish(
    context: &Context,
    client: &Client,
    workspace: &WorkspaceSummary,
    build: &BuildSummary,
    verb: &str,
    waiting: &Waiting,
) -> Result<(), Failure> {
    if waiting.detach {
        return queued(context, workspace, build, verb);
    }
    let what = format!("the {verb} of {}", workspace.name);
    follow(client, &context.output, &build.job.id, &what, Lines::Progress).await?;
    show::present(context, &client.workspace(&workspace.id).await?)
}

/// Says where a build can be watched that nobody waits for.
pub(super) fn queued(
    context: &Context,
    workspace: &WorkspaceSummary,
    build: &BuildSummary,
    verb: &str,
) -> Result<(), Failure> {
    let place = format!("{}/{}", workspace.organization.name, workspace.name);
    let sentence =
        format!("Queued the {verb} of {place}. Watch it with `guildhall workspaces logs {place} --follow`.");
    context.output.done(build, &sentence)
}
