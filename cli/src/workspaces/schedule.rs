//! `workspaces schedule`: what a workspace does by itself.

use clap::{Args, Subcommand};
use guildhall_client::workspace_change::{
    AutomaticUpdates, AutostartScheduleInput, UpdateWorkspaceInput, WorkspaceTimes,
};

use super::Which;
use crate::change::Expected;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Value, word};
use crate::time::{Span, span_of};

/// The verbs of `guildhall workspaces schedule`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall workspaces schedule show dev
  guildhall workspaces schedule set dev --autostart '30 8 * * 1-5' --timezone Europe/Berlin
  guildhall workspaces schedule set dev --ttl 9h
  guildhall workspaces schedule clear dev --autostart")]
pub enum Schedule {
    /// Show when it starts, stops, falls dormant and is deleted
    #[command(after_help = "\
Examples:
  guildhall workspaces schedule show data-platform/dev")]
    Show(Which),
    /// Set when it starts by itself, and for how long it runs
    #[command(after_help = "\
Examples:
  guildhall workspaces schedule set dev --autostart '30 8 * * 1-5' --timezone Europe/Berlin
  guildhall workspaces schedule set dev --ttl 9h --automatic-updates always")]
    Set(Set),
    /// Take that away
    #[command(after_help = "\
Examples:
  guildhall workspaces schedule clear dev --autostart --ttl")]
    Clear(Clear),
}

/// The arguments of `guildhall workspaces schedule set`.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["autostart", "ttl", "automatic_updates"])]
pub struct Set {
    #[command(flatten)]
    which: Which,
    /// Minute, hour, day of the month, month, day of the week: '30 8 * * 1-5' is half past eight from Monday to Friday
    #[arg(long, value_name = "CRON", requires = "timezone")]
    autostart: Option<String>,
    /// The time zone of --autostart by its name in the IANA database, e.g. Europe/Berlin
    #[arg(long, value_name = "ZONE", requires = "autostart")]
    timezone: Option<String>,
    /// For how long it runs after a start, e.g. 90m, 9h or 2d
    #[arg(long, value_name = "SPAN")]
    ttl: Option<Span>,
    /// Whether it moves to the template's active version when it starts
    #[arg(long, value_name = "WHEN")]
    automatic_updates: Option<Updates>,
    #[command(flatten)]
    expected: Expected,
}

/// Whether it moves to the active version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Updates {
    /// At every start.
    Always,
    /// Only when somebody asks.
    Never,
}

/// The arguments of `guildhall workspaces schedule clear`.
#[derive(Debug, Args)]
#[group(id = "which_of_it", required = true, multiple = true, args = ["autostart", "ttl"])]
pub struct Clear {
    #[command(flatten)]
    which: Which,
    /// It starts no more by itself
    #[arg(long)]
    autostart: bool,
    /// The template says for how long it runs
    #[arg(long)]
    ttl: bool,
}

impl Schedule {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Show(which) => {
                let workspace = which.find(&client).await?;
                present(context, &client.workspace_times(&workspace.id).await?)
            }
            Self::Set(set) => {
                let workspace = set.which.find(&client).await?;
                let schedule = set.autostart.zip(set.timezone);
                let input = UpdateWorkspaceInput {
                    autostart_schedule: schedule
                        .map(|(cron, time_zone)| AutostartScheduleInput { cron, time_zone }),
                    ttl_seconds: set.ttl.map(Span::seconds),
                    automatic_updates: set.automatic_updates.map(|updates| match updates {
                        Updates::Always => AutomaticUpdates::Always,
                        Updates::Never => AutomaticUpdates::Never,
                    }),
                    expected_version: set.expected.given(),
                    ..UpdateWorkspaceInput::of(&workspace.id)
                };
                present(context, &client.update_workspace(input).await?)
            }
            Self::Clear(clear) => {
                let workspace = clear.which.find(&client).await?;
                if clear.autostart {
                    client.clear_workspace_autostart(&workspace.id).await?;
                }
                if clear.ttl {
                    client.clear_workspace_ttl(&workspace.id).await?;
                }
                present(context, &client.workspace_times(&workspace.id).await?)
            }
        }
    }
}

/// What a workspace does by itself.
pub(super) fn rows(times: &WorkspaceTimes) -> Vec<(&'static str, Value)> {
    let or = |value: Option<Value>, otherwise: &str| value.unwrap_or_else(|| otherwise.into());
    let schedule = times.autostart_schedule.as_ref().map(|one| format!("{} ({})", one.cron, one.time_zone));
    let ttl = times.ttl_seconds.map(|seconds| span_of(seconds).into());
    let mut rows = vec![
        ("Autostart", or(schedule.map(Value::from), "never")),
        ("Next start", or(times.next_autostart_at.map(Value::from), "-")),
        ("Runs for", or(ttl, "as the template says")),
        ("Stops", or(times.deadline.map(Value::from), "not by itself")),
        ("Automatic updates", word(&times.automatic_updates).into()),
        ("Last used", or(times.last_used_at.map(Value::from), "never")),
    ];
    if let Some(since) = times.dormant_at {
        rows.push(("Dormant", since.into()));
    }
    if let Some(end) = times.deleting_at {
        rows.push(("Deleted", end.into()));
    }
    rows
}

/// Writes it.
pub(super) fn present(context: &Context, times: &WorkspaceTimes) -> Result<(), Failure> {
    let mut all = vec![("Name", times.name.as_str().into())];
    all.extend(rows(times));
    context.output.object(times, all)?;
    if times.deleting_at.is_some() {
        let name = &times.name;
        context
            .output
            .note(&format!("It is going to be deleted: `guildhall workspaces activate {name}` keeps it."));
    }
    Ok(())
}
