//! `groups members`: who is in a group.

use clap::{Args, Subcommand};
use guildhall_client::group_member::{
    AddGroupMembersInput, GroupMemberFilter, GroupMemberOrder, RemoveGroupMembersInput,
};
use guildhall_client::{Client, Id};

use super::find;
use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Sort};
use crate::names::{InOrganization, Scoped};

/// The verbs of `guildhall groups members`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall groups members list data-platform/analysts
  guildhall groups members add data-platform/analysts ana ben
  guildhall groups members remove data-platform/analysts ben")]
pub enum GroupMembers {
    /// List who is in a group
    #[command(visible_alias = "ls")]
    List {
        /// The group: NAME or ORG/NAME
        group: Scoped,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Add members of the organization to a group
    Add(Change),
    /// Take members out of a group
    #[command(visible_alias = "rm")]
    Remove(Change),
}

/// Whom, and which group.
#[derive(Debug, Args)]
pub struct Change {
    /// The group: NAME or ORG/NAME
    group: Scoped,
    /// Their usernames
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
        &format!("Nobody found in {}. Add somebody with `guildhall groups members add`.", group.name),
    )
}

impl Change {
    async fn user_ids(&self, client: &Client) -> Result<Vec<Id>, Failure> {
        let mut ids = Vec::with_capacity(self.usernames.len());
        for username in &self.usernames {
            ids.push(client.user(username).await?.id);
        }
        Ok(ids)
    }

    pub(super) async fn add(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let group = find(client, &self.group, &self.organization).await?;
        let user_ids = self.user_ids(client).await?;
        let results = client.add_group_members(AddGroupMembersInput { group_id: group.id, user_ids }).await?;
        let sentence = |name: &str, _: &_| format!("Added {name} to {}.", group.name);
        report(context, &self.usernames, &results, |result| &result.user_errors, sentence)
    }

    async fn remove(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let group = find(client, &self.group, &self.organization).await?;
        let user_ids = self.user_ids(client).await?;
        let input = RemoveGroupMembersInput { group_id: group.id, user_ids };
        let results = client.remove_group_members(input).await?;
        let sentence = |name: &str, _: &_| format!("Took {name} out of {}.", group.name);
        report(context, &self.usernames, &results, |result| &result.user_errors, sentence)
    }
}
