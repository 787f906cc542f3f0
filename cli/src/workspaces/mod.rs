//! `workspaces`: what members work in.

mod build;
mod builds;
mod change;
mod create;
mod logs;
mod restart;
mod schedule;
mod show;
mod state;

use clap::{Args, Subcommand};
use guildhall_client::workspace::{WorkspaceFilter, WorkspaceOrder, WorkspaceSummary};
use guildhall_client::{Client, ClientError};

use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::output::wrapped;

pub(crate) use build::version;

/// The verbs of `guildhall workspaces`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall workspaces create dev --template data-platform/docker-dev --param cpus=4
  guildhall workspaces list
  guildhall workspaces logs dev --follow
  guildhall workspaces stop dev
  guildhall workspaces update dev
  guildhall workspaces schedule set dev --autostart '30 8 * * 1-5' --timezone Europe/Berlin
  guildhall workspaces delete dev")]
pub enum Workspaces {
    /// Create a workspace from a template and start it
    Create(create::Create),
    /// List workspaces, by default your own
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall workspaces list
  guildhall workspaces list --all --org data-platform --status running --sort newest"
    )]
    List(show::List),
    /// Show a workspace with what its latest build made
    #[command(after_help = "\
Examples:
  guildhall workspaces show dev
  guildhall workspaces show data-platform/dev --owner ana")]
    Show(Which),
    /// Start a workspace
    #[command(after_help = "\
The build is followed until it ends; the exit code is 8 when it fails.

Examples:
  guildhall workspaces start dev
  guildhall workspaces start data-platform/dev --param cpus=8 --detach")]
    Start(build::Start),
    /// Stop a workspace
    #[command(after_help = "\
The build is followed until it ends; the exit code is 8 when it fails.

Examples:
  guildhall workspaces stop dev")]
    Stop(build::Stop),
    /// Stop a workspace and start it again
    #[command(after_help = "\
The builds are followed until they end; the exit code is 8 when one fails.

Examples:
  guildhall workspaces restart dev
  guildhall workspaces restart dev --param cpus=8")]
    Restart(restart::Restart),
    /// Move a workspace to its template's active version
    #[command(after_help = "\
The build is followed until it ends; the exit code is 8 when it fails.

Examples:
  guildhall workspaces update dev
  guildhall workspaces update dev --param region=eu")]
    Update(restart::Update),
    /// Give a workspace another name
    #[command(after_help = "\
Examples:
  guildhall workspaces rename dev main")]
    Rename(change::Rename),
    /// Give a workspace to another member
    #[command(after_help = "\
Examples:
  guildhall workspaces transfer data-platform/dev --to ben")]
    Transfer(change::Transfer),
    /// Mark a workspace as a favorite
    #[command(
        visible_alias = "fav",
        after_help = "\
Examples:
  guildhall workspaces favorite dev
  guildhall workspaces favorite dev --remove"
    )]
    Favorite(change::Favorite),
    /// When a workspace starts and stops by itself
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// Stop a running workspace later than it would be
    #[command(after_help = "\
Examples:
  guildhall workspaces extend dev 2h")]
    Extend(change::Extend),
    /// Wake up a dormant workspace
    #[command(after_help = "\
Examples:
  guildhall workspaces activate dev")]
    Activate(Which),
    /// Note that somebody works in a workspace, so that it does not fall dormant
    #[command(after_help = "\
Examples:
  guildhall workspaces touch dev")]
    Touch(Which),
    /// List the builds of a workspace
    #[command(after_help = "\
Examples:
  guildhall workspaces builds dev
  guildhall workspaces builds data-platform/dev --status failed --limit 5")]
    Builds(builds::Builds),
    /// Get or repair the Terraform state of a workspace
    #[command(subcommand)]
    State(state::States),
    /// Delete a workspace and everything that belongs to it
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes. The build is followed until it ends; the exit code is 8 when it fails.

Examples:
  guildhall workspaces delete dev
  guildhall workspaces delete data-platform/dev --owner ana --yes --detach"
    )]
    Delete(build::Delete),
    /// Print the log of a build
    Logs(logs::Logs),
}

impl Workspaces {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Show(which) => show::show(context, &which).await,
            Self::Start(start) => start.run(context).await,
            Self::Stop(stop) => stop.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Logs(logs) => logs.run(context).await,
            Self::Restart(restart) => restart.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Rename(rename) => rename.run(context).await,
            Self::Transfer(transfer) => transfer.run(context).await,
            Self::Favorite(favorite) => favorite.run(context).await,
            Self::Schedule(schedule) => schedule.run(context).await,
            Self::Extend(extend) => extend.run(context).await,
            Self::Activate(which) => change::activate(context, &which).await,
            Self::Touch(which) => change::touch(context, &which).await,
            Self::Builds(builds) => builds.run(context).await,
            Self::State(states) => states.run(context).await,
        }
    }
}

/// Names one workspace.
#[derive(Debug, Args)]
pub struct Which {
    /// NAME or ORG/NAME
    name: Scoped,
    /// Username of its owner; default: you, where you have one of this name
    #[arg(long, value_name = "USERNAME")]
    owner: Option<String>,
    #[command(flatten)]
    organization: InOrganization,
}

impl Which {
    /// One that other options name.
    pub(crate) fn of(name: Scoped, organization: InOrganization) -> Self {
        Self { name, owner: None, organization }
    }

    /// The same of somebody.
    pub(crate) fn owned_by(self, owner: Option<String>) -> Self {
        Self { owner, ..self }
    }

    /// The workspace that is meant. Without an organization all are searched, since names rarely repeat.
    pub(crate) async fn find(&self, client: &Client) -> Result<WorkspaceSummary, Failure> {
        let organization_id = match self.organization.named(&self.name)? {
            Some(name) => Some(client.organization(name).await?.id),
            None => None,
        };
        let owner_id = match &self.owner {
            Some(username) => Some(client.user(username).await?.id),
            None => None,
        };
        let name = self.name.name.clone();
        let filter = WorkspaceFilter {
            name: Some(name.clone()),
            owner_id,
            organization_id,
            ..WorkspaceFilter::default()
        };
        let mut found = client.workspaces(&filter, WorkspaceOrder::NameAsc, None).await?.nodes;
        found.retain(|workspace| workspace.name.eq_ignore_ascii_case(&name));
        if found.len() > 1
            && let Some(viewer) = client.viewer().await?
            && found.iter().any(|workspace| workspace.owner.id == viewer.id)
        {
            found.retain(|workspace| workspace.owner.id == viewer.id);
        }
        one(found, &name)
    }
}

fn one(mut found: Vec<WorkspaceSummary>, name: &str) -> Result<WorkspaceSummary, Failure> {
    if found.len() > 1 {
        let places = found
            .iter()
            .map(|one| format!("{}/{} of {}", one.organization.name, one.name, one.owner.username))
            .collect::<Vec<_>>();
        let message = format!("`{name}` is the name of several workspaces:\n{}", wrapped(&places));
        return Err(Failure::usage(message).hint("say which with ORG/NAME and --owner"));
    }
    Ok(found.pop().ok_or_else(|| ClientError::NotFound { kind: "workspace", name: name.to_owned() })?)
}
