//! `organizations`: teams, each with its own part of the deployment.

use clap::{Args, Subcommand};
use guildhall_client::Id;
use guildhall_client::organization::{
    CreateOrganizationInput, Organization, OrganizationDeletionImpact, OrganizationFilter,
    UpdateOrganizationInput,
};

use crate::change::{Expected, Once, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Order};
use crate::output::{Nothing, Value, counted, mark, yes_or_no};

/// The verbs of `guildhall organizations`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall organizations create data-platform --display-name 'Data platform' --icon 🗄
  guildhall organizations list
  guildhall organizations edit data-platform --description 'Warehouses and pipelines'
  guildhall organizations impact data-platform")]
pub enum Organizations {
    /// Create an organization, with yourself as its first administrator
    #[command(after_help = "\
Examples:
  guildhall organizations create data-platform
  guildhall organizations create data-platform --display-name 'Data platform' --icon 🗄
  guildhall organizations create data-platform --idempotency-key setup-2026-11-24")]
    Create {
        /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
        name: String,
        #[command(flatten)]
        details: Details,
        #[command(flatten)]
        once: Once,
    },
    /// List the organizations that you can see
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall organizations list
  guildhall organizations list --query data --sort newest --limit 10"
    )]
    List(Listing),
    /// Show an organization
    #[command(after_help = "\
Examples:
  guildhall organizations show data-platform
  guildhall organizations show data-platform -o json")]
    Show {
        /// Its name
        name: String,
    },
    /// Show what keeps an organization from being deleted
    #[command(after_help = "\
Examples:
  guildhall organizations impact data-platform")]
    Impact {
        /// Its name
        name: String,
    },
    /// Delete an empty organization
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes. `guildhall organizations impact` says beforehand whether it is empty.

Examples:
  guildhall organizations delete data-platform
  guildhall organizations delete data-platform --yes"
    )]
    Delete {
        /// Its name
        name: String,
    },
    /// Change an organization
    #[command(
        visible_alias = "update",
        after_help = "\
Examples:
  guildhall organizations edit data-platform --description 'Warehouses and pipelines'
  guildhall organizations edit data-platform --rename data --expected-version 3"
    )]
    Edit {
        /// Its name
        name: String,
        /// The new name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        details: Details,
        #[command(flatten)]
        expected: Expected,
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
            Self::Create { name, details, once } => create(context, name, details, once).await,
            Self::List(listing) => list(context, listing).await,
            Self::Show { name } => show(context, &name).await,
            Self::Impact { name } => {
                let impact = context.client()?.organization_impact(&name).await?;
                context.output.object(&impact, impact_rows(&impact))
            }
            Self::Delete { name } => delete(context, &name).await,
            Self::Edit { name, rename, details, expected } => {
                edit(context, &name, rename, details, expected).await
            }
        }
    }
}

async fn create(context: &Context, name: String, details: Details, once: Once) -> Result<(), Failure> {
    let Details { display_name, description, icon } = details;
    let idempotency_key = once.idempotency_key;
    let input = CreateOrganizationInput { name, display_name, description, icon, idempotency_key };
    let made = context.client()?.create_organization(input).await?;
    context.output.done(&made, &format!("Created the organization {} ({}).", made.name, id(&made.id)))
}

async fn list(context: &Context, listing: Listing) -> Result<(), Failure> {
    let client = context.client()?;
    let narrowed = listing.query.is_some();
    let (filter, order) = (OrganizationFilter { query: listing.query }, Order::of(listing.order.sort));
    let page = async |after| client.organizations(&filter, order, after).await;
    let all = listing.order.limit.read(page).await?;
    let hint = "You can see no organization. Create one with `guildhall organizations create NAME`, or ask to be added \
                to one.";
    context.output.list(
        &all,
        &["NAME", "DISPLAY NAME", "DEFAULT", "CREATED"],
        |one| {
            vec![
                one.name.as_str().into(),
                one.display_name.as_str().into(),
                mark(one.is_default),
                one.created_at.into(),
            ]
        },
        &Nothing::of("organization").narrowed(narrowed).hint(hint),
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
    expected: Expected,
) -> Result<(), Failure> {
    let Details { display_name, description, icon } = details;
    let any = [&rename, &display_name, &description, &icon].into_iter().any(Option::is_some);
    something(any, "organizations edit")?;
    let client = context.client()?;
    let current = client.organization(name).await?;
    let input = UpdateOrganizationInput {
        organization_id: current.id,
        name: rename,
        display_name,
        description,
        icon,
        expected_version: Some(expected.or(current.version)),
    };
    let changed = client.update_organization(input).await?;
    context.output.object(&changed, rows(&changed))
}

async fn delete(context: &Context, name: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let one = client.organization(name).await?;
    let impact = client.organization_impact(name).await?;
    let left = left(&impact);
    if !left.is_empty() && !context.globals.yes {
        // Whoever is asked to type a name should know that it will be for nothing; else the server says it.
        context.output.note(&format!("{} still holds {}.", one.name, left.join(", ")));
    }
    context.confirm(&format!("the organization {}", one.name), &one.name)?;
    client.delete_organization(&one.id).await?;
    context.output.done(&one, &format!("Deleted the organization {}.", one.name))
}

/// What is left in it, without what there is none of.
fn left(impact: &OrganizationDeletionImpact) -> Vec<String> {
    let counts = [
        (impact.workspaces, "workspace", ""),
        (impact.templates, "template", ""),
        (impact.provisioner_keys, "provisioner key", ""),
        (impact.groups, "group", " besides Everyone"),
        (impact.members, "member", " besides you"),
    ];
    let some = counts.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, one, besides)| format!("{}{besides}", counted(count, one))).collect()
}

fn impact_rows(impact: &OrganizationDeletionImpact) -> Vec<(&'static str, Value)> {
    vec![
        ("Can be deleted", yes_or_no(impact.is_deletable)),
        ("Workspaces", impact.workspaces.to_string().into()),
        ("Templates", impact.templates.to_string().into()),
        ("Provisioner keys", impact.provisioner_keys.to_string().into()),
        ("Groups besides Everyone", impact.groups.to_string().into()),
        ("Members besides you", impact.members.to_string().into()),
    ]
}

fn rows(one: &Organization) -> Vec<(&'static str, Value)> {
    vec![
        ("Name", one.name.as_str().into()),
        ("Display name", one.display_name.as_str().into()),
        ("Description", one.description.as_str().into()),
        ("Icon", one.icon.as_str().into()),
        ("Default", yes_or_no(one.is_default)),
        ("Id", id(&one.id).into()),
        ("Version", one.version.to_string().into()),
        ("Created", one.created_at.into()),
        ("Changed", one.updated_at.into()),
    ]
}

fn id(id: &Id) -> &str {
    id.inner()
}
