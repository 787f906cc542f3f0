//! `provisioner health`.

use clap::Args;
use guildhall_client::provisioner_health::{ProvisionerHealth, ProvisionerJobStatistics};

use super::tags;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;
use crate::output::{Output, Value, word};

/// The arguments of `guildhall provisioner health`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall provisioner health --org data-platform")]
pub struct Health {
    #[command(flatten)]
    organization: InOrganization,
}

impl Health {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve(&client).await?;
        let health = client.provisioner_health(&organization.id).await?;
        show(&context.output, &health)
    }
}

fn show(output: &Output, health: &ProvisionerHealth) -> Result<(), Failure> {
    let there = format!(
        "{} idle, {} busy, {} offline",
        health.idle_daemons, health.busy_daemons, health.offline_daemons
    );
    let mut rows: Vec<(&str, Value)> = vec![
        ("Daemons", there.into()),
        ("Of another version", health.mismatched_daemons.to_string().into()),
        ("Jobs waiting", health.waiting_jobs.to_string().into()),
        ("Longest since", health.oldest_waiting_since.into()),
    ];
    rows.extend(health.jobs.iter().map(|jobs| ("Last 24 hours", ended(jobs).into())));
    output.object(health, rows)?;
    if output.is_json() {
        return Ok(());
    }
    if !health.daemon_groups.is_empty() {
        let groups = health.daemon_groups.iter().map(|group| {
            vec![
                group.key_name.as_deref().unwrap_or("built in").into(),
                tags(&group.tags).into(),
                group.version.as_str().into(),
                group.idle.to_string().into(),
                group.busy.to_string().into(),
                group.offline.to_string().into(),
            ]
        });
        output.line("")?;
        output.line(&output.table(&["KEY", "TAGS", "VERSION", "IDLE", "BUSY", "OFFLINE"], groups))?;
    }
    if !health.queues.is_empty() {
        let queues = health.queues.iter().map(|queue| {
            vec![
                tags(&queue.tags).into(),
                queue.jobs.to_string().into(),
                queue.oldest_waiting_since.into(),
                queue.reason.message.as_str().into(),
            ]
        });
        output.line("")?;
        output.line(&output.table(&["TAGS", "WAITING", "OLDEST", "WHY"], queues))?;
    }
    Ok(())
}

/// How the jobs of a type ended, in a sentence.
fn ended(jobs: &ProvisionerJobStatistics) -> String {
    let mut text = format!(
        "{}: {} succeeded, {} failed, {} canceled",
        word(&jobs.r#type),
        jobs.succeeded,
        jobs.failed,
        jobs.canceled
    );
    if let Some(rate) = jobs.success_rate {
        text.push_str(&format!("; {:.0} %", rate * 100.0));
    }
    if let (Some(p50), Some(p95)) = (jobs.duration_p50_seconds, jobs.duration_p95_seconds) {
        text.push_str(&format!("; half within {p50:.1} s, 95 % within {p95:.1} s"));
    }
    text
}
