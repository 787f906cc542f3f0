//! `provisioner`: keys, daemons and jobs of an organization.

mod daemons;
mod health;
mod jobs;
mod keys;

use clap::Subcommand;
use guildhall_client::tag::Tag;

use crate::context::Context;
use crate::failure::Failure;

/// The nouns below `guildhall provisioner`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A provisioner daemon runs the templates of one organization. It needs a key:
  guildhall provisioner keys create my-cluster --org data-platform
and runs anywhere the server can be reached from:
  GUILDHALL_PROVISIONER_DAEMON_KEY=… guildhall provisionerd start --org data-platform
Whether it is there, and why a job waits:
  guildhall provisioner health --org data-platform
  guildhall provisioner daemons --org data-platform
  guildhall provisioner jobs --org data-platform")]
pub enum Provisioner {
    /// Keys that let daemons serve an organization
    #[command(subcommand, alias = "key")]
    Keys(keys::Keys),
    /// The daemons of an organization
    #[command(alias = "list")]
    Daemons(daemons::Daemons),
    /// Who is there, what waits and why, how jobs have ended lately
    Health(health::Health),
    /// The jobs of an organization, and why they wait
    Jobs(jobs::Jobs),
}

impl Provisioner {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Keys(keys) => keys.run(context).await,
            Self::Daemons(daemons) => daemons.run(context).await,
            Self::Health(health) => health.run(context).await,
            Self::Jobs(jobs) => jobs.run(context).await,
        }
    }
}

fn tags(tags: &[Tag]) -> String {
    tags.iter().map(|tag| format!("{}={}", tag.name, tag.value)).collect::<Vec<_>>().join(", ")
}
