//! Provisioners: keys that daemons authenticate with, the daemons, and the jobs they take. Owns the tables
//! `provisioner_key`, `provisioner_daemon`, `provisioner_job` and `provisioner_job_log`.

pub(crate) mod daemon;
pub(crate) mod event;
pub(crate) mod graphql;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod job;
pub(crate) mod key;
mod pending;
mod store;
mod tail;

pub(crate) use pending::{Reason, why_pending};
pub(crate) use store::daemon::{DaemonList, DaemonOrder, DaemonRow, Status};
pub(crate) use store::job::{JobCard, JobList, JobOrder, JobRow, JobsOfDaemon, join as join_job};
pub(crate) use store::key::{KeyList, KeyOrder, KeyRow, KeyState};
pub(crate) use store::log::{LogList, LogRow};

use std::collections::BTreeMap;

use guildhall_entity::json::Tags;

use crate::error::Refusal;

/// The server's own version; a daemon of another one is shown to be so.
pub(crate) const SERVER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most tags that a key or job carries.
const TAGS_MAX: usize = 16;
/// The longest tag name or value, in bytes.
const TAG_LENGTH: usize = 64;

/// Checks tags that somebody typed.
///
/// # Errors
/// Says which rule they break.
pub(crate) fn parse_tags(
    field: &[&str],
    tags: impl IntoIterator<Item = (String, String)>,
) -> Result<Tags, Refusal> {
    let mut parsed = BTreeMap::new();
    for (at, (name, value)) in tags.into_iter().enumerate() {
        let at = at.to_string();
        let field = &[field, &[at.as_str()]].concat();
        let fits = |text: &str| {
            !text.is_empty() && text.len() <= TAG_LENGTH && text.chars().all(|c| c.is_ascii_graphic())
        };
        if !fits(&name) || !fits(&value) {
            return Err(Refusal::invalid(
                field,
                "tag names and values have 1–64 printable ASCII characters, no spaces",
            ));
        }
        if parsed.insert(name.clone(), value).is_some() {
            return Err(Refusal::invalid(field, format!("the tag `{name}` is given twice")));
        }
    }
    if parsed.len() > TAGS_MAX {
        return Err(Refusal::invalid(field, format!("at most {TAGS_MAX} tags, got {}", parsed.len())));
    }
    Ok(Tags(parsed))
}

/// Whether a daemon with these tags may take a job with those: all of the job's are the daemon's, and a job without
/// tags runs only on daemons without, so that a tagged daemon is dedicated.
pub(crate) fn tags_match(job: &Tags, daemon: &Tags) -> bool {
    job.0.is_empty() == daemon.0.is_empty()
        && job.0.iter().all(|(name, value)| daemon.0.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        Tags(pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_tagged_daemon_is_dedicated() {
        let (none, a, ab) = (tags(&[]), tags(&[("a", "1")]), tags(&[("a", "1"), ("b", "2")]));
        assert!(tags_match(&none, &none));
        assert!(!tags_match(&none, &a));
        assert!(!tags_match(&a, &none));
        assert!(tags_match(&a, &ab));
        assert!(!tags_match(&ab, &a));
        assert!(!tags_match(&tags(&[("a", "2")]), &a));
    }
}
