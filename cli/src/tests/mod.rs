//! The whole command line, as the binary builds it, against a server that answers what a test tells it to.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod access;
mod accounts;
mod bulk;
mod commands;
mod events;
mod examples;
mod fake;
mod ledger;
mod lines;
mod lists;
mod looks;
mod people;
mod printed;
mod provisioner;
mod roles;
mod sign_in;
mod templates;
mod workspaces;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::{Command, EXIT_CODES, Globals, completion, dressed, manual, provisionerd};

/// A GraphQL control plane for developer platforms
#[derive(Debug, Parser)]
#[command(name = "guildhall", after_help = EXIT_CODES)]
pub(crate) struct Line {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    #[command(flatten)]
    Client(Command),
    #[command(subcommand)]
    Provisionerd(provisionerd::Provisionerd),
    #[command(visible_alias = "completions")]
    Completion(completion::Completion),
    #[command(name = "man")]
    Manual(manual::Manual),
}

impl Line {
    /// The parser as the binary uses it.
    pub(crate) fn parser() -> clap::Command {
        dressed(Self::command())
    }

    /// Reads a command line.
    fn read<I: IntoIterator<Item: Into<std::ffi::OsString> + Clone>>(words: I) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::parser().try_get_matches_from(words)?)
    }
}
