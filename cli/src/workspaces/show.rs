//! `workspaces list` and `workspaces show`.

use clap::Args;
use guildhall_client::Page;
use guildhall_client::workspace::{Workspace, WorkspaceFilter, WorkspaceSummary};

use super::Which;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;
use crate::output::{Value, state, word};

/// The arguments of `guildhall workspaces list`.
#[derive(Debug, Args)]
pub struct List {
    /// Those of everybody that you can see
    #[arg(long, short)]
    all: bool,
    /// Those of this user
    #[arg(long, value_name = "USERNAME", conflicts_with = "all")]
    owner: Option<String>,
    /// Those of this organization; default: of all
    #[command(flatten)]
    organization: InOrganization,
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = match self.organization.given() {
            Some(name) => Some(client.organization(name).await?.id),
            None => None,
        };
        let owner = match (&self.owner, self.all) {
            (Some(username), _) => Some(client.user(username).await?.id),
            (None, true) => None,
            (None, false) => client.viewer().await?.map(|viewer| viewer.id),
        };
        let filter = WorkspaceFilter { name: None, owner, organization };
        let page = async |after| client.workspaces(filter.clone(), after).await;
        let workspaces = Page::all(usize::MAX, page).await?;
        context.output.list(
            &workspaces,
            &["NAME", "STATUS", "ORGANIZATION", "OWNER", "TEMPLATE", "COST", "LAST BUILD"],
            row,
            "No workspace. Create one with `guildhall workspaces create NAME --template ORG/TEMPLATE`; \
             `guildhall templates list` shows from what, and --all the workspaces of others.",
        )
    }
}

fn row(workspace: &WorkspaceSummary) -> Vec<Value> {
    vec![
        workspace.name.as_str().into(),
        state(&workspace.status),
        workspace.organization.name.as_str().into(),
        workspace.owner.username.as_str().into(),
        workspace.template.name.as_str().into(),
        workspace.latest_build.daily_cost.to_string().into(),
        workspace.latest_build.created_at.into(),
    ]
}

pub(super) async fn show(context: &Context, which: &Which) -> Result<(), Failure> {
    let client = context.client()?;
    let id = which.find(&client).await?.id;
    let workspace = client.workspace(&id).await?;
    present(context, &workspace)
}

/// Writes a workspace with its latest build.
pub(super) fn present(context: &Context, workspace: &Workspace) -> Result<(), Failure> {
    let build = &workspace.latest_build;
    let mut rows = vec![
        ("Name", workspace.name.as_str().into()),
        ("Status", state(&workspace.status)),
        ("Organization", workspace.organization.name.as_str().into()),
        ("Owner", workspace.owner.username.as_str().into()),
        ("Template", format!("{} {}", workspace.template.name, build.template_version.name).into()),
        ("Build", format!("{} ({}, {})", build.number, word(&build.transition), word(&build.status)).into()),
        ("Cost a day", build.daily_cost.to_string().into()),
        ("Id", workspace.id.inner().into()),
        ("Created", workspace.created_at.into()),
    ];
    if let Some(error) = &build.job.error {
        rows.push(("Error", error.message.as_str().into()));
    }
    context.output.object(workspace, rows)?;
    if context.output.is_json() {
        return Ok(());
    }
    let hidden = |value: &Option<String>| value.clone().unwrap_or_else(|| "(hidden)".to_owned());
    section(context, ["APP", "URL"], &build.apps, |app| [app.name.clone(), app.url.clone()])?;
    section(context, ["PARAMETER", "VALUE"], &build.parameters, |one| {
        [one.name.clone(), hidden(&one.value)]
    })?;
    section(context, ["METADATA", "VALUE"], &build.metadata, |one| [one.key.clone(), one.value.clone()])?;
    section(context, ["RESOURCE", "TYPE"], &build.resources, |one| [one.address.clone(), one.r#type.clone()])
}

/// A table of what the build has, if it has any.
fn section<T>(
    context: &Context,
    header: [&str; 2],
    items: &[T],
    row: impl Fn(&T) -> [String; 2],
) -> Result<(), Failure> {
    if items.is_empty() {
        return Ok(());
    }
    let rows = items.iter().map(|item| row(item).into_iter().map(Value::from).collect());
    context.output.line(&format!("\n{}", context.output.table(&header, rows)))
}
