use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;

/// Options that every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The server, e.g. guildhall.example.com; default: the one signed in to last
    #[arg(long, global = true, env = "GUILDHALL_URL", value_name = "URL")]
    pub url: Option<String>,

    /// A token to use instead of the one that `guildhall login` stored
    #[arg(long, global = true, env = "GUILDHALL_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = secret)]
    pub token: Option<SecretString>,

    /// A file that holds the token; not read where a token is given
    #[arg(long, global = true, env = "GUILDHALL_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Tables for people, or JSON in the shapes of the API for programs
    #[arg(
        long,
        short,
        global = true,
        env = "GUILDHALL_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub output: Format,

    /// Answer yes to every question
    #[arg(long, short, global = true)]
    pub yes: bool,

    /// The folder of the stored sign-ins; default: $XDG_CONFIG_HOME/guildhall
    #[arg(long, global = true, env = "GUILDHALL_CONFIG_DIR", value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    Table,
    /// JSON in the shapes of the API.
    Json,
}

/// Takes a secret from the command line or the environment without ever showing it again.
pub(crate) fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

/// A secret given as a value or as the file that holds it; white space around it is no part of it.
pub(crate) fn secret_or_file(
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<Option<SecretString>, Failure> {
    match (value, file) {
        // A variable that somebody forgot to fill, such as a secret of a pipeline.
        (Some(value), _) if value.expose_secret().trim().is_empty() => Err(Failure::usage(
            "the token, key or password that is given is empty: give one, or leave out its option and its variable",
        )),
        (Some(value), _) => Ok(Some(value.clone())),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::local(format!("read {}", path.display()), error))?;
            match text.trim() {
                "" => Err(Failure::usage(format!("{} is empty", path.display()))),
                text => Ok(Some(SecretString::from(text))),
            }
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_file_loses_its_line_end_and_may_not_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "ghs_abc\n").unwrap();
        let token = secret_or_file(None, Some(&path)).unwrap().unwrap();
        assert_eq!(token.expose_secret(), "ghs_abc");

        std::fs::write(&path, "\n").unwrap();
        assert!(secret_or_file(None, Some(&path)).unwrap_err().message.contains("is empty"));
        assert!(secret_or_file(None, Some(&folder.path().join("none"))).is_err());
        assert!(secret_or_file(None, None).unwrap().is_none());
        let empty = SecretString::from("");
        assert!(secret_or_file(Some(&empty), None).unwrap_err().message.contains("is empty"));
    }
}
