//! `quota preview`: what a build would cost.

use clap::{Args, ValueEnum};
use guildhall_client::Client;
use guildhall_client::build_cost::{BuildCostBasis, BuildCostPreview, PlannedBuild};
use guildhall_client::workspace_build::WorkspaceTransition;

use super::limit;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::names::{InOrganization, Scoped};
use crate::output::{Value, yes_or_no};
use crate::{templates, workspaces};

/// The arguments of `guildhall quota preview`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall quota preview --template data-platform/docker-dev
  guildhall quota preview --template docker-dev --template-version v7 --org data-platform --owner ana
  guildhall quota preview --workspace data-platform/dev --transition stop")]
pub struct Preview {
    #[command(flatten)]
    of: Of,
    /// Name of the version to build; default: the template's active one, or the workspace's own
    #[arg(long, value_name = "NAME")]
    template_version: Option<String>,
    /// Username of who would own the workspace, or owns it; default: you
    #[arg(long, value_name = "USERNAME")]
    owner: Option<String>,
    /// What the build would do
    #[arg(long, value_name = "TRANSITION", default_value = "start", conflicts_with = "template")]
    transition: Transition,
    #[command(flatten)]
    organization: InOrganization,
}

/// What would be built: a new workspace, or one that is there.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// The template of a new workspace: NAME or ORG/NAME
    #[arg(long, short, value_name = "TEMPLATE")]
    template: Option<Scoped>,
    /// A workspace: NAME or ORG/NAME
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<Scoped>,
}

/// What a build does.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transition {
    Start,
    Stop,
    Delete,
}

impl Preview {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let planned = self.planned(&client).await?;
        let preview = client.build_cost(planned).await?;
        context.output.object(&preview, rows(&preview))
    }

    async fn planned(self, client: &Client) -> Result<PlannedBuild, Failure> {
        let transition = match self.transition {
            Transition::Start => WorkspaceTransition::Start,
            Transition::Stop => WorkspaceTransition::Stop,
            Transition::Delete => WorkspaceTransition::Delete,
        };
        if let Some(name) = self.of.workspace {
            let which = workspaces::Which::of(name, self.organization).owned_by(self.owner);
            let workspace = which.find(client).await?;
            let template_version = match &self.template_version {
                Some(version) => Some(workspaces::version(client, &workspace, version).await?),
                None => None,
            };
            return Ok(PlannedBuild {
                workspace: Some(workspace.id),
                template_version,
                owner: None,
                transition,
            });
        }
        let name = self.of.template.ok_or_else(|| Failure::usage("name a --template or a --workspace"))?;
        let template = templates::find(client, &name, &self.organization).await?;
        let version = match (&self.template_version, &template.active_version) {
            (Some(version), _) => templates::version_called(client, &template, version).await?.id,
            (None, Some(active)) => active.id.clone(),
            (None, None) => {
                let message = format!("no version of {} has been imported yet", template.name);
                return Err(Failure::new(Exit::Refused, message));
            }
        };
        let owner = match &self.owner {
            Some(username) => Some(client.user(username).await?.id),
            None => None,
        };
        Ok(PlannedBuild { workspace: None, template_version: Some(version), owner, transition })
    }
}

fn rows(preview: &BuildCostPreview) -> Vec<(&'static str, Value)> {
    let unknown = || Value::from("not known before it is built");
    let basis = match &preview.basis {
        None => "",
        Some(BuildCostBasis::Certain) => "what is deleted costs nothing",
        Some(BuildCostBasis::TemplateVersion) => "the last such build of another workspace",
        Some(BuildCostBasis::Workspace) => "the last such build of this workspace",
        Some(BuildCostBasis::Other(_)) => "another build",
    };
    let mut rows = vec![
        ("Credits a day", preview.cost.map_or_else(unknown, |cost| cost.to_string().into())),
        ("Known from", basis.into()),
        ("Costs now", preview.current_cost.to_string().into()),
        ("Would pass", preview.accepted.map_or_else(unknown, yes_or_no)),
        ("Owner's budget", limit(preview.owner_quota.budget).into()),
        ("Owner has left", limit(preview.owner_quota.remaining).into()),
    ];
    if let Some(quota) = &preview.organization_quota {
        rows.push(("Organization's cap", limit(quota.budget).into()));
        rows.push(("Organization has left", limit(quota.remaining).into()));
    }
    rows
}
