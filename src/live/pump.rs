//! The one reader of the outbox in a process: numbers what is committed, reads what is new, tells everybody who waits here,
//! and gives the other servers a word. One round at a time, so that a burst of commits is one round.
//!
//! Everything that wakes it is a hint. What no hint told of, because a server died after its commit or a connection was
//! lost, is found by looking every two seconds.

use std::time::Duration;

use sea_orm::prelude::Uuid;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::derived;
use super::store;
use super::word::{Word, words};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission, Permit};
use crate::db::{Db, Ear, Unaudited};
use crate::error::Result;
use crate::events::Logged;

/// How often to look without a hint.
const LOOK: Duration = Duration::from_secs(2);
/// The least time from one round to the next.
const PACE: Duration = Duration::from_millis(20);
/// How long to wait after the database failed.
const REST: Duration = Duration::from_millis(500);
/// Events numbered in one transaction, and records read at once.
const BATCH: u64 = 500;

/// Who may touch the outbox.
pub(super) fn permit() -> Result<Permit> {
    let outbox = Actor::system(System::Outbox, Origin::default());
    Ok(outbox.authorize(Permission::AuditLogRead, Object::SITE)?)
}

/// Says where this process begins to listen: before the first subscription.
///
/// # Errors
/// When the database fails.
pub(crate) async fn begin(db: &Db) -> Result<()> {
    db.hub().set_head(store::extent(db).await?.last);
    Ok(())
}

/// Runs until told to stop.
pub(crate) async fn run(db: Db, stop: CancellationToken) {
    let pump = Pump { from: db.clock().id(), db };
    tokio::select! {
        // First: the database may be closed by then, and that is nothing to tell of.
        biased;
        () = stop.cancelled() => {}
        () = async { tokio::join!(pump.work(), pump.hear()); } => {}
    }
}

struct Pump {
    db: Db,
    /// This process, as it signs its words.
    from: Uuid,
}

impl Pump {
    async fn work(&self) {
        let hub = self.db.hub();
        let mut due = Instant::now();
        loop {
            let mut looks = false;
            tokio::select! {
                () = hub.nudged() => sleep_until(due).await,
                () = sleep(LOOK) => looks = true,
            }
            due = Instant::now() + PACE;
            if let Err(error) = self.round(looks).await {
                tracing::warn!(%error, "the outbox could not be read; tried again");
                // What was to be told stays to be told.
                hub.committed();
                sleep(REST).await;
            }
        }
    }

    async fn round(&self, looks: bool) -> Result<()> {
        let hub = self.db.hub();
        let committed = hub.take_committed();
        let mut numbered = false;
        if committed.events || looks && store::is_pending(&self.db).await? {
            while self.number().await? {
                numbered = true;
            }
        }
        for word in words(self.from, numbered, &committed.logged) {
            self.db.notify(&word).await?;
        }
        loop {
            let all = sea_orm::sea_query::Condition::all();
            let records = store::after(&self.db, hub.head(), all, BATCH).await?;
            let is_last = records.len() < BATCH as usize;
            hub.tell(records.into());
            if is_last {
                return Ok(());
            }
        }
    }

    /// Numbers some of what is committed; `false` when there is nothing (any more).
    async fn number(&self) -> Result<bool> {
        let tx = self.db.begin(permit()?).await?;
        let extent = store::hold_in(&tx).await?;
        let pending = store::pending_in(&tx, BATCH).await?;
        if pending.is_empty() {
            return Ok(false);
        }
        let (waited, events): (Vec<_>, Vec<_>) = pending.into_iter().unzip();
        let events = derived::complete_in(&tx, events).await?;
        store::number_in(&tx, extent.last, waited, events).await?;
        tx.commit_unaudited(Unaudited::Outbox).await?;
        Ok(true)
    }

    /// Listens to the other servers, as long as there may be any.
    async fn hear(&self) {
        let mut lost = false;
        loop {
            match self.db.listen().await {
                Ok(Some(ear)) => {
                    tracing::debug!("listening to the other servers");
                    lost = false;
                    self.missed();
                    let error = self.listen(ear).await;
                    tracing::warn!(%error, "lost the connection to the other servers; looking every two seconds");
                }
                Ok(None) => return,
                Err(error) if !lost => {
                    lost = true;
                    tracing::warn!(%error, "can't listen to the other servers; looking every two seconds");
                }
                Err(_) => {}
            }
            self.missed();
            sleep(LOOK).await;
        }
    }

    async fn listen(&self, mut ear: Ear) -> crate::error::Error {
        loop {
            match ear.next().await {
                Ok(Some(word)) => self.heard(&word),
                Ok(None) => self.missed(),
                Err(error) => return error,
            }
        }
    }

    fn heard(&self, word: &str) {
        let hub = self.db.hub();
        match serde_json::from_str::<Word>(word) {
            Ok(word) if word.from == self.from => {}
            Ok(word) => {
                word.logged.iter().for_each(|&job| hub.tell_logged(Logged::Job(job.into())));
                if word.events {
                    hub.look();
                }
            }
            // A newer server says something that this one does not understand.
            Err(_) => self.missed(),
        }
    }

    /// Something may have been said that was not heard.
    fn missed(&self) {
        self.db.hub().tell_logged(Logged::Any);
        self.db.hub().look();
    }
}
