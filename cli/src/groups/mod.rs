//! `groups`: members of an organization under one name.

mod members;

use clap::{Subcommand, ValueEnum};
use guildhall_client::group::{
    CreateGroupInput, Group, GroupFilter, GroupOrder, GroupSource, UpdateGroupInput,
};
use guildhall_client::{Client, ClientError};

use crate::change::{Expected, Once, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Limit, Listing, Order, Sorted};
use crate::names::{InOrganization, Scoped};
use crate::numbers::natural;
use crate::output::{Nothing, Value, state, word, yes_or_no};

/// The verbs of `guildhall groups`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall groups create analysts --org data-platform --quota-allowance 20
  guildhall groups members add data-platform/analysts ana ben
  guildhall groups edit data-platform/analysts --display-name 'Data analysts'
  guildhall groups show data-platform/analysts
  guildhall groups delete data-platform/analysts")]
pub enum Groups {
    /// Create a group
    #[command(after_help = "\
Examples:
  guildhall groups create data-platform/analysts
  guildhall groups create analysts --org data-platform --display-name 'Data analysts' --quota-allowance 20")]
    Create {
        /// Slug, or ORG/SLUG
        name: Scoped,
        /// Name for people, at most 64 characters
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Credits a day that each member may spend
        #[arg(long, value_name = "CREDITS", value_parser = natural)]
        quota_allowance: Option<i32>,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        once: Once,
    },
    /// List the groups of an organization
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall groups list --org data-platform
  guildhall groups list --org data-platform --query data --sort newest"
    )]
    List {
        #[command(flatten)]
        listing: Listing,
        /// Only those whose members are managed so
        #[arg(long)]
        source: Option<Source>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a group
    #[command(after_help = "\
Examples:
  guildhall groups show data-platform/analysts")]
    Show {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Change a group; of `everyone`, only the allowance
    #[command(
        visible_alias = "update",
        after_help = "\
Examples:
  guildhall groups edit data-platform/analysts --display-name 'Data analysts' --icon 📊
  guildhall groups edit analysts --org data-platform --quota-allowance 40 --expected-version 2"
    )]
    Edit {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        /// The new name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// Name for people, at most 64 characters
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// An emoji, an https: URL or a site path
        #[arg(long, value_name = "ICON", alias = "avatar-url")]
        icon: Option<String>,
        /// Credits a day that each member may spend
        #[arg(long, value_name = "CREDITS", value_parser = natural)]
        quota_allowance: Option<i32>,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        expected: Expected,
    },
    /// Delete a group: its members lose its allowance and what only it let them use
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall groups delete data-platform/analysts"
    )]
    Delete {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the templates that the members of a group may use or administer
    #[command(after_help = "\
Examples:
  guildhall groups templates data-platform/analysts")]
    Templates {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List, add and remove the members of a group
    #[command(subcommand, alias = "member")]
    Members(members::GroupMembers),
    /// The same as `groups members add`
    #[command(hide = true)]
    Add(members::Change),
}

/// Who decides on a group's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// People
    User,
    /// An identity provider at sign-in
    Oidc,
    /// An identity provider at any time
    Scim,
}

impl From<Source> for GroupSource {
    fn from(source: Source) -> Self {
        match source {
            Source::User => Self::User,
            Source::Oidc => Self::Oidc,
            Source::Scim => Self::Scim,
        }
    }
}

impl Groups {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Create { name, display_name, quota_allowance, organization, once } => {
                let input = CreateGroupInput {
                    organization_id: organization.resolve_for(&client, &name).await?.id,
                    name: name.name,
                    display_name,
                    quota_allowance,
                    idempotency_key: once.idempotency_key,
                };
                let group = client.create_group(input).await?;
                let sentence = format!("Created the group {} ({}).", group.name, group.id.inner());
                context.output.done(&group, &sentence)
            }
            Self::List { listing, source, organization } => {
                let source = source.map(GroupSource::from);
                let filter = GroupFilter { query: listing.query, source, ..GroupFilter::default() };
                list(context, &client, &filter, &listing.order, &organization).await
            }
            Self::Show { group, organization } => {
                let group = find(&client, &group, &organization).await?;
                context.output.object(&group, rows(&group))
            }
            Self::Edit { group, rename, display_name, icon, quota_allowance, organization, expected } => {
                let texts = [&rename, &display_name, &icon].into_iter().any(Option::is_some);
                something(texts || quota_allowance.is_some(), "groups edit")?;
                let current = find(&client, &group, &organization).await?;
                let input = UpdateGroupInput {
                    group_id: current.id,
                    name: rename,
                    display_name,
                    avatar_url: icon,
                    quota_allowance,
                    expected_version: Some(expected.or(current.version)),
                };
                let changed = client.update_group(input).await?;
                context.output.object(&changed, rows(&changed))
            }
            Self::Delete { group, organization } => {
                let group = find(&client, &group, &organization).await?;
                context.confirm(&format!("the group {}", group.name), &group.name)?;
                client.delete_group(&group.id).await?;
                context.output.done(&group, &format!("Deleted the group {}.", group.name))
            }
            Self::Templates { group, limit, organization } => {
                templates(context, &client, &group, limit, &organization).await
            }
            Self::Members(members) => members.run(context, &client).await,
            Self::Add(change) => change.add(context, &client).await,
        }
    }
}

pub(crate) async fn find(
    client: &Client,
    group: &Scoped,
    organization: &InOrganization,
) -> Result<Group, Failure> {
    let organization = organization.resolve_for(client, group).await?;
    let page =
        client.groups(&organization.id, &GroupFilter::called(&group.name), GroupOrder::NameAsc, None).await?;
    let found = page.nodes.into_iter().find(|one| one.name.eq_ignore_ascii_case(&group.name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "group", name: group.name.clone() })?)
}

async fn list(
    context: &Context,
    client: &Client,
    filter: &GroupFilter,
    sorted: &Sorted,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let organization = organization.resolve(client).await?;
    let order = Order::of(sorted.sort);
    let page = async |after| client.groups(&organization.id, filter, order, after).await;
    let groups = sorted.limit.read(page).await?;
    let hint = format!(
        "No group found. Create one with `guildhall groups create NAME --org {}`.",
        organization.name
    );
    context.output.list(
        &groups,
        &["NAME", "DISPLAY NAME", "MEMBERS", "CREDITS A DAY", "CREATED"],
        |group| {
            vec![
                group.name.as_str().into(),
                group.display_name.as_str().into(),
                size(group).into(),
                group.quota_allowance.to_string().into(),
                group.created_at.into(),
            ]
        },
        &Nothing::of("group").narrowed(filter.query.is_some() || filter.source.is_some()).hint(hint),
    )
}

async fn templates(
    context: &Context,
    client: &Client,
    group: &Scoped,
    limit: Limit,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let group = find(client, group, organization).await?;
    let templates = limit.read(async |after| client.group_templates(&group.id, after).await).await?;
    context.output.list(
        &templates,
        &["TEMPLATE", "DISPLAY NAME", "ROLE"],
        |one| {
            vec![
                one.template.name.as_str().into(),
                one.template.display_name.as_str().into(),
                state(&one.role),
            ]
        },
        &Nothing::of("template").hint(format!(
            "No access list that you may see gives {0} anything. Put it on one with `guildhall templates access set \
             TEMPLATE --group {0} --role use`.",
            group.name
        )),
    )
}

/// How many are in it, where that may be seen.
fn size(group: &Group) -> String {
    group.member_count.map(|count| count.to_string()).unwrap_or_default()
}

fn rows(group: &Group) -> Vec<(&'static str, Value)> {
    vec![
        ("Name", group.name.as_str().into()),
        ("Display name", group.display_name.as_str().into()),
        ("Icon", group.avatar_url.as_str().into()),
        ("Members", size(group).into()),
        ("Credits a day", group.quota_allowance.to_string().into()),
        ("Managed by", word(&group.source).into()),
        ("Everyone", yes_or_no(group.is_everyone)),
        ("Id", group.id.inner().into()),
        ("Version", group.version.to_string().into()),
        ("Created", group.created_at.into()),
    ]
}
