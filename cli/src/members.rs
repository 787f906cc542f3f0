//! `members`: who belongs to an organization, and with which roles.

use clap::{Args, Subcommand};
use guildhall_client::Page;
use guildhall_client::member::{AddMembersInput, NewMemberInput, RemoveMemberInput, SetMemberRolesInput};
use guildhall_client::role::Role;
use serde_json::json;

use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;

/// The verbs of `guildhall members`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall members add ana ben --org data-platform
  guildhall members add cleo --org data-platform --role organization-template-admin
  guildhall members roles ana --org data-platform --role organization-admin
  guildhall members remove ben --org data-platform")]
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
        /// Only those whose username or name contains this
        #[arg(long, value_name = "TEXT")]
        query: Option<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Remove a member from an organization
    #[command(visible_alias = "rm")]
    Remove {
        /// Their username
        username: String,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Replace the roles of a member
    Roles {
        /// Their username
        username: String,
        #[command(flatten)]
        roles: NewRoles,
        #[command(flatten)]
        organization: InOrganization,
    },
}

/// The roles that a member shall have.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NewRoles {
    /// A role beyond that of every member; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// No role beyond that of every member
    #[arg(long)]
    none: bool,
}

impl Members {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add { usernames, roles, organization } => {
                add(context, &usernames, roles, &organization).await
            }
            Self::List { query, organization } => list(context, query, &organization).await,
            Self::Remove { username, organization } => remove(context, &username, &organization).await,
            Self::Roles { username, roles, organization } => {
                set_roles(context, &username, roles.roles, &organization).await
            }
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
    report(context, usernames, &results, |result| &result.user_errors, &organization.name)
}

async fn list(
    context: &Context,
    query: Option<String>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let page = async |after| client.members(&organization.id, query.clone(), after).await;
    let members = Page::all(usize::MAX, page).await?;
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

async fn remove(context: &Context, username: &str, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let user = client.user(username).await?;
    context.confirm(&format!("the membership of {username} in {}", organization.name), username)?;
    let input = RemoveMemberInput { organization_id: organization.id, user_id: user.id };
    let removed = client.remove_member(input).await?;
    let sentence = format!("Removed {username} from {}.", organization.name);
    context.output.done(&json!({ "removedUserId": removed }), &sentence)
}

async fn set_roles(
    context: &Context,
    username: &str,
    roles: Vec<String>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let user = client.user(username).await?;
    let input = SetMemberRolesInput { organization_id: organization.id, user_id: user.id, roles };
    let member = client.set_member_roles(input).await?;
    let sentence = match names(&member.roles) {
        none if none.is_empty() => format!("{username} is a plain member of {} now.", organization.name),
        roles => format!("{username} has these roles in {} now: {roles}.", organization.name),
    };
    context.output.done(&member, &sentence)
}

pub(crate) fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ")
}
