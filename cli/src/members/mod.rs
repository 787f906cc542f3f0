//! `members`: who belongs to an organization, and with which roles.

mod remove;
mod roles;
mod show;

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::member::{AddMembersInput, MemberFilter, MemberOrder, NewMemberInput};
use guildhall_client::role::Role;
use guildhall_client::user::UserStatus;

use crate::bulk;
use crate::context::Context;
use crate::failure::Failure;
use crate::groups;
use crate::listing::Limit;
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value};

/// The verbs of `guildhall members`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall members add ana ben --org data-platform
  guildhall members add cleo --org data-platform --role organization-template-admin
  guildhall members list --org data-platform --group analysts --sort newest
  guildhall members show ana --org data-platform
  guildhall members roles ana cleo --org data-platform --role organization-admin
  guildhall members impact ben --org data-platform
  guildhall members remove ben --org data-platform --workspaces transfer --transfer-to ana")]
pub enum Members {
    /// Add users to an organization
    #[command(after_help = "\
Each name is answered for itself; the exit code is 6 when some could not be added.

Examples:
  guildhall members add ana ben --org data-platform
  guildhall members add cleo --org data-platform --role organization-template-admin
  guildhall members add $(cat usernames.txt) --org data-platform")]
    Add {
        /// Their usernames, as many as you like
        #[arg(required = true, value_name = "USERNAME")]
        usernames: Vec<String>,
        /// A role for each of them, beyond that of every member; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the members of an organization
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall members list --org data-platform
  guildhall members list --org data-platform --role organization-admin
  guildhall members list --org data-platform --group analysts --query an --sort newest --limit 20"
    )]
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a member with their roles, groups and budget
    #[command(after_help = "\
Examples:
  guildhall members show ana --org data-platform")]
    Show {
        /// Their username
        username: String,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show what the removal of a member would change
    #[command(after_help = "\
Examples:
  guildhall members impact ben --org data-platform")]
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
    /// What comes first
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
                add(context, &usernames, &roles, &organization).await
            }
            Self::List { which, organization } => list(context, which, &organization).await,
            Self::Show { username, organization } => show::show(context, &username, &organization).await,
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
    roles: &[String],
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    bulk::each(
        context,
        usernames,
        async |usernames| {
            let roles = Some(roles.to_vec()).filter(|roles| !roles.is_empty());
            let input =
                |username: &String| NewMemberInput { username: username.clone(), roles: roles.clone() };
            Ok(usernames.iter().map(|username| Ok(input(username))).collect())
        },
        async |members| {
            client.add_members(AddMembersInput { organization_id: organization.id.clone(), members }).await
        },
        |result| &result.user_errors,
        |name, result| {
            let name = result.member.as_ref().map_or(name, |member| &member.user.username);
            format!("Added {name} to {}.", organization.name)
        },
    )
    .await
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
    let narrowed = filter.query.is_some() || filter.role.is_some() || filter.group_id.is_some();
    let page = async |after| client.members(&organization.id, &filter, order, after).await;
    let members = which.limit.read(page).await?;
    let hint = format!(
        "No member found. Add one with `guildhall members add USERNAME --org {}`.",
        organization.name
    );
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
        &Nothing::of("member").narrowed(narrowed || filter.status.is_some()).hint(hint),
    )
}

pub(crate) fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The same where they may go on below.
pub(crate) fn listed(roles: Option<&[Role]>) -> Value {
    roles.unwrap_or_default().iter().map(|role| role.name.clone()).collect::<Vec<_>>().into()
}
