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
    #[command(visible_alias = "ls")]
    List(show::List),
    /// Show a workspace with what its latest build made
    Show(Which),
    /// Start a workspace
    Start(build::Start),
    /// Stop a workspace
    Stop(build::Stop),
    /// Stop a workspace and start it again
    Restart(restart::Restart),
    /// Move a workspace to its template's active version
    Update(restart::Update),
    /// Give a workspace another name
    Rename(change::Rename),
    /// Give a workspace to another member
    Transfer(change::Transfer),
    /// Mark a workspace as a favorite
    #[command(visible_alias = "fav")]
    Favorite(change::Favorite),
    /// When a workspace starts and stops by itself
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// Stop a running workspace later than it would be
    Extend(change::Extend),
    /// Wake up a dormant workspace
    Activate(Which),
    /// Note that somebody works in a workspace, so that it does not fall dormant
    Touch(Which),
    /// List the builds of a workspace
    Builds(builds::Builds),
    /// Get or repair the Terraform state of a workspace
    #[command(subcommand)]
    State(state::States),
    /// Delete a workspace and everything that belongs to it
    #[command(visible_alias = "rm")]
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
    /// The workspace that is meant. Without an organization all are searched, since names rarely repeat.
    async fn find(&self, client: &Client) -> Result<WorkspaceSummary, Failure> {
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
        return Err(Failure::usage(format!(
            "`{name}` is the name of several workspaces: {}",
            places.join(", ")
        ))
        .hint("say which with ORG/NAME and --owner"));
    }
    Ok(found.pop().ok_or_else(|| ClientError::NotFound { kind: "workspace", name: name.to_owned() })?)
}
