//! The arguments of `guildhall provisionerd`. Run by the binary, which alone knows the daemon.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::globals::{secret, secret_or_file};

/// Run a provisioner daemon, which serves one organization
#[derive(Debug, Subcommand)]
pub enum Provisionerd {
    /// Connect to the server and run jobs until told to stop
    Start(Start),
}

/// The settings of a daemon.
#[derive(Debug, Args)]
#[command(after_help = "\
Make a key first, on any machine where you are signed in:
  guildhall provisioner keys create my-cluster --org data-platform

GUILDHALL_URL and GUILDHALL_PROVISIONER_DAEMON_KEY may hold the server and the key.

Examples:
  guildhall provisionerd start --url https://guildhall.example.com --org data-platform --key-file my-cluster.key
  guildhall provisionerd start --org data-platform --key-file /run/secrets/key --concurrency 4

The first signal (Ctrl-C) finishes the running jobs and takes no more; the second one interrupts them, and hands back
those that had applied nothing yet.")]
pub struct Start {
    /// The organization to serve; must be that of the key
    #[arg(long, short = 'O', env = "GUILDHALL_ORG", value_name = "ORG")]
    pub org: String,

    /// The key's secret; better given by file or environment, because command lines can be seen
    #[arg(
        long,
        env = "GUILDHALL_PROVISIONER_DAEMON_KEY",
        value_name = "KEY",
        hide_env_values = true,
        value_parser = secret
    )]
    pub key: Option<SecretString>,

    /// A file that holds the key's secret; not read where a key is given
    #[arg(long, env = "GUILDHALL_PROVISIONER_DAEMON_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// What the daemon calls itself; default: the name of this host
    #[arg(long, env = "GUILDHALL_PROVISIONER_DAEMON_NAME", value_name = "NAME")]
    pub name: Option<String>,

    /// Jobs at a time
    #[arg(
        long,
        env = "GUILDHALL_PROVISIONER_DAEMON_CONCURRENCY",
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    pub concurrency: u16,

    /// What runs the templates
    #[arg(long, env = "GUILDHALL_PROVISIONER_DAEMON_ENGINE", value_name = "ENGINE", default_value = "auto")]
    pub engine: Engine,

    /// The terraform or tofu binary; default: the first one on the PATH
    #[arg(long, env = "GUILDHALL_TERRAFORM_PATH", value_name = "FILE")]
    pub terraform_path: Option<PathBuf>,

    /// MiB of memory of its own that each process of a job may have; default: no limit. Linux only
    #[arg(
        long,
        env = "GUILDHALL_PROVISIONER_DAEMON_JOB_MEMORY_MB",
        value_name = "MIB",
        value_parser = clap::value_parser!(u64).range(64..=1_048_576)
    )]
    pub job_memory_mb: Option<u64>,

    /// Minutes that a job may take before it is interrupted; default: as long as it takes
    #[arg(
        long,
        env = "GUILDHALL_PROVISIONER_DAEMON_JOB_TIMEOUT",
        value_name = "MINUTES",
        value_parser = clap::value_parser!(u64).range(1..=10_080)
    )]
    pub job_timeout: Option<u64>,

    /// Where jobs get their private folders; default: a folder of this user
    #[arg(long, env = "GUILDHALL_PROVISIONER_DAEMON_WORK_DIR", value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
}

/// What runs the templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Terraform or OpenTofu where one is installed, else echo.
    Auto,
    /// Terraform or OpenTofu; the daemon does not start without one.
    Terraform,
    /// Runs nothing and says what it would run: for trying Guildhall out.
    Echo,
}

impl Start {
    /// The key's secret, from wherever it was given.
    ///
    /// # Errors
    /// A sentence for people when the file can't be read or holds nothing.
    pub fn key(&self) -> Result<SecretString, String> {
        let key =
            secret_or_file(self.key.as_ref(), self.key_file.as_deref()).map_err(|failure| failure.message)?;
        let missing = "no provisioner key: pass --key-file or set GUILDHALL_PROVISIONER_DAEMON_KEY; `guildhall provisioner \
                       keys create` makes one";
        key.ok_or_else(|| missing.to_owned())
    }
}
