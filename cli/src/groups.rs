//! `groups`: members of an organization under one name.

use clap::Subcommand;
use guildhall_client::group::{AddGroupMembersInput, CreateGroupInput, Group};
use guildhall_client::{Client, ClientError, Page};

use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};

/// The verbs of `guildhall groups`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall groups create analysts --org data-platform --quota-allowance 20
  guildhall groups add data-platform/analysts ana ben")]
pub enum Groups {
    /// Create a group
    Create {
        /// Slug, or ORG/SLUG
        name: Scoped,
        /// Name for people, at most 64 characters
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Credits a day that each member may spend
        #[arg(long, value_name = "CREDITS", value_parser = clap::value_parser!(i32).range(0..))]
        quota_allowance: Option<i32>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the groups of an organization
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Add members of the organization to a group
    Add {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        /// Their usernames
        #[arg(required = true, value_name = "USERNAME")]
        usernames: Vec<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
}

impl Groups {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Create { name, display_name, quota_allowance, organization } => {
                let organization_id = organization.resolve_for(&client, &name).await?.id;
                let input =
                    CreateGroupInput { organization_id, name: name.name, display_name, quota_allowance };
                let group = client.create_group(input).await?;
                let sentence = format!("Created the group {} ({}).", group.name, group.id.inner());
                context.output.done(&group, &sentence)
            }
            Self::List { organization } => list(context, &client, &organization).await,
            Self::Add { group, usernames, organization } => {
                let group = find(&client, &group, &organization).await?;
                add(context, &client, &group, &usernames).await
            }
        }
    }
}

pub(crate) async fn find(
    client: &Client,
    group: &Scoped,
    organization: &InOrganization,
) -> Result<Group, Failure> {
    let organization = organization.resolve_for(client, group).await?;
    let page = client.groups(&organization.id, Some(group.name.clone()), None).await?;
    let found = page.nodes.into_iter().find(|one| one.name.eq_ignore_ascii_case(&group.name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "group", name: group.name.clone() })?)
}

async fn list(context: &Context, client: &Client, organization: &InOrganization) -> Result<(), Failure> {
    let organization = organization.resolve(client).await?;
    let groups =
        Page::all(usize::MAX, async |after| client.groups(&organization.id, None, after).await).await?;
    context.output.list(
        &groups,
        &["NAME", "DISPLAY NAME", "MEMBERS", "QUOTA", "CREATED"],
        |group| {
            vec![
                group.name.as_str().into(),
                group.display_name.as_str().into(),
                group.member_count.map(|count| count.to_string()).unwrap_or_default().into(),
                group.quota_allowance.to_string().into(),
                group.created_at.into(),
            ]
        },
        &format!("No group yet. Create one with `guildhall groups create NAME --org {}`.", organization.name),
    )
}

async fn add(context: &Context, client: &Client, group: &Group, usernames: &[String]) -> Result<(), Failure> {
    let mut user_ids = Vec::new();
    for username in usernames {
        user_ids.push(client.user(username).await?.id);
    }
    let results =
        client.add_group_members(AddGroupMembersInput { group_id: group.id.clone(), user_ids }).await?;
    report(context, usernames, &results, |result| &result.user_errors, &group.name)
}
