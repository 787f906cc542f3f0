//! `provisioner health`.

use clap::{Args, ValueEnum};
use guildhall_client::provisioner_health::{
    ProvisionerHealth, ProvisionerHistoryPeriod, ProvisionerHistoryWidth, ProvisionerJobStatistics,
};

use super::tags;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;
use crate::output::{Output, Value, word};

/// The arguments of `guildhall provisioner health`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall provisioner health --org data-platform
  guildhall provisioner health --org data-platform --by day --last 30
  guildhall provisioner health --org data-platform -o json")]
pub struct Health {
    #[command(flatten)]
    organization: InOrganization,
    /// How jobs ended over time: by the hour or by the day, in UTC
    #[arg(long, default_value = "hour")]
    by: Width,
    /// So many hours or days, up to now (1–100)
    #[arg(long, value_name = "NUMBER", default_value_t = 24, value_parser = clap::value_parser!(i32).range(1..=100))]
    last: i32,
}

/// How long each period of a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Width {
    Hour,
    Day,
}

impl Width {
    /// When a period began, as people read it.
    fn start(self, period: &ProvisionerHistoryPeriod) -> String {
        let form = match self {
            Self::Hour => "%Y-%m-%d %H:%M",
            Self::Day => "%Y-%m-%d",
        };
        period.start.format(form).to_string()
    }
}

impl Health {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve(&client).await?;
        let width = match self.by {
            Width::Hour => ProvisionerHistoryWidth::Hour,
            Width::Day => ProvisionerHistoryWidth::Day,
        };
        let health = client.provisioner_health(&organization.id, width, self.last).await?;
        show(&context.output, &health, self.by)
    }
}

fn show(output: &Output, health: &ProvisionerHealth, by: Width) -> Result<(), Failure> {
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
    let name = match by {
        Width::Hour => "Ended by hour",
        Width::Day => "Ended by day",
    };
    rows.push((name, sparkline(&health.history).into()));
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
    // Those in which none ended stand in the line above.
    let busy: Vec<_> = health.history.iter().filter(|period| number(period) > 0).collect();
    if !busy.is_empty() {
        let periods = busy.into_iter().map(|period| {
            vec![
                by.start(period).into(),
                period.succeeded.to_string().into(),
                period.failed.to_string().into(),
                period.canceled.to_string().into(),
                period.success_rate.map_or_else(String::new, |rate| format!("{:.0} %", rate * 100.0)).into(),
                seconds(period.duration_p50_seconds).into(),
                seconds(period.duration_max_seconds).into(),
            ]
        });
        let header = ["FROM (UTC)", "SUCCEEDED", "FAILED", "CANCELED", "RATE", "HALF WITHIN", "LONGEST"];
        output.line("")?;
        output.line(&output.table(&header, periods))?;
    }
    Ok(())
}

/// How many jobs ended in a period.
fn number(period: &ProvisionerHistoryPeriod) -> i32 {
    [period.failed, period.canceled].into_iter().fold(period.succeeded, i32::saturating_add)
}

/// A bar for each period, as high as jobs ended in it, and how many the highest stands for.
fn sparkline(history: &[ProvisionerHistoryPeriod]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let Some(most) = history.iter().map(number).max().filter(|&most| most > 0) else {
        return "none".to_owned();
    };
    let bar = |number: i32| match i64::from(number) {
        0 => '·',
        // The lowest bar is some, the highest is the most.
        number => BARS[usize::try_from((number * 8 - 1) / i64::from(most)).unwrap_or_default().min(7)],
    };
    let bars: String = history.iter().map(|period| bar(number(period))).collect();
    format!("{bars} up to {most}")
}

fn seconds(length: Option<f64>) -> String {
    length.map_or_else(String::new, |seconds| format!("{seconds:.1} s"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_the_most_and_the_lowest_is_some() {
        let period = |succeeded| ProvisionerHistoryPeriod {
            start: guildhall_client::DateTime::default(),
            end: guildhall_client::DateTime::default(),
            succeeded,
            failed: 0,
            canceled: 0,
            success_rate: None,
            duration_p50_seconds: None,
            duration_max_seconds: None,
        };
        let line =
            |numbers: &[i32]| sparkline(&numbers.iter().map(|&number| period(number)).collect::<Vec<_>>());
        assert_eq!(line(&[0, 1, 50, 100]), "·▁▄█ up to 100");
        assert_eq!(line(&[1, 1]), "██ up to 1");
        assert_eq!(line(&[i32::MAX, 1]), format!("█▁ up to {}", i32::MAX));
        assert_eq!(line(&[0, 0]), "none");
    }
}
