//! Sessions and API tokens that several requests ask for at the same time are looked up together, by one statement for
//! each kind. A lookup begins after the request came in, never before: what was revoked by then is not accepted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guildhall_flight::Batches;
use sea_orm::{ConnAcquireErr, DbErr};

use super::store::{self, Holder, Shown};
use crate::db::Db;
use crate::error::{Error, Result};

/// How long a lookup may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = Result<Option<Arc<Holder>>>;

/// Looks up sessions and tokens. One for each server, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lookups(Batches<Shown, Answer>);

impl Lookups {
    /// A session or token with its user and memberships, as they are now.
    pub(super) async fn holder(&self, db: &Db, shown: Shown) -> Answer {
        let begin = || {
            let db = db.clone();
            move |shown| answers(db.clone(), shown)
        };
        // Nothing else bounds it: a request is timed from when it is known whose it is.
        let answer = tokio::time::timeout(PATIENCE, self.0.join(shown, begin)).await;
        let answer = answer.map_err(|_elapsed| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        answer.ok_or_else(|| Error::internal("a lookup of sessions ended without an answer"))?
    }
}

/// What is known of each; a failure is everybody's.
async fn answers(db: Db, shown: Vec<Shown>) -> HashMap<Shown, Answer> {
    let mut found = store::holders(&db, &shown).await;
    let mut answers = HashMap::with_capacity(shown.len());
    for shown in shown {
        let answer = found.as_mut().map(|found| found.remove(&shown).map(Arc::new));
        answers.insert(shown, answer.map_err(|error| error.clone()));
    }
    answers
}
