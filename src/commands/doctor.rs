//! `guildhall doctor`: whether a server would run here, and what to do where it would not.

use std::process::ExitCode;

use clap::Args;
use guildhall_cli::Format;

use super::{aligned, print};
use crate::clock::Clock;
use crate::config::Serving;
use crate::doctor::{Finding, Status, examine};

/// The arguments of `guildhall doctor`: those of the server.
#[derive(Debug, Args)]
#[command(after_help = "\
Looks at the settings, the data folder and its keys, the database and its migrations, the clock, the disk, Terraform and the
address. Changes nothing. A line is ok, warn (a server starts, but something is not as it should be) or fail (it does not
start, or would lose something); the exit code is 1 when one is fail.

Examples:
  guildhall doctor
  guildhall doctor --config /etc/guildhall.toml
  guildhall doctor --data-dir /var/lib/guildhall -o json")]
pub struct Doctor {
    #[command(flatten)]
    serving: Serving,
}

impl Doctor {
    /// Prints what was found.
    ///
    /// # Errors
    /// When the result can't be written.
    pub async fn run(self, format: Format) -> anyhow::Result<ExitCode> {
        let findings = examine(self.serving, &Clock::system()).await;
        print(format, &findings, || told(&findings))?;
        let failed = findings.iter().any(|finding| finding.status == Status::Fail);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn told(findings: &[Finding]) -> String {
    let mut rows = Vec::new();
    for finding in findings {
        rows.push(vec![
            finding.status.as_str().to_owned(),
            finding.check.to_owned(),
            finding.message.clone(),
        ]);
        if let Some(next) = &finding.next {
            rows.push(vec![String::new(), String::new(), format!("-> {next}")]);
        }
    }
    aligned(&rows)
}
