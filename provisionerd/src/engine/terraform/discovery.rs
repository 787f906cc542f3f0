//! Finding a Terraform.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use super::{Options, Terraform, environment};

/// In order of preference.
const NAMES: [&str; 2] = ["terraform", "tofu"];
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no Terraform to run.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// None is installed.
    #[error(
        "neither `terraform` nor `tofu` is on the PATH of this machine: install one, name its path in the \
         settings, or choose the engine `echo`"
    )]
    NotFound,
    /// One is there but can't be used.
    #[error("`{}` can't be used as Terraform: {reason}", program.display())]
    Unusable {
        /// Path of the executable.
        program: PathBuf,
        /// What happened.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Version {
    terraform_version: String,
}

impl Terraform {
    /// The program at `configured`, or else the first `terraform` or `tofu` of the `PATH` that works.
    ///
    /// # Errors
    /// See [`DiscoveryError`].
    pub async fn discover(configured: Option<&Path>, options: &Options) -> Result<Self, DiscoveryError> {
        if let Some(program) = configured {
            return Self::probe(program, options).await;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut first_problem = None;
        for name in NAMES {
            for program in
                std::env::split_paths(&path).map(|folder| folder.join(name)).filter(|p| p.is_file())
            {
                match Self::probe(&program, options).await {
                    Ok(found) => return Ok(found),
                    Err(problem) => first_problem = first_problem.or(Some(problem)),
                }
            }
        }
        Err(first_problem.unwrap_or(DiscoveryError::NotFound))
    }

    async fn probe(program: &Path, options: &Options) -> Result<Self, DiscoveryError> {
        let unusable = |reason: String| DiscoveryError::Unusable { program: program.to_owned(), reason };
        // Jobs run in other folders.
        let absolute = std::path::absolute(program).map_err(|error| unusable(error.to_string()))?;
        let mut terraform = Self {
            program: absolute,
            version: String::new(),
            init_speaks_json: false,
            options: options.clone(),
        };
        let version = terraform.ask(&["version", "-json"]).await.map_err(unusable)?;
        let version: Version = serde_json::from_slice(&version)
            .map_err(|error| unusable(format!("its version could not be read: {error}")))?;
        terraform.version = version.terraform_version;
        let help = terraform.ask(&["init", "-help"]).await.map_err(unusable)?;
        terraform.init_speaks_json = String::from_utf8_lossy(&help).contains("-json");
        Ok(terraform)
    }

    async fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let environment: Vec<(OsString, OsString)> = environment::base(self, &std::env::temp_dir());
        let output = tokio::process::Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(PATIENCE, output).await {
            Ok(Ok(output)) if output.status.success() => Ok(output.stdout),
            Ok(Ok(output)) => Err(format!("`{}` ended with {}", arguments.join(" "), output.status)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("`{}` took longer than {PATIENCE:?}", arguments.join(" "))),
        }
    }
}
