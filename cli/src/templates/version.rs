//! Versions of a template: list, show, edit, archive and unarchive.

use clap::Args;
use guildhall_client::Client;
use guildhall_client::provisioner_job::ProvisionerJobState;
use guildhall_client::template::Template;
use guildhall_client::template_version::{TemplateVersion, TemplateVersionFilter, TemplateVersionOrder};
use guildhall_client::template_version_change::UpdateTemplateVersionInput;

use super::{find, find_version};
use crate::bulk;
use crate::change::{Expected, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Age, Limit};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value, state, word};

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
        let filter = TemplateVersionFilter {
            query: self.query,
            archived: self.archived,
            ..TemplateVersionFilter::default()
        };
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

/// What is to change of a version.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall templates edit-version data-platform/docker-dev v2 --rename 2026-11
  guildhall templates edit-version docker-dev v2 --message 'Pins the image' --expected-version 1")]
pub struct Edit {
    /// NAME or ORG/NAME
    name: Scoped,
    /// Name of the version
    version: String,
    /// A new name
    #[arg(long, value_name = "SLUG")]
    rename: Option<String>,
    /// What to say of it, at most 500 characters; an empty text takes it back
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    expected: Expected,
}

impl Edit {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        something(self.rename.is_some() || self.message.is_some(), "templates edit-version")?;
        let client = context.client()?;
        let (template, version) =
            find_version(&client, &self.name, &self.version, &self.organization).await?;
        let input = UpdateTemplateVersionInput {
            template_version_id: version.id,
            name: self.rename,
            message: self.message,
            expected_version: Some(self.expected.or(version.version)),
        };
        let version = client.update_template_version(input).await?;
        let sentence = format!("Changed the version {} of {}.", version.name, template.name);
        context.output.done(&version, &sentence)
    }
}

pub(super) async fn show(
    context: &Context,
    name: &Scoped,
    version: &str,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let (template, version) = find_version(&client, name, version, organization).await?;
    let mut rows = vec![
        ("Name", version.name.as_str().into()),
        ("Template", template.name.as_str().into()),
        ("Message", version.message.as_str().into()),
        ("In use", used(&version).into()),
        ("Import", version.job.as_ref().map_or_else(|| "".into(), |job| state(&job.state))),
        ("Version", version.version.to_string().into()),
        ("Id", version.id.inner().into()),
        ("By", version.created_by.as_ref().map_or("", |user| user.username.as_str()).into()),
        ("Created", version.created_at.into()),
    ];
    if let Some(job) = &version.job {
        rows.push(("Job", job.id.inner().into()));
        rows.extend(job.error.as_ref().map(|error| ("Error", error.message.as_str().into())));
    }
    context.output.object(&version, rows)?;
    if context.output.is_json() { Ok(()) } else { super::parameters(context, &version) }
}

/// Why a template has no active version, and what to do.
pub(super) async fn none_active(client: &Client, template: &Template) -> Result<String, Failure> {
    let (filter, order) = (TemplateVersionFilter::default(), TemplateVersionOrder::CreatedAtDesc);
    let newest = client.template_versions(&template.id, &filter, order, None).await?.nodes.into_iter().next();
    let place = format!("{}/{}", template.organization.name, template.name);
    let Some((version, job)) = newest.and_then(|version| Some((version.name, version.job?))) else {
        return Ok(format!("No version is active: see `guildhall templates versions {place}`."));
    };
    let id = job.id.inner();
    Ok(match (&job.state, &job.error) {
        (ProvisionerJobState::Succeeded, _) => {
            format!("No version is active. Use `guildhall templates promote {place} {version}`.")
        }
        (state, error) => {
            let why = error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message));
            format!(
                "No version has been imported yet. The import of {version}, {id}, is {}{why}\n\
                 `guildhall provisioner jobs logs {id}` shows its log.",
                word(state)
            )
        }
    })
}

/// Whether a version is the active one, or out of use.
fn used(version: &TemplateVersion) -> &'static str {
    match version {
        version if version.is_active => "active",
        version if version.archived => "archived",
        _ => "",
    }
}

fn row(version: &TemplateVersion) -> Vec<Value> {
    vec![
        version.name.as_str().into(),
        used(version).into(),
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
    expected: Expected,
) -> Result<(), Failure> {
    if expected.given().is_some() && versions.len() > 1 {
        return Err(Failure::usage("--expected-version is for one version alone"));
    }
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    bulk::each(
        context,
        versions,
        async |versions| {
            let seen = |version: &TemplateVersion| (version.id.clone(), expected.or(version.version));
            bulk::versions(&client, &template.id, versions, seen).await
        },
        async |versions| client.archive_template_versions(&template.id, versions).await,
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
    expected: Expected,
) -> Result<(), Failure> {
    let client = context.client()?;
    let (template, version) = find_version(&client, name, version, organization).await?;
    let expected = expected.or(version.version);
    let version = client.unarchive_template_version(&version.id, expected).await?;
    let sentence = format!("{} of {} is in use again.", version.name, template.name);
    context.output.done(&version, &sentence)
}
