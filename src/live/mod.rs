//! What happens, as it happens: the outbox, numbered and read once for everybody in this process, and subscriptions that go
//! on from any place in it. Owns the tables `event`, `event_pending` and `outbox`.
//!
//! A transaction leaves its events in `event_pending`. Whoever holds the row of `outbox` (any server may) moves what is
//! committed to `event` and numbers it there: without holes, and in the order in which it becomes visible. So a cursor is a
//! number, sealed, and nothing that is read after it was ever before it.
//!
//! Refuses a cursor that is older than what is kept or than the keys, or that was never given out: a gap is said, never
//! skipped.

mod cursor;
mod derived;
mod follow;
pub(crate) mod graphql;
mod pump;
pub(crate) mod retention;
mod store;
mod topic;
mod word;

pub(crate) use cursor::CursorKeys;
pub(crate) use follow::{Follower, Look};
pub(crate) use pump::{begin, run};
pub(crate) use topic::Topic;

use crate::db::Db;
use crate::error::Result;

/// The place after everything that has happened so far, as a cursor.
///
/// # Errors
/// When the database fails.
pub(crate) async fn now(db: &Db, keys: &CursorKeys) -> Result<String> {
    keys.of_now(store::extent(db).await?.last, db.clock())
}
