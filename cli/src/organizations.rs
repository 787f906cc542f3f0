//! `organizations`: teams, each with its own part of the deployment.

use clap::{Args, Subcommand};
use guildhall_client::Id;
use guildhall_client::organization::{
    CreateOrganizationInput, Organization, OrganizationFilter, UpdateOrganizationInput,
};

use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Order};
use crate::output::Value;

/// The verbs of `guildhall organizations`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall organizations create data-platform --display-name 'Data platform' --icon 🗄
  guildhall organizations list
  guildhall organizations edit data-platform --description 'Warehouses and pipelines'")]
pub enum Organizations {
    /// Create an organization, with yourself as its first administrator
    Create {
        /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
        name: String,
        #[command(flatten)]
        details: Details,
    },
    /// List the organizations that you can see
    #[command(visible_alias = "ls")]
    List(Listing),
    /// Show an organization
    Show {
        /// Its name
        name: String,
    },
    /// Delete an empty organization
    #[command(visible_alias = "rm")]
    Delete {
        /// Its name
        name: String,
    },
    /// Change an organization
    #[command(visible_alias = "update")]
    Edit {
        /// Its name
        name: String,
        /// The new name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        details: Details,
    },
}

/// What an organization has besides its name.
#[derive(Debug, Args)]
pub struct Details {
    /// Name for people, at most 64 characters
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// At most 500 characters
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An emoji, an https: URL or a site path
    #[arg(long, value_name = "ICON")]
    icon: Option<String>,
}

impl Organizations {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create { name, details } => create(context, name, details).await,
            Self::List(listing) => list(context, listing).await,
            Self::Show { name } => show(context, &name).await,
            Self::Delete { name } => delete(context, &name).await,
            Self::Edit { name, rename, details } => edit(context, &name, rename, details).await,
        }
    }
}

async fn create(context: &Context, name: String, details: Details) -> Result<(), Failure> {
    let Details { display_name, description, icon } = details;
    let input = CreateOrganizationInput { name, display_name, description, icon };
    let made = context.client()?.create_organization(input).await?;
    context.output.done(&made, &format!("Created the organization {} ({}).", made.name, id(&made.id)))
}

async fn list(context: &Context, listing: Listing) -> Result<(), Failure> {
    let client = context.client()?;
    let (filter, order) = (OrganizationFilter { query: listing.query }, Order::of(listing.order.sort));
    let page = async |after| client.organizations(&filter, order, after).await;
    let all = listing.order.limit.read(page).await?;
    context.output.list(
        &all,
        &["NAME", "DISPLAY NAME", "DEFAULT", "CREATED"],
        |one| {
            vec![
                one.name.as_str().into(),
                one.display_name.as_str().into(),
                if one.is_default { "yes" } else { "" }.into(),
                one.created_at.into(),
            ]
        },
        "You can see no organization. Create one with `guildhall organizations create NAME`, or ask to be added to one.",
    )
}

async fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let one = context.client()?.organization(name).await?;
    context.output.object(&one, rows(&one))
}

async fn edit(
    context: &Context,
    name: &str,
    rename: Option<String>,
    details: Details,
) -> Result<(), Failure> {
    let Details { display_name, description, icon } = details;
    if [&rename, &display_name, &description, &icon].into_iter().all(Option::is_none) {
        return Err(Failure::usage("nothing to change").hint("see `guildhall organizations edit --help`"));
    }
    let client = context.client()?;
    let current = client.organization(name).await?;
    let input = UpdateOrganizationInput {
        organization_id: current.id,
        name: rename,
        display_name,
        description,
        icon,
        expected_version: Some(current.version),
    };
    let changed = client.update_organization(input).await?;
    context.output.object(&changed, rows(&changed))
}

async fn delete(context: &Context, name: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let one = client.organization(name).await?;
    context.confirm(&format!("the organization {}", one.name), &one.name)?;
    client.delete_organization(&one.id).await?;
    context.output.done(&one, &format!("Deleted the organization {}.", one.name))
}

fn rows(one: &Organization) -> Vec<(&'static str, Value)> {
    vec![
        ("Name", one.name.as_str().into()),
        ("Display name", one.display_name.as_str().into()),
        ("Description", one.description.as_str().into()),
        ("Icon", one.icon.as_str().into()),
        ("Default", if one.is_default { "yes" } else { "no" }.into()),
        ("Id", id(&one.id).into()),
        ("Created", one.created_at.into()),
        ("Changed", one.updated_at.into()),
    ]
}

fn id(id: &Id) -> &str {
    id.inner()
}
