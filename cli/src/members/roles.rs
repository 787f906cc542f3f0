//! `members roles`: which roles members hold.

use clap::Args;
use guildhall_client::member::{MemberRolesInput, SetMemberRolesResult, SetMembersRolesInput};

use super::names;
use crate::bulk;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;

/// The arguments of `guildhall members roles`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each name is answered for itself; the exit code is 6 when some could not be changed.

Examples:
  guildhall members roles ana --org data-platform --role organization-admin
  guildhall members roles ben cleo --org data-platform --none")]
pub struct Roles {
    /// Their usernames, as many as you like
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
        let sentence = |name: &String, result: &SetMemberRolesResult| {
            let roles = result.member.as_ref().map(|member| names(&member.roles)).unwrap_or_default();
            match roles.as_str() {
                "" => format!("{name} is a plain member of {} now.", organization.name),
                roles => format!("{name} has these roles in {} now: {roles}.", organization.name),
            }
        };
        bulk::each(
            context,
            &self.usernames,
            async |usernames| {
                let roles = || self.roles.roles.clone();
                bulk::users(&client, usernames, |user_id| MemberRolesInput { user_id, roles: roles() }).await
            },
            async |members| {
                let organization_id = organization.id.clone();
                client.set_members_roles(SetMembersRolesInput { organization_id, members }).await
            },
            |result| &result.user_errors,
            sentence,
        )
        .await
    }
}
