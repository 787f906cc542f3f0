//! The daemon against a server of canned answers, and the engine with the Terraform of this machine.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod daemon;
mod echo;
mod limits;
mod lives;
mod support;
mod templates;
mod terraform;
