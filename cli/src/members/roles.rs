//! `members roles`: which roles members hold.

use clap::Args;
use guildhall_client::member::{MemberRolesInput, SetMemberRolesResult, SetMembersRolesInput};

use super::names;
use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;

/// The arguments of `guildhall members roles`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall members roles ana --org data-platform --role organization-admin
  guildhall members roles ben cleo --org data-platform --none")]
pub struct Roles {
    /// Their usernames
    #[arg(required = true, value_name = "USERNAME")]
    usernames: Vec<String>,
    #[command(flatten)]
    roles: NewRoles,
    #[command(flatten)]
    organization: InOrganization,
}

/// The roles that each shall have.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct NewRoles {
    /// A role beyond that of every member; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// No role beyond that of every member
    #[arg(long)]
    none: bool,
}

impl Roles {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve(&client).await?;
        let mut members = Vec::with_capacity(self.usernames.len());
        for username in &self.usernames {
            let user_id = client.user(username).await?.id;
            members.push(MemberRolesInput { user_id, roles: self.roles.roles.clone() });
        }
        let input = SetMembersRolesInput { organization_id: organization.id, members };
        let results = client.set_members_roles(input).await?;
        let sentence = |name: &str, result: &SetMemberRolesResult| match result
            .member
            .as_ref()
            .map(|member| names(&member.roles))
            .unwrap_or_default()
        {
            none if none.is_empty() => format!("{name} is a plain member of {} now.", organization.name),
            roles => format!("{name} has these roles in {} now: {roles}.", organization.name),
        };
        report(context, &self.usernames, &results, |result| &result.user_errors, sentence)
    }
}
