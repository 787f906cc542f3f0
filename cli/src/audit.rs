//! `audit`: what was done, by whom, and what was denied.

use clap::{Args, Subcommand};
use guildhall_client::audit_log::{
    AuditAction, AuditLogEntry, AuditLogFilter, AuditLogOrder, AuditStatus, Resource,
};
use guildhall_client::{Client, DateTime, Id};

use crate::context::Context;
use crate::failure::Failure;
use crate::listing::Limit;
use crate::output::Value;

/// The verbs of `guildhall audit`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall audit list --org data-platform --status DENIED
  guildhall audit list --actor ana --from 2026-11-01T00:00:00Z --limit 200
  guildhall audit export > audit.jsonl")]
pub enum Audit {
    /// List entries, newest first
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Write entries as JSON Lines, oldest first, to the output stream
    Export {
        #[command(flatten)]
        which: Which,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub struct Which {
    /// Only of this organization
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    org: Option<String>,
    /// Only by this user
    #[arg(long, value_name = "USERNAME")]
    actor: Option<String>,
    /// Only this action, e.g. CREATE
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only to this kind of thing, e.g. TEMPLATE
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only to this thing, by its id
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,
    /// Only with this outcome: SUCCESS, DENIED or FAILURE
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only from this time on, e.g. 2026-11-24T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<DateTime>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    to: Option<DateTime>,
}

impl Which {
    async fn filter(self, client: &Client) -> Result<AuditLogFilter, Failure> {
        let word = |text: String| text.to_uppercase().replace('-', "_");
        let organization_id = match &self.org {
            Some(name) => Some(client.organization(name).await?.id),
            None => None,
        };
        let actor_id = match &self.actor {
            Some(name) => Some(client.user(name).await?.id),
            None => None,
        };
        Ok(AuditLogFilter {
            actor_id,
            organization_id,
            action: self.action.map(|text| AuditAction(word(text))),
            resource: self.resource.map(|text| Resource(word(text))),
            resource_id: self.resource_id.map(Id::new),
            status: self.status.map(|text| AuditStatus(word(text))),
            from: self.from,
            to: self.to,
        })
    }
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::List { which, limit } => {
                let filter = which.filter(&client).await?;
                let page = async |after| client.audit_log(&filter, AuditLogOrder::TimeDesc, after).await;
                let entries = Limit::of(limit).read(page).await?;
                let header = ["TIME", "ACTOR", "ACTION", "RESOURCE", "NAME", "STATUS", "ADDRESS"];
                context.output.list(&entries, &header, row, "No entry that you may read matches.")
            }
            Self::Export { which } => {
                let filter = which.filter(&client).await?;
                let mut after = None;
                // A page at a time: the log may be larger than the memory.
                loop {
                    let page = client.audit_log(&filter, AuditLogOrder::TimeAsc, after).await?;
                    for entry in &page.nodes {
                        context.output.json_line(entry)?;
                    }
                    if !page.has_next || page.end_cursor.is_none() {
                        return Ok(());
                    }
                    after = page.end_cursor;
                }
            }
        }
    }
}

fn row(entry: &AuditLogEntry) -> Vec<Value> {
    vec![
        entry.time.into(),
        entry.actor.name.as_str().into(),
        crate::output::word(&entry.action).into(),
        crate::output::word(&entry.resource).into(),
        entry.resource_name.as_str().into(),
        crate::output::state(&entry.status),
        entry.address.as_str().into(),
    ]
}
