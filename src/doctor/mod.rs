//! Looks at what a server needs of its machine, and says of each what it found and what to do. Owns no table, changes nothing.

mod database;
mod folder;
mod network;
mod secrets;

use serde::Serialize;

use crate::clock::Clock;
use crate::config::Serving;
use crate::db::Settings;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// A server starts, but something is not as it should be.
    Warn,
    /// A server does not start, or loses what it should keep.
    Fail,
}

impl Status {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub status: Status,
    /// For programs.
    pub code: &'static str,
    /// What was found, for people.
    pub message: String,
    /// What to do.
    pub next: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, code: "OK", message: message.into(), next: None }
    }

    fn warn(check: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Warn, code, message: message.into(), next: None }
    }

    fn fail(check: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Fail, code, message: message.into(), next: None }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Looks at everything that a server with these settings needs.
pub async fn examine(serving: Serving, clock: &Clock) -> Vec<Finding> {
    let data_dir = serving.data_dir();
    let mut findings = vec![configuration(serving.clone())];
    findings.extend(folder::data_folder(&data_dir));
    let settings = match serving.storage.database(&data_dir) {
        Ok(settings) => settings,
        // Told with the configuration.
        Err(_) => return findings,
    };
    let (inspection, found) = database::database(&settings, &data_dir).await;
    findings.extend(found);
    // A database that was in use needs the keys that it was used with.
    let used = inspection.as_ref().is_some_and(|inspection| !inspection.applied.is_empty());
    findings.extend(secrets::keys(&data_dir, serving.sealing.sealing_key_file.as_deref(), used));
    findings.push(database::clock(inspection.as_ref(), clock.now()));
    findings.extend(folder::space(&data_dir, &settings));
    findings.push(network::terraform(&serving).await);
    findings.push(network::address(serving.address).await);
    if let Some(address) = serving.observing.metrics_address {
        findings.push(network::metrics_address(address).await);
    }
    if let Settings::Postgres { listen_url: Some(url), .. } = &settings {
        findings.push(database::listening(url).await);
    }
    findings
}

/// The settings that parse one by one, together.
fn configuration(serving: Serving) -> Finding {
    const CHECK: &str = "configuration";
    match serving.settle() {
        Ok(_) => Finding::ok(CHECK, "the settings can be used"),
        Err(message) => Finding::fail(CHECK, "CONFIGURATION_INVALID", message)
            .next("`guildhall config show --origin` shows where each setting comes from"),
    }
}
