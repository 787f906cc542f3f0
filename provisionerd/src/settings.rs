//! What a daemon has to be told.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::engine::terraform::Options;

const LONGEST_NAME: usize = 32;

/// Everything a daemon has to be told. [`Settings::new`] takes what has no default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server, e.g. `https://guildhall.example.com`.
    pub url: String,
    /// A provisioner key of `organization`.
    pub key: SecretString,
    /// Name of the organization to serve; must be the key's.
    pub organization: String,
    /// Slug; unique among the daemons of the organization. A daemon that comes back under its name is the same one.
    pub name: String,
    /// Private folder of the daemon. Daemons of different names may share one.
    pub work_dir: PathBuf,
    /// Jobs at a time.
    pub concurrency: NonZeroUsize,
    /// What carries out jobs.
    pub engine: EngineChoice,
    /// Path of `terraform` or `tofu`; default: the first on the `PATH`.
    pub terraform: Option<PathBuf>,
    /// How Terraform is run, and the grace from SIGINT to SIGKILL.
    pub options: Options,
    /// The longest that a job may take; then it is interrupted like one that is canceled. Default: as long as it takes.
    pub job_timeout: Option<Duration>,
}

impl Settings {
    /// Settings with every default: one job at a time, named after the machine, Terraform if there is one.
    #[must_use]
    pub fn new(url: String, key: SecretString, organization: String, work_dir: PathBuf) -> Self {
        Self {
            url,
            key,
            organization,
            name: machine_name(),
            work_dir,
            concurrency: NonZeroUsize::MIN,
            engine: EngineChoice::default(),
            terraform: None,
            options: Options::default(),
            job_timeout: None,
        }
    }
}

/// What carries out jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Terraform if there is one, else `Echo`.
    #[default]
    Auto,
    /// Terraform, or the daemon doesn't start.
    Terraform,
    /// Nothing is run.
    Echo,
}

/// How a daemon is told to end. Cancel `drain` on the first signal and `abort` on the second.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no more jobs; finish those that run.
    pub drain: CancellationToken,
    /// Interrupt those that run as well.
    pub abort: CancellationToken,
}

/// The machine's host name as a slug.
#[must_use]
pub fn machine_name() -> String {
    let system = rustix::system::uname();
    slug(&system.nodename().to_string_lossy())
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            character @ ('a'..='z' | '0'..='9') => slug.push(character),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() == LONGEST_NAME {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "provisioner".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_host_name_becomes_a_slug() {
        assert_eq!(slug("Build-7.example.COM"), "build-7-example-com");
        assert_eq!(slug("--a__b--"), "a-b");
        assert_eq!(slug("ü"), "provisioner");
        assert_eq!(slug(&"x".repeat(80)).len(), 32);
        assert_eq!(slug(&format!("{}-y", "x".repeat(31))), "x".repeat(31));
    }
}
