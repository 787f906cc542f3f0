//! `provisioner daemons`.

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::provisioner_daemon::{
    ProvisionerDaemon, ProvisionerDaemonFilter, ProvisionerDaemonOrder, ProvisionerDaemonStatus,
};
use guildhall_client::{Client, ClientError, Page};
use serde_json::json;

use super::tags;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::listing::{Order, Sorted};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value, state, word};

/// The arguments of `guildhall provisioner daemons`; without a verb it lists.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  guildhall provisioner daemons --org data-platform
  guildhall provisioner daemons delete data-platform/build-7"
)]
pub struct Daemons {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

/// Which daemons.
#[derive(Debug, Args)]
struct List {
    /// Only those of this status
    #[arg(long)]
    status: Option<Status>,
    #[command(flatten)]
    order: Sorted,
    #[command(flatten)]
    organization: InOrganization,
}

/// Whether a daemon is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    /// Signed off, unseen for 90 seconds, or with a key that is disabled or has expired
    Offline,
    /// Runs a job
    Busy,
    /// Waits for one
    Idle,
}

impl From<Status> for ProvisionerDaemonStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Offline => Self::Offline,
            Status::Busy => Self::Busy,
            Status::Idle => Self::Idle,
        }
    }
}

/// The verbs of `guildhall provisioner daemons`.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List the daemons of an organization
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall provisioner daemons list --org data-platform --status offline"
    )]
    List(List),
    /// Forget a daemon that is offline
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall provisioner daemons delete data-platform/build-7"
    )]
    Delete {
        /// NAME or ORG/NAME; its id where several have the name
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
}

impl Daemons {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self.verb.unwrap_or(Verb::List(self.list)) {
            Verb::List(which) => list(context, &client, which).await,
            Verb::Delete { name, organization } => delete(context, &client, &name, &organization).await,
        }
    }
}

async fn list(context: &Context, client: &Client, which: List) -> Result<(), Failure> {
    let organization = which.organization.resolve(client).await?;
    let narrowed = which.status.is_some();
    let filter = ProvisionerDaemonFilter { status: which.status.map(ProvisionerDaemonStatus::from) };
    let order = Order::of(which.order.sort);
    let page = async |after| client.provisioner_daemons(&organization.id, &filter, order, after).await;
    let daemons = which.order.limit.read(page).await?;
    context.output.list(
        &daemons,
        &["NAME", "STATUS", "ENGINES", "KEY", "TAGS", "VERSION", "JOBS", "LAST SEEN"],
        row,
        &Nothing::of("daemon").narrowed(narrowed).hint(format!(
            "No daemon of {0} found. Make a key with `guildhall provisioner keys create NAME --org {0}`, \
             then start one with `guildhall provisionerd start --org {0}`.",
            organization.name
        )),
    )
}

fn row(daemon: &ProvisionerDaemon) -> Vec<Value> {
    let engines = daemon.engines.iter().map(word).collect::<Vec<_>>().join(", ");
    let version = if daemon.version_matches {
        daemon.version.clone()
    } else {
        format!("{} (not the server's)", daemon.version)
    };
    let jobs = daemon.current_jobs.iter().map(|job| job.id.inner()).collect::<Vec<_>>().join(", ");
    vec![
        daemon.name.as_str().into(),
        state(&daemon.status),
        engines.into(),
        daemon.key_name.as_deref().unwrap_or("built in").into(),
        tags(&daemon.tags).into(),
        version.into(),
        Value::Ids(jobs),
        daemon.last_seen_at.into(),
    ]
}

async fn delete(
    context: &Context,
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let organization = organization.resolve_for(client, name).await?;
    let (filter, order) = (ProvisionerDaemonFilter::default(), ProvisionerDaemonOrder::NameAsc);
    let page = async |after| client.provisioner_daemons(&organization.id, &filter, order, after).await;
    let mut found = Page::all(usize::MAX, page).await?;
    found.retain(|daemon| daemon.name == name.name || daemon.id.inner() == name.name);
    let daemon = match &found[..] {
        [daemon] => daemon,
        [] => {
            let name = name.name.clone();
            return Err(ClientError::NotFound { kind: "provisioner daemon", name }.into());
        }
        several => {
            let ids = several.iter().map(|daemon| daemon.id.inner()).collect::<Vec<_>>().join(", ");
            let message = format!("several daemons are called {}: name one by its id ({ids})", name.name);
            return Err(Failure::new(Exit::Usage, message));
        }
    };
    context.confirm(&format!("the daemon {}", daemon.name), &daemon.name)?;
    let deleted = client.delete_provisioner_daemon(&daemon.id).await?;
    let sentence = format!("Deleted the daemon {}.", daemon.name);
    context.output.done(&json!({ "deletedProvisionerDaemonId": deleted }), &sentence)
}
