//! Following a job's log: what is there, then what comes, until the job has ended. The tables are the truth, an event is
//! only a hint to look, and whoever follows is recognised anew at every look.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::Stream;
use guildhall_entity::id::ProvisionerJobId;

use super::{LogList, LogRow, store};
use crate::authn::watch::Watch;
use crate::authn::{self, Lookups};
use crate::authz::Actor;
use crate::db::Db;
use crate::db::page::{Cursor, PageArgs};
use crate::error::{Error, Result};
use crate::events::{Logged, Logs, Records};

/// Lines read at a time.
const BATCH: u64 = 100;
/// How often to look without a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// A job's log from a place on.
struct Tail {
    db: Db,
    lookups: Lookups,
    watch: Watch,
    actor: Actor,
    job: ProvisionerJobId,
    cursor: Option<Cursor>,
    logs: Logs,
    records: Records,
    lines: VecDeque<(LogRow, Cursor)>,
    ended: bool,
}

/// The lines of a job after a place, each with its own, as they are written; ends when the job has. An actor who can't
/// see the job (any more) gets one error.
pub(super) fn follow(
    db: Db,
    lookups: Lookups,
    watch: Watch,
    actor: Actor,
    job: ProvisionerJobId,
    after: Option<Cursor>,
) -> impl Stream<Item = Result<(LogRow, Cursor)>> + Send {
    // Listen before the first look, so that nothing falls between.
    let (logs, records) = (db.hub().logs(), db.hub().records());
    let lines = VecDeque::new();
    let tail = Tail { db, lookups, watch, actor, job, cursor: after, logs, records, lines, ended: false };
    futures_util::stream::unfold(tail, |mut tail| async move {
        let next = tail.next().await.transpose()?;
        tail.ended |= next.is_err();
        Some((next, tail))
    })
}

impl Tail {
    async fn next(&mut self) -> Result<Option<(LogRow, Cursor)>> {
        loop {
            if let Some((row, cursor)) = self.lines.pop_front() {
                self.cursor = Some(cursor.clone());
                return Ok(Some((row, cursor)));
            }
            if self.ended {
                return Ok(None);
            }
            self.look().await?;
            if self.lines.is_empty() && !self.ended {
                self.wait().await;
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        loop {
            // The state before the lines: those of a job that had ended are then all there.
            let job = self.db.find(&self.actor, self.job).await?.ok_or(Error::NotFound("provisioner job"))?;
            let args = PageArgs { limit: BATCH, backward: false, cursor: self.cursor.clone() };
            let page = store::log::page(&self.db, &self.actor, self.job, &LogList, &args).await?;
            // The reader after the lines: nothing is told that was written when they were nobody any more.
            let origin = self.actor.origin().clone();
            let reader = authn::refresh(&self.db, &self.lookups, &self.actor).await?.at(origin);
            let is_same = reader.holds_the_same(&self.actor);
            self.actor = reader;
            if is_same {
                self.ended = job.state.is_final() && !page.has_next;
                self.lines = page.rows.into();
                return Ok(());
            }
        }
    }

    /// Waits until there may be something new: the job has logged or is not what it was, or the reader is not.
    async fn wait(&mut self) {
        let again = tokio::time::sleep(LOOK_AGAIN);
        tokio::pin!(again);
        loop {
            let concerns = tokio::select! {
                logged = self.logs.next() => logged == Logged::Any || logged == Logged::Job(self.job),
                records = self.records.next() => records.is_none_or(|records| {
                    records.iter().any(|record| record.subject == Some(self.job.0))
                }),
                () = self.watch.is_another(&self.actor) => true,
                () = &mut again => true,
            };
            if concerns {
                return;
            }
        }
    }
}
