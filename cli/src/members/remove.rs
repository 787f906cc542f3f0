//! `members remove` and `members impact`: when people leave.

use clap::{Args, ValueEnum};
use guildhall_client::departure::{RemoveMemberResult, RemoveMembersInput, WorkspaceDisposition};

use crate::bulk;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;

/// The arguments of `guildhall members remove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Asks for the name of whom it removes, or needs --yes. `guildhall members impact` says beforehand what there is.
Each name is answered for itself; the exit code is 6 when some could not be removed.

Examples:
  guildhall members remove ben --org data-platform
  guildhall members remove ben --org data-platform --workspaces stop
  guildhall members remove ben cleo --org data-platform --workspaces transfer --transfer-to ana --yes")]
pub struct Remove {
    /// Their usernames, as many as you like
    #[arg(required = true, value_name = "USERNAME")]
    usernames: Vec<String>,
    /// What becomes of their workspaces
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    workspaces: Workspaces,
    /// Whose the workspaces become: the username of a member who stays
    #[arg(long, value_name = "USERNAME", required_if_eq("workspaces", "transfer"))]
    transfer_to: Option<String>,
    #[command(flatten)]
    organization: InOrganization,
}

/// What becomes of the workspaces of somebody who leaves.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Workspaces {
    /// They stay as they are, and theirs
    Keep,
    /// They become another member's
    Transfer,
    /// They stay theirs, and are stopped
    Stop,
    /// They are destroyed
    Delete,
}

impl Remove {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve(&client).await?;
        let transfer_to_user_id = match &self.transfer_to {
            Some(username) => Some(client.user(username).await?.id),
            None => None,
        };
        let (workspaces, tail) = match self.workspaces {
            Workspaces::Keep => (WorkspaceDisposition::Keep, ""),
            Workspaces::Transfer => (WorkspaceDisposition::Transfer, " and gives their workspaces away"),
            Workspaces::Stop => (WorkspaceDisposition::Stop, " and stops their workspaces"),
            Workspaces::Delete => (WorkspaceDisposition::Delete, " and destroys their workspaces"),
        };
        // A few names are typed as they stand; nobody types a hundred.
        match self.usernames.as_slice() {
            few @ ([_] | [_, _] | [_, _, _]) => {
                let who = few.join(", ");
                context.confirm(&format!("the membership of {who} in {}{tail}", organization.name), &who)?;
            }
            many => {
                let what = format!("the memberships of {} people in {}{tail}", many.len(), organization.name);
                context.confirm(&what, &organization.name)?;
            }
        }
        let sentence = |name: &String, result: &RemoveMemberResult| {
            let count = result.workspace_ids.len();
            let (removed, of) = (format!("Removed {name} from {}.", organization.name), self.workspaces);
            match of {
                _ if count == 0 => removed,
                Workspaces::Transfer => format!("{removed} Workspaces given away: {count}."),
                _ => format!("{removed} Builds queued: {count}."),
            }
        };
        bulk::each(
            context,
            &self.usernames,
            async |usernames| bulk::users(&client, usernames, |id| id).await,
            async |user_ids| {
                let input = RemoveMembersInput {
                    organization_id: organization.id.clone(),
                    user_ids,
                    workspaces: Some(workspaces),
                    transfer_to_user_id: transfer_to_user_id.clone(),
                };
                client.remove_members(input).await
            },
            |result| &result.user_errors,
            sentence,
        )
        .await
    }
}

pub(super) async fn impact(
    context: &Context,
    username: &str,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let user = client.user(username).await?;
    let impact = client.removal_impact(&organization.id, &user.id).await?;
    let rows = vec![
        ("Workspaces", impact.workspaces.to_string().into()),
        ("Running", impact.running_workspaces.to_string().into()),
        ("Stopped", impact.stopped_workspaces.to_string().into()),
        ("Failed", impact.failed_workspaces.to_string().into()),
        ("Being built", impact.building_workspaces.to_string().into()),
        ("Credits a day", impact.daily_cost.to_string().into()),
        ("Groups", impact.groups.to_string().into()),
        ("Access to templates", impact.template_access.to_string().into()),
    ];
    context.output.object(&impact, rows)
}
