//! Why a job waits, in words and for programs.

use guildhall_entity::json::Tags;
use sea_orm::prelude::DateTimeUtc;

use super::store::daemon::{self, shown};
pub(crate) use super::store::queue::Place;
use super::{DaemonRow, JobRow, KeyState, Status, tags_match};
use crate::db::Db;
use crate::error::Result;

/// Why a job waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) kind: ReasonKind,
    pub(crate) message: String,
    /// Tags that no daemon carries.
    pub(crate) tags: Tags,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReasonKind {
    /// No daemon is registered.
    NoDaemon,
    /// Daemons that could take it signed off, have not been seen for 90 seconds, or have a key that is not accepted.
    AllOffline,
    /// No daemon's tags fit.
    TagsUnmatched,
    /// Daemons that could take it have other work.
    AllBusy,
    /// A daemon is about to take it.
    Queued,
}

/// Why a job with these tags, at this place of its queue, waits among these daemons of its organization.
pub(crate) fn reason(
    job: &Tags,
    Place { number, of }: Place,
    daemons: &[&DaemonRow],
    now: DateTimeUtc,
) -> Reason {
    let plain = |kind, message: String| Reason { kind, message, tags: Tags::default() };
    if daemons.is_empty() {
        let message = "no provisioner is registered in this organization; create a key with `guildhall provisioner \
                       keys create` and start one with `guildhall provisionerd start`";
        return plain(ReasonKind::NoDaemon, message.into());
    }
    let fitting: Vec<_> = daemons.iter().filter(|row| tags_match(job, &row.daemon.tags)).collect();
    if fitting.is_empty() {
        return unmatched(job, daemons);
    }
    let online: Vec<_> = fitting.iter().filter(|row| row.status(now) != Status::Offline).collect();
    if online.is_empty() {
        let names: Vec<_> = fitting.iter().take(3).map(|row| offline(row, now)).collect();
        let message = format!("every provisioner that could take it is offline ({})", names.join(", "));
        return plain(ReasonKind::AllOffline, message);
    }
    if online.iter().all(|row| row.status(now) == Status::Busy) {
        let message = format!(
            "all {} provisioners that could take it are busy; it is number {number} of {of}",
            online.len()
        );
        return plain(ReasonKind::AllBusy, message);
    }
    plain(ReasonKind::Queued, format!("a provisioner is about to take it; it is number {number} of {of}"))
}

/// The name of a daemon that is offline, and why where somebody can tell.
fn offline(row: &DaemonRow, now: DateTimeUtc) -> String {
    let name = &row.daemon.name;
    match row.key_state(now) {
        KeyState::Active => name.clone(),
        KeyState::Disabled => format!("{name}, whose key is disabled"),
        KeyState::Expired => format!("{name}, whose key has expired"),
    }
}

fn unmatched(job: &Tags, daemons: &[&DaemonRow]) -> Reason {
    if job.0.is_empty() {
        let message = "every provisioner here is dedicated by its tags, and the job has none; start one with a key \
                       without tags";
        return Reason { kind: ReasonKind::TagsUnmatched, message: message.into(), tags: Tags::default() };
    }
    let carried = |name: &str, value: &str| {
        daemons.iter().any(|row| row.daemon.tags.0.get(name).is_some_and(|carried| carried == value))
    };
    let missing: Vec<_> = job.0.iter().filter(|(name, value)| !carried(name, value)).collect();
    let tags = Tags(missing.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect());
    let message = if tags.0.is_empty() {
        format!("no single provisioner carries all of its tags ({})", shown(job))
    } else {
        format!("no provisioner carries {}", shown(&tags))
    };
    Reason { kind: ReasonKind::TagsUnmatched, message, tags }
}

/// Why no daemon can take a job at all, in words; `None` when one could.
///
/// # Errors
/// When the database fails.
pub(crate) async fn why_pending(db: &Db, job: &JobRow) -> Result<Option<String>> {
    let rows = daemon::of_organizations(db, &[job.organization_id]).await?;
    let daemons: Vec<&DaemonRow> = rows.iter().collect();
    // Whatever its place: no reason that counts here tells it.
    let why = reason(&job.tags, Place { number: 1, of: 1 }, &daemons, db.clock().now());
    let hopeless =
        matches!(why.kind, ReasonKind::NoDaemon | ReasonKind::AllOffline | ReasonKind::TagsUnmatched);
    Ok(hopeless.then_some(why.message))
}
