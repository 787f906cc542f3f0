//! `templates versions`, `archive` and `unarchive`.

use clap::Args;
use guildhall_client::template_version::{TemplateVersion, TemplateVersionFilter, TemplateVersionOrder};

use super::{find, version_called};
use crate::bulk;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Age, Limit};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value, state};

/// The arguments of `guildhall templates versions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall templates versions data-platform/docker-dev
  guildhall templates versions docker-dev --org data-platform --archived=false --limit 5")]
pub struct Versions {
    /// NAME or ORG/NAME
    name: Scoped,
    /// Only those with this text in their names or messages
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Only those that are out of use; with =false only those that are not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    archived: Option<bool>,
    /// What comes first
    #[arg(long, default_value = "newest")]
    sort: Age,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    organization: InOrganization,
}

impl Versions {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let template = find(&client, &self.name, &self.organization).await?;
        let narrowed = self.query.is_some() || self.archived.is_some();
        let filter = TemplateVersionFilter { name: None, query: self.query, archived: self.archived };
        let order = match self.sort {
            Age::Newest => TemplateVersionOrder::CreatedAtDesc,
            Age::Oldest => TemplateVersionOrder::CreatedAtAsc,
        };
        let page = async |after| client.template_versions(&template.id, &filter, order, after).await;
        let versions = self.limit.read(page).await?;
        context.output.list(
            &versions,
            &["NAME", "USE", "IMPORT", "BY", "CREATED", "MESSAGE"],
            row,
            &Nothing::of("version").narrowed(narrowed).hint(format!(
                "No version found. Push one with `guildhall templates push {} --directory DIR`.",
                template.name
            )),
        )
    }
}

fn row(version: &TemplateVersion) -> Vec<Value> {
    let used = match version {
        version if version.is_active => "active",
        version if version.archived => "archived",
        _ => "",
    };
    vec![
        version.name.as_str().into(),
        used.into(),
        version.job.as_ref().map_or_else(|| "".into(), |job| state(&job.state)),
        version.created_by.as_ref().map_or("", |user| user.username.as_str()).into(),
        version.created_at.into(),
        version.message.as_str().into(),
    ]
}

pub(super) async fn archive(
    context: &Context,
    name: &Scoped,
    versions: &[String],
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    bulk::each(
        context,
        versions,
        async |version| Ok(version_called(&client, &template, version).await?.id),
        async |ids| client.archive_template_versions(&template.id, ids).await,
        |result| &result.user_errors,
        |version, _| format!("{version} of {} is out of use now.", template.name),
    )
    .await
}

pub(super) async fn unarchive(
    context: &Context,
    name: &Scoped,
    version: &str,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let version = version_called(&client, &template, version).await?;
    let version = client.unarchive_template_version(&version.id).await?;
    let sentence = format!("{} of {} is in use again.", version.name, template.name);
    context.output.done(&version, &sentence)
}
