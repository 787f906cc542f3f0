//! `workspaces list` and `workspaces show`.

use clap::{Args, ValueEnum};
use guildhall_client::workspace::{Workspace, WorkspaceFilter, WorkspaceStatus, WorkspaceSummary};

use super::{Which, schedule};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Order};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value, mark, state, word, yes_or_no};
use crate::templates;

/// The arguments of `guildhall workspaces list`.
#[derive(Debug, Args)]
pub struct List {
    /// Those of everybody that you can see
    #[arg(long, short)]
    all: bool,
    /// Those of this user
    #[arg(long, value_name = "USERNAME", conflicts_with = "all")]
    owner: Option<String>,
    #[command(flatten)]
    listing: Listing,
    /// Only those at this
    #[arg(long)]
    status: Option<Status>,
    /// Only those made from this template: NAME or ORG/NAME
    #[arg(long, short, value_name = "TEMPLATE")]
    template: Option<Scoped>,
    /// Only those that are dormant; with =false only those that are not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dormant: Option<bool>,
    /// Only those that are not at their template's active version; with =false only those that are
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    outdated: Option<bool>,
    /// Only your favorites; with =false only the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    favorite: Option<bool>,
    /// Those of this organization; default: of all
    #[command(flatten)]
    organization: InOrganization,
}

/// What a workspace is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    /// Its build waits for a provisioner
    Pending,
    /// Comes up
    Starting,
    /// Is up
    Running,
    /// Goes down
    Stopping,
    /// Is down
    Stopped,
    /// Is being destroyed
    Deleting,
    /// Its build was told to stop
    Canceling,
    /// Its build was canceled
    Canceled,
    /// Its build failed
    Failed,
}

impl From<Status> for WorkspaceStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Starting => Self::Starting,
            Status::Running => Self::Running,
            Status::Stopping => Self::Stopping,
            Status::Stopped => Self::Stopped,
            Status::Deleting => Self::Deleting,
            Status::Canceling => Self::Canceling,
            Status::Canceled => Self::Canceled,
            Status::Failed => Self::Failed,
        }
    }
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization_id = match self.organization.given() {
            Some(name) => Some(client.organization(name).await?.id),
            None => None,
        };
        let template_id = match &self.template {
            Some(name) => Some(templates::find(&client, name, &self.organization).await?.id),
            None => None,
        };
        let owner_id = match (&self.owner, self.all) {
            (Some(username), _) => Some(client.user(username).await?.id),
            (None, true) => None,
            (None, false) => client.viewer().await?.map(|viewer| viewer.id),
        };
        let narrowed = self.listing.query.is_some()
            || self.owner.is_some()
            || template_id.is_some()
            || self.status.is_some()
            || [self.dormant, self.outdated, self.favorite].into_iter().any(|only| only.is_some());
        let filter = WorkspaceFilter {
            query: self.listing.query,
            owner_id,
            organization_id,
            template_id,
            status: self.status.map(WorkspaceStatus::from),
            dormant: self.dormant,
            outdated: self.outdated,
            ..WorkspaceFilter::default()
        };
        let (order, limit) = (Order::of(self.listing.order.sort), self.listing.order.limit);
        // Favorites first, each part in the order that was asked for: the API has no index for both.
        let mut workspaces = Vec::new();
        for favorite in [true, false].into_iter().filter(|one| self.favorite.is_none_or(|only| only == *one))
        {
            let filter = WorkspaceFilter { favorite: Some(favorite), ..filter.clone() };
            let page = async |after| client.workspaces(&filter, order, after).await;
            workspaces.extend(limit.after(workspaces.len()).read(page).await?);
        }
        context.output.list(
            &workspaces,
            &["NAME", "STATUS", "ORGANIZATION", "OWNER", "TEMPLATE", "CREDITS A DAY", "LAST BUILD", "FAVORITE"],
            row,
            &Nothing::of("workspace").narrowed(narrowed).hint(
                "No workspace found. Create one with `guildhall workspaces create NAME --template ORG/TEMPLATE`; \
                 `guildhall templates list` shows from what, and --all the workspaces of others.",
            ),
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
        mark(workspace.is_favorite),
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
    let newer = if workspace.is_outdated { " (there is a newer one)" } else { "" };
    let template = format!("{} {}{newer}", workspace.template.name, build.template_version.name);
    let mut rows = vec![
        ("Name", workspace.name.as_str().into()),
        ("Status", state(&workspace.status)),
        ("Organization", workspace.organization.name.as_str().into()),
        ("Owner", workspace.owner.username.as_str().into()),
        ("Template", template.into()),
        ("Build", format!("{} ({}, {})", build.number, word(&build.transition), word(&build.status)).into()),
        ("Job", (&build.job.id).into()),
        ("Credits a day", build.daily_cost.to_string().into()),
        ("Favorite", yes_or_no(workspace.is_favorite)),
        ("Id", workspace.id.inner().into()),
        ("Version", workspace.version.to_string().into()),
        ("Created", workspace.created_at.into()),
    ];
    if let Some(error) = &build.job.error {
        rows.push(("Error", error.message.as_str().into()));
    }
    rows.extend(schedule::rows(&workspace.times()));
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
