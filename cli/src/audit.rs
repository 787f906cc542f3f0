//! `audit`: what was done, by whom, and what was denied.

use clap::{Args, Subcommand};
use guildhall_client::audit_log::{AuditChange, AuditLogEntry, AuditLogFilter, AuditLogOrder};
use guildhall_client::permission::{AuditAction, AuditStatus, Resource};
use guildhall_client::{Client, DateTime, Id, Json};

use crate::context::Context;
use crate::failure::Failure;
use crate::listing::Limit;
use crate::numbers::some;
use crate::output::{Nothing, Value, state, word};
use crate::time::{exact, past};
use crate::words::{actions, outcomes, resources, spoken};

/// The verbs of `guildhall audit`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall audit list --org data-platform --status denied
  guildhall audit list --actor ana --from 2d --limit 200
  guildhall audit show aud_01h455vb4pex5vsknk084sn02q
  guildhall audit export > audit.jsonl")]
pub enum Audit {
    /// List entries, newest first
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall audit list --org data-platform --status denied
  guildhall audit list --actor ana --from yesterday --to today
  guildhall audit list --resource provisioner-key --action create --limit 10"
    )]
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = some)]
        limit: usize,
    },
    /// Show an entry with what changed, field by field
    #[command(after_help = "\
Examples:
  guildhall audit show aud_01h455vb4pex5vsknk084sn02q")]
    Show {
        /// Its id, as `audit list` shows it
        id: String,
    },
    /// Write entries as JSON Lines, oldest first, to the output stream
    #[command(after_help = "\
Examples:
  guildhall audit export > audit.jsonl
  guildhall audit export --org data-platform --from 2026-11-01 --to 2026-12-01 > november.jsonl")]
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
    /// Only this action
    #[arg(long, value_name = "ACTION", value_parser = actions())]
    action: Option<AuditAction>,
    /// Only to this kind of thing
    #[arg(long, value_name = "RESOURCE", value_parser = resources())]
    resource: Option<Resource>,
    /// Only to this thing, by its id
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,
    /// Only with this outcome
    #[arg(long, value_name = "STATUS", value_parser = outcomes())]
    status: Option<AuditStatus>,
    /// Only from this time on: a time, a day, or how long ago (2026-11-24T09:30:00Z, 2026-11-24, yesterday, 2d)
    #[arg(long, value_name = "TIME", value_parser = past)]
    from: Option<DateTime>,
    /// Only before this time, given alike
    #[arg(long, value_name = "TIME", value_parser = past)]
    to: Option<DateTime>,
}

impl Which {
    async fn filter(self, client: &Client) -> Result<AuditLogFilter, Failure> {
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
            action: self.action,
            resource: self.resource,
            resource_id: self.resource_id.map(Id::new),
            status: self.status,
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
                let header =
                    ["TIME", "ACTOR", "ACTION", "RESOURCE", "NAME", "STATUS", "MISSING", "ADDRESS", "ID"];
                let nothing = Nothing::of("entry that you may read").narrowed(true);
                context.output.list(&entries, &header, row, &nothing)
            }
            Self::Show { id } => show(context, &client.audit_log_entry(&Id::new(id)).await?),
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

/// The name that a thing had, or what else tells it apart: what was denied often had no name yet.
fn name(entry: &AuditLogEntry) -> Value {
    match (entry.resource_name.as_str(), &entry.resource_id) {
        ("", Some(id)) => id.into(),
        (name, _) => name.into(),
    }
}

fn missing(entry: &AuditLogEntry) -> String {
    entry.missing_permission.as_ref().map(spoken).unwrap_or_default()
}

fn row(entry: &AuditLogEntry) -> Vec<Value> {
    vec![
        entry.time.into(),
        entry.actor.name.as_str().into(),
        word(&entry.action).into(),
        word(&entry.resource).into(),
        name(entry),
        state(&entry.status),
        missing(entry).into(),
        entry.address.as_str().into(),
        (&entry.id).into(),
    ]
}

fn show(context: &Context, entry: &AuditLogEntry) -> Result<(), Failure> {
    let id = |id: &Option<Id>| id.as_ref().map_or("", Id::inner).to_owned();
    let mut rows = vec![
        ("Id", entry.id.inner().into()),
        ("Time", exact(entry.time).into()),
        ("Actor", format!("{} ({})", entry.actor.name, word(&entry.actor.kind)).into()),
        ("Action", word(&entry.action).into()),
        ("Resource", word(&entry.resource).into()),
        ("Name", entry.resource_name.as_str().into()),
        ("Resource id", id(&entry.resource_id).into()),
        ("Organization id", id(&entry.organization_id).into()),
        ("Status", state(&entry.status)),
        ("Address", entry.address.as_str().into()),
        ("Request", entry.request_id.as_str().into()),
    ];
    if entry.missing_permission.is_some() {
        rows.push(("Missing", missing(entry).into()));
    }
    context.output.object(entry, rows)?;
    if context.output.is_json() || entry.changes.is_empty() {
        return Ok(());
    }
    let changes = entry.changes.iter().map(change);
    context.output.line(&format!("\n{}", context.output.table(&["FIELD", "BEFORE", "AFTER"], changes)))
}

fn change(change: &AuditChange) -> Vec<Value> {
    vec![
        change.field.as_str().into(),
        text(change.before.as_ref()).into(),
        text(change.after.as_ref()).into(),
    ]
}

/// A value as people read it: a text as it is, everything else as JSON. Nothing is an empty cell.
fn text(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
