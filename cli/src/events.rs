//! `events`: what happens in an organization, as it happens.

use std::time::Duration;

use clap::Args;
use guildhall_client::Retry;
use guildhall_client::permission::Resource;

use crate::context::Context;
use crate::failure::Failure;
use crate::numbers::some;
use crate::words::resources;

/// A server that restarts, or another that takes over, is there by then.
const PATIENCE: Retry =
    Retry { attempts: 20, first_wait: Duration::from_millis(250), longest_wait: Duration::from_secs(5) };

/// The arguments of `guildhall events`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every event is one JSON object on one line. Goes on until it is interrupted; a connection that breaks is opened again
where it broke.

Examples:
  guildhall events --org data-platform
  guildhall events --org data-platform --resource workspace --resource template
  guildhall events --org data-platform --after \"$CURSOR\" --limit 100")]
pub struct Events {
    /// The organization
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    org: String,
    /// Only what happens to this kind of thing; may be repeated
    #[arg(long, value_name = "RESOURCE", value_parser = resources())]
    resource: Vec<Resource>,
    /// Start after this cursor, as an event shows it; with what happens from now on if absent
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = some)]
    limit: Option<usize>,
}

impl Events {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?.with_retry(PATIENCE);
        let organization = client.organization(&self.org).await?.id;
        let mut left = self.limit.unwrap_or(usize::MAX);
        client
            .organization_events(&organization, self.resource, self.after, |event| -> Result<bool, Failure> {
                context.output.json_line(event)?;
                left -= 1;
                Ok(left > 0)
            })
            .await
    }
}
