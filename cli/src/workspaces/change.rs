//! `workspaces rename`, `transfer`, `favorite`, `extend`, `activate` and `touch`: what needs no build.

use chrono::TimeDelta;
use clap::Args;
use guildhall_client::user::UserRef;
use guildhall_client::workspace_change::UpdateWorkspaceInput;

use super::{Which, schedule};
use crate::change::Expected;
use crate::context::Context;
use crate::failure::Failure;
use crate::time::Span;

/// The arguments of `guildhall workspaces rename`.
#[derive(Debug, Args)]
pub struct Rename {
    #[command(flatten)]
    which: Which,
    /// The new name: a-z, 0-9 and single hyphens, at most 32 characters
    #[arg(value_name = "NEW-NAME")]
    new_name: String,
    #[command(flatten)]
    expected: Expected,
}

impl Rename {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let input = UpdateWorkspaceInput {
            name: Some(self.new_name),
            expected_version: self.expected.given(),
            ..UpdateWorkspaceInput::of(&workspace.id)
        };
        let renamed = client.update_workspace(input).await?;
        let place = &workspace.organization.name;
        context.output.done(&renamed, &format!("Renamed {place}/{} to {}.", workspace.name, renamed.name))
    }
}

/// The arguments of `guildhall workspaces transfer`.
#[derive(Debug, Args)]
pub struct Transfer {
    #[command(flatten)]
    which: Which,
    /// Username of who gets it: a member of its organization
    #[arg(long, value_name = "USERNAME")]
    to: String,
}

impl Transfer {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mut workspace = self.which.find(&client).await?;
        let owner = client.user(&self.to).await?;
        client.transfer_workspace(&workspace.id, &owner.id).await?;
        workspace.owner = UserRef { id: owner.id, username: owner.username, name: owner.name };
        let place = format!("{}/{}", workspace.organization.name, workspace.name);
        context.output.done(&workspace, &format!("Gave {place} to {}.", workspace.owner.username))
    }
}

/// The arguments of `guildhall workspaces favorite`.
#[derive(Debug, Args)]
pub struct Favorite {
    #[command(flatten)]
    which: Which,
    /// Take the mark away
    #[arg(long)]
    remove: bool,
}

impl Favorite {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mut workspace = self.which.find(&client).await?;
        client.set_workspace_favorite(&workspace.id, !self.remove).await?;
        workspace.is_favorite = !self.remove;
        let (place, name) = (&workspace.organization.name, &workspace.name);
        let is = if self.remove { "is no favorite of yours any more" } else { "is a favorite of yours" };
        context.output.done(&workspace, &format!("{place}/{name} {is}."))
    }
}

/// The arguments of `guildhall workspaces extend`.
#[derive(Debug, Args)]
pub struct Extend {
    #[command(flatten)]
    which: Which,
    /// How much later it is to be stopped, e.g. 90m, 4h or 2d
    #[arg(value_name = "SPAN")]
    by: Span,
}

impl Extend {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let times = client.workspace_times(&workspace.id).await?;
        let Some(deadline) = times.deadline else {
            return Err(Failure::usage(format!("nothing stops {}: it has no deadline", workspace.name))
                .hint(format!(
                    "`guildhall workspaces schedule show {}` shows what it does",
                    workspace.name
                )));
        };
        let later = deadline + TimeDelta::seconds(i64::from(self.by.seconds()));
        let times = client.extend_workspace_deadline(&workspace.id, later).await?;
        schedule::present(context, &times)
    }
}

/// `guildhall workspaces activate`
pub(super) async fn activate(context: &Context, which: &Which) -> Result<(), Failure> {
    let client = context.client()?;
    let workspace = which.find(&client).await?;
    let times = client.activate_workspace(&workspace.id).await?;
    let place = format!("{}/{}", workspace.organization.name, workspace.name);
    context
        .output
        .done(&times, &format!("{place} is awake. Start it with `guildhall workspaces start {place}`."))
}

/// `guildhall workspaces touch`
pub(super) async fn touch(context: &Context, which: &Which) -> Result<(), Failure> {
    let client = context.client()?;
    let workspace = which.find(&client).await?;
    let times = client.touch_workspace(&workspace.id).await?;
    let place = format!("{}/{}", workspace.organization.name, workspace.name);
    context.output.done(&times, &format!("{place} was used just now."))
}
