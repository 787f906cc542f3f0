//! `members`: who belongs to an organization, and with which roles.

mod remove;
mod roles;

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::member::{AddMembersInput, MemberFilter, MemberOrder, NewMemberInput};
use guildhall_client::role::Role;
use guildhall_client::user::UserStatus;

use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::groups;
use crate::listing::Limit;
use crate::names::{InOrganization, Scoped};

/// The verbs of `guildhall members`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall members add ana ben --org data-platform
  guildhall members add cleo --org data-platform --role organization-template-admin
  guildhall members list --org data-platform --group analysts --sort newest
  guildhall members roles ana cleo --org data-platform --role organization-admin
  guildhall members impact ben --org data-platform
  guildhall members remove ben --org data-platform --workspaces transfer --transfer-to ana")]
pub enum Members {
    /// Add users to an organization
    Add {
        /// Their usernames
        #[arg(required = true, value_name = "USERNAME")]
        usernames: Vec<String>,
        /// A role for each of them, beyond that of every member; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the members of an organization
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show what the removal of a member would change
    Impact {
        /// Their username
        username: String,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Remove members from an organization
    #[command(visible_alias = "rm")]
    Remove(remove::Remove),
    /// Replace the roles of members
    Roles(roles::Roles),
}

/// Which members, in which order.
#[derive(Debug, Args)]
pub struct Which {
    /// Only those whose username, name or (where you may see it) email contains this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Only those who hold this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those in this group
    #[arg(long, value_name = "GROUP")]
    group: Option<Scoped>,
    /// Only those who are so, of those whose status you may see
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,
    /// In which order
    #[arg(long, value_name = "ORDER", default_value = "username")]
    sort: Sort,
    #[command(flatten)]
    limit: Limit,
}

/// Whether an account is in use.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Active,
    Dormant,
    Suspended,
}

/// The orders of members.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    /// By username
    #[value(alias = "name")]
    Username,
    /// Who joined first comes first
    Oldest,
    /// Who joined last comes first
    Newest,
}

impl Members {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add { usernames, roles, organization } => {
                add(context, &usernames, roles, &organization).await
            }
            Self::List { which, organization } => list(context, which, &organization).await,
            Self::Impact { username, organization } => {
                remove::impact(context, &username, &organization).await
            }
            Self::Remove(remove) => remove.run(context).await,
            Self::Roles(roles) => roles.run(context).await,
        }
    }
}

async fn add(
    context: &Context,
    usernames: &[String],
    roles: Vec<String>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let mut members = Vec::new();
    for username in usernames {
        members.push(NewMemberInput {
            username: username.clone(),
            roles: Some(roles.clone()).filter(|roles| !roles.is_empty()),
        });
    }
    let results = client.add_members(AddMembersInput { organization_id: organization.id, members }).await?;
    let sentence = |name: &str, _: &_| format!("Added {name} to {}.", organization.name);
    report(context, usernames, &results, |result| &result.user_errors, sentence)
}

async fn list(context: &Context, which: Which, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let group_id = match &which.group {
        Some(group) => Some(groups::find(&client, group, organization).await?.id),
        None => None,
    };
    let organization = match which.group.as_ref() {
        Some(group) => organization.resolve_for(&client, group).await?,
        None => organization.resolve(&client).await?,
    };
    let status = which.status.map(|status| match status {
        Status::Active => UserStatus::Active,
        Status::Dormant => UserStatus::Dormant,
        Status::Suspended => UserStatus::Suspended,
    });
    let order = match which.sort {
        Sort::Username => MemberOrder::UsernameAsc,
        Sort::Oldest => MemberOrder::CreatedAtAsc,
        Sort::Newest => MemberOrder::CreatedAtDesc,
    };
    let filter = MemberFilter { query: which.query, user_id: None, role: which.role, group_id, status };
    let page = async |after| client.members(&organization.id, &filter, order, after).await;
    let members = which.limit.read(page).await?;
    context.output.list(
        &members,
        &["USERNAME", "NAME", "ROLES", "JOINED"],
        |member| {
            vec![
                member.user.username.as_str().into(),
                member.user.name.as_str().into(),
                names(&member.roles).into(),
                member.created_at.into(),
            ]
        },
        &format!(
            "No member found. Add one with `guildhall members add USERNAME --org {}`.",
            organization.name
        ),
    )
}

pub(crate) fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ")
}
