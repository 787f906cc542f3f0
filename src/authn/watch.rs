//! Whether those who hold streams open are still who they were: looked up for all of them together every five seconds, each
//! once, however many streams they hold. Whoever changed is woken, and asks anew; the others sleep on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::authz::{Actor, Credential, Identity, Origin};
use crate::db::Db;
use crate::error::Result;

/// How often everybody is looked up.
pub(crate) const EVERY: Duration = Duration::from_secs(5);
/// How many are looked up by one statement.
const BATCH: usize = 1000;

/// Who holds a credential, as it was last read; `None` for nobody any more.
type Latest = Option<Actor>;

/// Watches those who hold streams open. One for each server, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Watches(Arc<Mutex<Watched>>);

type Watched = HashMap<Credential, watch::Sender<Latest>>;

/// Watches somebody for one stream.
#[derive(Debug)]
pub(crate) struct Watch(Option<watch::Receiver<Latest>>);

impl Watches {
    /// Watches an actor for as long as the answer is kept.
    pub(crate) fn begin(&self, actor: &Actor) -> Watch {
        let Identity::User { credential, .. } = *actor.identity() else { return Watch(None) };
        let mut all = self.all();
        // The first stream brings along what everybody else's is compared with.
        let holder = all.entry(credential).or_insert_with(|| watch::Sender::new(Some(actor.clone())));
        let mut latest = holder.subscribe();
        // What was read since for another stream may be news for this one.
        latest.mark_changed();
        Watch(Some(latest))
    }

    /// Everybody who is watched. Who is not any more is forgotten.
    fn watched(&self) -> Vec<Credential> {
        let mut all = self.all();
        all.retain(|_, holder| holder.receiver_count() > 0);
        all.keys().copied().collect()
    }

    /// Notes who holds these credentials now; who is not among `found` holds none any more.
    fn note(&self, asked: &[Credential], mut found: HashMap<Credential, Actor>) {
        let all = self.all();
        for credential in asked {
            let now = found.remove(credential);
            let Some(holder) = all.get(credential) else { continue };
            holder.send_if_modified(|known| {
                let is_another = !is_same(known.as_ref(), now.as_ref());
                if is_another {
                    *known = now;
                }
                is_another
            });
        }
    }

    fn all(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Waits until whoever is watched may be another than `known`, or nobody any more. Who is no user is never read, so this
    /// may always be so.
    pub(crate) async fn is_another(&mut self, known: &Actor) {
        let Some(latest) = &mut self.0 else { return sleep(EVERY).await };
        loop {
            if latest.changed().await.is_err() {
                // The server is gone, and nobody reads any more.
                return std::future::pending().await;
            }
            if !is_same(Some(known), latest.borrow_and_update().as_ref()) {
                return;
            }
        }
    }
}

fn is_same(one: Option<&Actor>, other: Option<&Actor>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.holds_the_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Looks everybody up again and again, until told to stop.
pub(crate) async fn run(db: Db, watches: Watches, stop: CancellationToken) {
    let mut round = interval_at(Instant::now() + EVERY, EVERY);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = round.tick() => {}
        }
        for asked in watches.watched().chunks(BATCH) {
            match holders(&db, asked).await {
                Ok(found) => watches.note(asked, found),
                Err(error) => tracing::warn!(%error, "could not look up who holds streams open; tried again"),
            }
        }
    }
}

async fn holders(db: &Db, asked: &[Credential]) -> Result<HashMap<Credential, Actor>> {
    let shown: Vec<_> = asked.iter().map(|&credential| credential.into()).collect();
    let found = store::holders(db, &shown).await?;
    let now = db.clock().now();
    let actor = |holder: &store::Holder| {
        let recognised = super::standing(holder, now, Origin::default()).ok()?;
        Some((holder.credential, recognised.actor))
    };
    Ok(found.values().filter_map(actor).collect())
}
