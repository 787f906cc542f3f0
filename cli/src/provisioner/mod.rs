//! `provisioner`: keys, daemons and jobs of an organization.

mod jobs;
mod keys;

use clap::Subcommand;
use guildhall_client::Page;
use guildhall_client::provisioner_daemon::ProvisionerDaemon;
use guildhall_client::tag::Tag;

use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;
use crate::output::{state, word};

/// The nouns below `guildhall provisioner`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A provisioner daemon runs the templates of one organization. It needs a key:
  guildhall provisioner keys create my-cluster --org data-platform
and runs anywhere the server can be reached from:
  GUILDHALL_PROVISIONER_DAEMON_KEY=… guildhall provisionerd start --org data-platform
Whether it is there, and why a job waits:
  guildhall provisioner daemons --org data-platform
  guildhall provisioner jobs --org data-platform")]
pub enum Provisioner {
    /// Keys that let daemons serve an organization
    #[command(subcommand, alias = "key")]
    Keys(keys::Keys),
    /// List the daemons of an organization
    #[command(alias = "list")]
    Daemons {
        #[command(flatten)]
        organization: InOrganization,
    },
    /// The jobs of an organization, and why they wait
    Jobs(jobs::Jobs),
}

impl Provisioner {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Keys(keys) => keys.run(context).await,
            Self::Daemons { organization } => daemons(context, &organization).await,
            Self::Jobs(jobs) => jobs.run(context).await,
        }
    }
}

async fn daemons(context: &Context, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let page = async |after| client.provisioner_daemons(&organization.id, after).await;
    let daemons = Page::all(usize::MAX, page).await?;
    context.output.list(
        &daemons,
        &["NAME", "STATUS", "ENGINES", "KEY", "TAGS", "VERSION", "LAST SEEN"],
        |daemon| {
            vec![
                daemon.name.as_str().into(),
                state(&daemon.status),
                engines(daemon).into(),
                daemon.key_name.as_deref().unwrap_or("built in").into(),
                tags(&daemon.tags).into(),
                daemon.version.as_str().into(),
                daemon.last_seen_at.into(),
            ]
        },
        &format!(
            "No daemon has served {0} yet. Make a key with `guildhall provisioner keys create NAME --org {0}`, \
             then start one with `guildhall provisionerd start --org {0}`.",
            organization.name
        ),
    )
}

fn engines(daemon: &ProvisionerDaemon) -> String {
    daemon.engines.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn tags(tags: &[Tag]) -> String {
    tags.iter().map(|tag| format!("{}={}", tag.name, tag.value)).collect::<Vec<_>>().join(", ")
}
