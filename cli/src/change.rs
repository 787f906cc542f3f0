//! What changes have in common: once for sure, from a version that was seen, and never nothing at all.

use clap::Args;

use crate::failure::Failure;
use crate::numbers::natural;

/// The option of what is made.
#[derive(Debug, Clone, Default, Args)]
pub struct Once {
    /// A text of your choice: the same command with it, within a day, answers what the first one made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// The option of what is changed.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Expected {
    /// Change nothing unless it still has this version, as `show` tells it; default: the version of just now
    #[arg(long, value_name = "N", value_parser = natural)]
    expected_version: Option<i32>,
}

impl Expected {
    /// The version given, else the one that was just read.
    pub(crate) fn or(self, current: i32) -> i32 {
        self.expected_version.unwrap_or(current)
    }

    /// The version given, if any.
    pub(crate) fn given(self) -> Option<i32> {
        self.expected_version
    }
}

/// Refuses a change of nothing; `command` is the one that was typed, without the program's name.
pub(crate) fn something(is_there: bool, command: &str) -> Result<(), Failure> {
    if is_there {
        return Ok(());
    }
    Err(Failure::usage("nothing to change").hint(format!("`guildhall {command} --help` lists what can be")))
}
