//! `quota`: what workspaces may cost a day, and what they do.

mod preview;

use clap::{Args, Subcommand};
use guildhall_client::quota::Quota;

use crate::context::Context;
use crate::failure::Failure;
use crate::groups;
use crate::names::{InOrganization, Scoped};
use crate::numbers::natural;
use crate::output::Value;

/// The verbs of `guildhall quota`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall quota show --org data-platform
  guildhall quota show ana --org data-platform
  guildhall quota set --group data-platform/analysts 20
  guildhall quota set --org data-platform 500
  guildhall quota set --org data-platform --none
  guildhall quota preview --template data-platform/docker-dev")]
pub enum QuotaCommand {
    /// Show a member's budget, or the organization's cap, and what is used of it
    #[command(after_help = "\
Examples:
  guildhall quota show --org data-platform
  guildhall quota show ana --org data-platform")]
    Show {
        /// The member; the organization itself if left out
        username: Option<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Set the allowance of a group's members, or the organization's cap
    #[command(after_help = "\
Examples:
  guildhall quota set --group data-platform/analysts 20
  guildhall quota set --org data-platform 500
  guildhall quota set --org data-platform --none")]
    Set(Set),
    /// Show what a build would cost a day, and whether it would be let pass
    Preview(preview::Preview),
}

/// What to set.
#[derive(Debug, Args)]
pub struct Set {
    /// Credits a day
    #[arg(value_name = "CREDITS", value_parser = natural,
          required_unless_present = "none")]
    credits: Option<i32>,
    /// Remove the organization's cap
    #[arg(long, conflicts_with_all = ["credits", "group"])]
    none: bool,
    /// The group whose members each get the allowance: NAME or ORG/NAME
    #[arg(long, value_name = "GROUP")]
    group: Option<Scoped>,
    #[command(flatten)]
    organization: InOrganization,
}

impl QuotaCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Show { username, organization } => {
                let organization = organization.resolve(&client).await?;
                match username {
                    None => {
                        let quota = client.organization_quota(&organization.id).await?;
                        context.output.object(&quota, rows(&quota))
                    }
                    Some(username) => {
                        let member = client.member_quota(&organization.id, &username).await?;
                        match &member.quota {
                            Some(quota) => context.output.object(quota, rows(quota)),
                            None => Err(Failure::usage(format!("you may not see the quota of {username}"))),
                        }
                    }
                }
            }
            Self::Set(set) => set.run(context).await,
            Self::Preview(preview) => preview.run(context).await,
        }
    }
}

impl Set {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        if let (Some(group), Some(credits)) = (&self.group, self.credits) {
            let group = groups::find(&client, group, &self.organization).await?;
            client.set_group_quota(&group.id, credits).await?;
            let sentence = format!("Each member of {} may use {credits} credits a day.", group.name);
            return context.output.done(&group, &sentence);
        }
        let organization = self.organization.resolve(&client).await?;
        client.set_organization_quota(&organization.id, self.credits).await?;
        let quota = client.organization_quota(&organization.id).await?;
        let sentence = match self.credits {
            Some(credits) => format!("{} may use {credits} credits a day.", organization.name),
            None => format!("{} has no cap any more.", organization.name),
        };
        context.output.done(&quota, &sentence)
    }
}

fn limit(credits: Option<i32>) -> String {
    credits.map_or_else(|| "no limit".to_owned(), |some| some.to_string())
}

fn rows(quota: &Quota) -> Vec<(&'static str, Value)> {
    vec![
        ("Budget", limit(quota.budget).into()),
        ("Used", quota.used.to_string().into()),
        ("Remaining", limit(quota.remaining).into()),
    ]
}
