//! `groups members`: who is in a group.

use clap::{Args, Subcommand};
use guildhall_client::Client;
use guildhall_client::group_member::{
    AddGroupMembersInput, GroupMemberFilter, GroupMemberOrder, RemoveGroupMembersInput,
};

use super::find;
use crate::bulk;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Sort};
use crate::names::{InOrganization, Scoped};
use crate::output::Nothing;

/// The verbs of `guildhall groups members`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall groups members list data-platform/analysts
  guildhall groups members add data-platform/analysts ana ben
  guildhall groups members remove data-platform/analysts ben")]
pub enum GroupMembers {
    /// List who is in a group
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall groups members list data-platform/analysts
  guildhall groups members list analysts --org data-platform --query an"
    )]
    List {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Add members of the organization to a group
    #[command(after_help = "\
Each name is answered for itself; the exit code is 6 when some could not be added.

Examples:
  guildhall groups members add data-platform/analysts ana ben
  guildhall groups members add analysts $(cat usernames.txt) --org data-platform")]
    Add(Change),
    /// Take members out of a group
    #[command(
        visible_alias = "rm",
        after_help = "\
Each name is answered for itself; the exit code is 6 when some could not be taken out.

Examples:
  guildhall groups members remove data-platform/analysts ben"
    )]
    Remove(Change),
}

/// Whom, and which group.
#[derive(Debug, Args)]
pub struct Change {
    /// The group: NAME or ORG/NAME
    group: Scoped,
    /// Their usernames, as many as you like
    #[arg(required = true, value_name = "USERNAME")]
    usernames: Vec<String>,
    #[command(flatten)]
    organization: InOrganization,
}

impl GroupMembers {
    pub(super) async fn run(self, context: &Context, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { group, listing, organization } => {
                list(context, client, &group, listing, &organization).await
            }
            Self::Add(change) => change.add(context, client).await,
            Self::Remove(change) => change.remove(context, client).await,
        }
    }
}

async fn list(
    context: &Context,
    client: &Client,
    group: &Scoped,
    listing: Listing,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let group = find(client, group, organization).await?;
    let narrowed = listing.query.is_some();
    let filter = GroupMemberFilter { query: listing.query };
    let order = match listing.order.sort {
        Sort::Name => GroupMemberOrder::UsernameAsc,
        Sort::Newest => GroupMemberOrder::CreatedAtDesc,
        Sort::Oldest => GroupMemberOrder::CreatedAtAsc,
    };
    let page = async |after| client.group_members(&group.id, &filter, order, after).await;
    let members = listing.order.limit.read(page).await?;
    context.output.list(
        &members,
        &["USERNAME", "NAME", "SINCE"],
        |member| {
            vec![
                member.user.username.as_str().into(),
                member.user.name.as_str().into(),
                member.created_at.into(),
            ]
        },
        &Nothing::of("member").narrowed(narrowed).hint(format!(
            "Nobody is in {0}. Add somebody with `guildhall groups members add {0} USERNAME`.",
            group.name
        )),
    )
}

impl Change {
    pub(super) async fn add(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let group = find(client, &self.group, &self.organization).await?;
        bulk::each(
            context,
            &self.usernames,
            async |usernames| bulk::users(client, usernames, |id| id).await,
            async |user_ids| {
                client.add_group_members(AddGroupMembersInput { group_id: group.id.clone(), user_ids }).await
            },
            |result| &result.user_errors,
            |name, _| format!("Added {name} to {}.", group.name),
        )
        .await
    }

    async fn remove(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let group = find(client, &self.group, &self.organization).await?;
        bulk::each(
            context,
            &self.usernames,
            async |usernames| bulk::users(client, usernames, |id| id).await,
            async |user_ids| {
                let input = RemoveGroupMembersInput { group_id: group.id.clone(), user_ids };
                client.remove_group_members(input).await
            },
            |result| &result.user_errors,
            |name, _| format!("Took {name} out of {}.", group.name),
        )
        .await
    }
}
