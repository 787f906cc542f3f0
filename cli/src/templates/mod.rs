//! `templates`: what workspaces are made from.

mod access;
mod change;
mod dry_run;
mod push;
mod source;
mod version;

use std::path::PathBuf;

use clap::Subcommand;
use guildhall_client::template::{Template, TemplateFilter, TemplateOrder};
use guildhall_client::template_version::{
    TemplateVariable, TemplateVersion, TemplateVersionFilter, TemplateVersionOrder,
};
use guildhall_client::{Client, ClientError};
use serde_json::json;

use crate::change::Expected;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Order};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value};
use crate::untrusted;

/// The verbs of `guildhall templates`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A template is a plain Terraform module; its variables become the parameters of workspaces.

Examples:
  guildhall templates push docker-dev --org data-platform --directory ./template
  guildhall templates show data-platform/docker-dev
  guildhall templates promote docker-dev v1 --org data-platform
  guildhall templates edit docker-dev --default-ttl 8h
  guildhall templates diff docker-dev v1 v2")]
pub enum Templates {
    /// Who may use or administer a template
    #[command(subcommand)]
    Access(access::Access),
    /// Upload a folder as a new template, or as a new version of one, and import it
    Push(push::Push),
    /// List the templates of an organization
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall templates list --org data-platform
  guildhall templates list --org data-platform --query docker --sort newest"
    )]
    List {
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a template with the parameters of its active version
    #[command(after_help = "\
Examples:
  guildhall templates show data-platform/docker-dev")]
    Show {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the versions of a template, newest first
    Versions(version::Versions),
    /// Show a version of a template: what is said of it, its import, its parameters
    #[command(after_help = "\
Examples:
  guildhall templates show-version data-platform/docker-dev v2")]
    ShowVersion {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Name of the version
        version: String,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Change the name of a version, or what is said of it
    #[command(visible_alias = "update-version")]
    EditVersion(version::Edit),
    /// Let new workspaces start from a version
    #[command(after_help = "\
Examples:
  guildhall templates promote data-platform/docker-dev v2")]
    Promote {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Name of the version
        version: String,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        expected: Expected,
    },
    /// Put versions out of use: they can't be promoted, and nothing new is made from them
    #[command(after_help = "\
Each version is answered for itself; the exit code is 6 when some could not be archived.

Examples:
  guildhall templates archive data-platform/docker-dev v1 v2")]
    Archive {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Names of the versions
        #[arg(required = true)]
        versions: Vec<String>,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        expected: Expected,
    },
    /// Take a version back into use
    #[command(after_help = "\
Examples:
  guildhall templates unarchive data-platform/docker-dev v1")]
    Unarchive {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Name of the version
        version: String,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        expected: Expected,
    },
    /// Change a template and what holds for its workspaces
    #[command(visible_alias = "update")]
    Edit(Box<change::Edit>),
    /// Delete a template that no workspace is made of
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall templates delete data-platform/docker-dev"
    )]
    Delete {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Download the module of a version and unpack it
    #[command(after_help = "\
Examples:
  guildhall templates pull data-platform/docker-dev
  guildhall templates pull data-platform/docker-dev v1 --directory ./old")]
    Pull {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Name of the version; default: the active one
        version: Option<String>,
        /// Where to, new or empty; default: a folder called as the template
        #[arg(long, short, value_name = "DIR")]
        directory: Option<PathBuf>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show what differs between two versions: files and parameters
    #[command(after_help = "\
Examples:
  guildhall templates diff data-platform/docker-dev v1
  guildhall templates diff data-platform/docker-dev v1 v2")]
    Diff {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Name of the earlier version
        from: String,
        /// Name of the later version; default: the active one
        to: Option<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Plan a version with given values, making nothing
    DryRun(dry_run::DryRun),
    /// Write a module to start from
    #[command(after_help = "\
Examples:
  guildhall templates init --directory ./template")]
    Init {
        /// Where to, new or empty
        #[arg(long, short, value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
}

impl Templates {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Access(access) => access.run(context).await,
            Self::Push(push) => push.run(context).await,
            Self::List { listing, organization } => list(context, listing, &organization).await,
            Self::Show { name, organization } => show(context, &name, &organization).await,
            Self::Versions(versions) => versions.run(context).await,
            Self::ShowVersion { name, version, organization } => {
                version::show(context, &name, &version, &organization).await
            }
            Self::EditVersion(edit) => edit.run(context).await,
            Self::Promote { name, version, organization, expected } => {
                promote(context, &name, &version, &organization, expected).await
            }
            Self::Archive { name, versions, organization, expected } => {
                version::archive(context, &name, &versions, &organization, expected).await
            }
            Self::Unarchive { name, version, organization, expected } => {
                version::unarchive(context, &name, &version, &organization, expected).await
            }
            Self::Edit(edit) => edit.run(context).await,
            Self::Delete { name, organization } => change::delete(context, &name, &organization).await,
            Self::Pull { name, version, directory, organization } => {
                source::pull(context, &name, version.as_deref(), directory, &organization).await
            }
            Self::Diff { name, from, to, organization } => {
                source::diff(context, &name, &from, to.as_deref(), &organization).await
            }
            Self::DryRun(dry_run) => dry_run.run(context).await,
            Self::Init { directory } => source::init(context, &directory),
        }
    }
}

/// The template that is meant by `name`.
pub(crate) async fn find(
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<Template, Failure> {
    let organization = organization.resolve_for(client, name).await?;
    let found = called(client, &organization.id, &name.name).await?;
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "template", name: name.name.clone() })?)
}

/// The template of an organization called `name`, if there is one.
async fn called(
    client: &Client,
    organization: &guildhall_client::Id,
    name: &str,
) -> Result<Option<Template>, Failure> {
    let page =
        client.templates(organization, &TemplateFilter::called(name), TemplateOrder::NameAsc, None).await?;
    Ok(page.nodes.into_iter().find(|template| template.name.eq_ignore_ascii_case(name)))
}

/// The version of a template called `name`.
pub(crate) async fn version_called(
    client: &Client,
    template: &Template,
    name: &str,
) -> Result<TemplateVersion, Failure> {
    let filter = TemplateVersionFilter::called(name);
    let page =
        client.template_versions(&template.id, &filter, TemplateVersionOrder::CreatedAtDesc, None).await?;
    let found = page.nodes.into_iter().find(|version| version.name.eq_ignore_ascii_case(name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "template version", name: name.to_owned() })?)
}

/// The template that is meant, and its version called `version`.
async fn find_version(
    client: &Client,
    name: &Scoped,
    version: &str,
    organization: &InOrganization,
) -> Result<(Template, TemplateVersion), Failure> {
    let template = find(client, name, organization).await?;
    let version = version_called(client, &template, version).await?;
    Ok((template, version))
}

async fn list(context: &Context, listing: Listing, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let narrowed = listing.query.is_some();
    let filter = TemplateFilter { query: listing.query, ..TemplateFilter::default() };
    let order = Order::of(listing.order.sort);
    let page = async |after| client.templates(&organization.id, &filter, order, after).await;
    let templates = listing.order.limit.read(page).await?;
    context.output.list(
        &templates,
        &["NAME", "DISPLAY NAME", "ACTIVE VERSION", "PUSHED", "DEPRECATED"],
        |template| {
            let version = template.active_version.as_ref();
            vec![
                template.name.as_str().into(),
                template.display_name.as_str().into(),
                version.map_or("", |version| version.name.as_str()).into(),
                version.map(|version| version.created_at).into(),
                template.deprecation_message.as_str().into(),
            ]
        },
        &Nothing::of("template").narrowed(narrowed).hint(format!(
            "No template that you can see. Push one with `guildhall templates push NAME --org {} --directory DIR`.",
            organization.name
        )),
    )
}

async fn show(context: &Context, name: &Scoped, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let version = match &template.active_version {
        Some(version) => Some(client.template_version(&version.id).await?),
        None => None,
    };
    let settings = client.template_settings(&template.id).await?;
    if context.output.is_json() {
        let mut object = json!(template);
        object["activeVersion"] = json!(version);
        object["settings"] = json!(settings.settings);
        object["version"] = json!(settings.version);
        return context.output.json(&object);
    }
    let mut all = rows(&template);
    all.push(("Version", settings.version.to_string().into()));
    all.extend(change::rows(&settings.settings));
    context.output.object(&template, all)?;
    let Some(version) = version else {
        let why = version::none_active(&client, &template).await?;
        context.output.note(&untrusted::lines(&why));
        return Ok(());
    };
    parameters(context, &version)
}

/// The parameters of a version below what is said of it, for people.
fn parameters(context: &Context, version: &TemplateVersion) -> Result<(), Failure> {
    if version.variables.is_empty() {
        return Ok(());
    }
    let header = ["PARAMETER", "TYPE", "DEFAULT", "DESCRIPTION"];
    let table = context.output.table(&header, version.variables.iter().map(parameter));
    context.output.line(&format!("\n{table}"))
}

fn rows(template: &Template) -> Vec<(&'static str, Value)> {
    let version = template.active_version.as_ref().map_or("", |version| version.name.as_str());
    vec![
        ("Name", template.name.as_str().into()),
        ("Display name", template.display_name.as_str().into()),
        ("Organization", template.organization.name.as_str().into()),
        ("Description", template.description.as_str().into()),
        ("Active version", version.into()),
        ("Deprecated", template.deprecation_message.as_str().into()),
        ("Id", template.id.inner().into()),
        ("Created", template.created_at.into()),
        ("Changed", template.updated_at.into()),
    ]
}

fn parameter(variable: &TemplateVariable) -> Vec<Value> {
    let default = match &variable.default {
        _ if variable.required => "(required)".to_owned(),
        _ if variable.sensitive => "(hidden)".to_owned(),
        Some(default) => default.to_string(),
        None => "null".to_owned(),
    };
    vec![
        variable.name.as_str().into(),
        variable.r#type.as_str().into(),
        default.into(),
        variable.description.as_str().into(),
    ]
}

async fn promote(
    context: &Context,
    name: &Scoped,
    version: &str,
    organization: &InOrganization,
    expected: Expected,
) -> Result<(), Failure> {
    let client = context.client()?;
    let (_, version) = find_version(&client, name, version, organization).await?;
    let template = client.promote_template_version(&version.id, expected.or(version.version)).await?;
    let sentence = format!("New workspaces of {} start from {} now.", template.name, version.name);
    context.output.done(&template, &sentence)
}
