//! Sessions and API tokens that several requests ask for at the same time are looked up together, by one statement for
//! each kind. A lookup begins after the request came in, never before: what was revoked by then is not accepted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::store::{self, Holder, Shown};
use crate::db::Db;
use crate::error::{Error, Result};

/// Statements under way at the same time. With one, a slow answer would hold up everybody.
const LANES: usize = 2;

type Answer = Result<Option<Arc<Holder>>>;

/// Looks up sessions and tokens. One for each server, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lookups(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<Shown, Vec<oneshot::Sender<Answer>>>,
    lanes: usize,
}

impl Lookups {
    /// A session or token with its user and memberships, as they are now.
    pub(super) async fn holder(&self, db: &Db, shown: Shown) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let begins = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.entry(shown).or_default().push(sender);
            let begins = state.lanes < LANES;
            state.lanes += usize::from(begins);
            begins
        };
        if begins {
            self.begin(db.clone());
        }
        receiver.await.map_err(|_| Error::internal("a lookup of sessions ended without an answer"))?
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it ends as soon as nobody waits, and a request that goes away must not take the others' answer along"
    )]
    fn begin(&self, db: Db) {
        let mut lane = Lane(Some(self.clone()));
        tokio::spawn(async move {
            loop {
                // Whatever else can run comes first: the busier the server, the more are looked up at once.
                tokio::task::yield_now().await;
                let Some(waiting) = lane.take() else { break };
                answer(&db, waiting).await;
            }
        });
    }
}

/// A place among the [`LANES`], given back however its task ends.
struct Lane(Option<Lookups>);

impl Lane {
    /// Everybody who waits. Where nobody does the place is given back in the same moment: who comes next begins a lane.
    fn take(&mut self) -> Option<HashMap<Shown, Vec<oneshot::Sender<Answer>>>> {
        let mut state = self.0.as_ref()?.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.waiting.is_empty() {
            return Some(std::mem::take(&mut state.waiting));
        }
        state.lanes -= 1;
        drop(state);
        self.0 = None;
        None
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(lookups) = &self.0 {
            lookups.0.lock().unwrap_or_else(PoisonError::into_inner).lanes -= 1;
        }
    }
}

async fn answer(db: &Db, waiting: HashMap<Shown, Vec<oneshot::Sender<Answer>>>) {
    let shown: Vec<_> = waiting.keys().cloned().collect();
    let mut found = store::holders(db, &shown).await;
    for (shown, senders) in waiting {
        let answer =
            found.as_mut().map(|found| found.remove(&shown).map(Arc::new)).map_err(|error| error.clone());
        for sender in senders {
            // Who no longer waits has gone away.
            let _ = sender.send(answer.clone());
        }
    }
}
