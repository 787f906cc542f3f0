//! The provisioner daemon: a client of the public API that runs Terraform.
//!
//! [`Daemon::run`] is the whole of it: it registers with a provisioner key, asks for jobs, carries them out with an
//! [`engine`] and reports. The server's built-in provisioners are the same code over the same API.
//!
//! It refuses to know the server from inside: whatever it learns comes through [`guildhall_client`], whatever it
//! unpacks through [`guildhall_archive`].

mod backoff;
mod daemon;
pub mod engine;
mod settings;

pub use daemon::{Daemon, DaemonError};
pub use settings::{EngineChoice, Settings, Shutdown, machine_name};
