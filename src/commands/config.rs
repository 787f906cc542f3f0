//! `guildhall config`: the settings in force, and a file of settings before it is.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, Subcommand};
use guildhall_cli::Format;

use super::{aligned, print};
use crate::config::{File, Serving, check, shown};

/// The verbs of `guildhall config`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall config show --origin
  guildhall config show --config /etc/guildhall.toml
  guildhall config check /etc/guildhall.toml")]
pub enum Config {
    /// Show every setting of the server with its value; secrets are hidden
    #[command(after_help = "\
Examples:
  guildhall config show --origin
  guildhall config show --config /etc/guildhall.toml -o json")]
    Show(Box<Show>),
    /// Check a settings file, without starting anything
    #[command(after_help = "\
Every mistake is named with its line. The exit code is 1 when there is one.

Examples:
  guildhall config check /etc/guildhall.toml")]
    Check(Check),
}

/// The arguments of `guildhall config show`: those of the server.
#[derive(Debug, Args)]
pub struct Show {
    /// Say where each value comes from: default, file, environment or flag
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    _serving: Serving,
}

/// The arguments of `guildhall config check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The TOML file
    #[arg(env = "GUILDHALL_CONFIG", value_name = "FILE")]
    file: PathBuf,
}

impl Show {
    /// Prints the settings, as the arguments were understood.
    ///
    /// # Errors
    /// When the result can't be written.
    pub fn run(&self, matches: &ArgMatches, file: Option<&File>, format: Format) -> anyhow::Result<()> {
        let settings = shown(matches, file);
        print(format, &settings, || {
            let mut header = vec!["SETTING".to_owned(), "VALUE".to_owned()];
            header.extend(self.origin.then(|| "ORIGIN".to_owned()));
            let rows = settings.iter().map(|setting| {
                let value = setting.value.as_deref().filter(|value| !value.is_empty()).unwrap_or("-");
                let mut row = vec![setting.name.clone(), value.to_owned()];
                row.extend(self.origin.then(|| setting.origin.to_string()));
                row
            });
            aligned(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
        })
    }
}

impl Check {
    /// Prints what is wrong with the file.
    ///
    /// # Errors
    /// When the result can't be written.
    pub fn run(&self, format: Format) -> anyhow::Result<ExitCode> {
        let problems = check(&self.file);
        print(format, &problems, || match problems.as_slice() {
            [] => format!("{} can be used.", self.file.display()),
            problems => {
                problems.iter().map(|problem| problem.told(&self.file)).collect::<Vec<_>>().join("\n")
            }
        })?;
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
