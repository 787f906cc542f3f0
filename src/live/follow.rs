//! Following a topic from a place in the outbox on: what is there, from the table; then what comes, from the hub, which has
//! read it already. Whoever falls behind the hub reads the table again. Each record comes once, in order.

use super::cursor::{CursorKeys, Unreadable};
use super::store;
use super::topic::Topic;
use crate::authn::watch::Watch;
use crate::authz::{Actor, Resource};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::events::{Record, Records};

/// Records read at a time.
const BATCH: u64 = 100;

/// Follows a topic.
pub(crate) struct Follower {
    db: Db,
    topic: Topic,
    /// Everything up to here was looked at.
    place: i64,
    hub: Records,
    /// Whether the reader is still who they were.
    watch: Watch,
    /// There may be records after the place that the hub will not tell.
    behind: bool,
}

/// What there is to look at.
pub(crate) enum Look {
    /// Records of the topic. Look who the reader is before telling them.
    Records(Vec<Record>),
    /// Nothing, but look who the reader is.
    Reader,
}

impl Follower {
    /// Follows a topic from a cursor on; without one, from `now` on, which is the place where the hub was when the request
    /// came: whoever has an answer to that may rely on it, however long it took to look whether they may follow.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is no cursor, CONFLICT for one that is older than what is kept, or than the keys.
    pub(crate) async fn begin(
        db: Db,
        keys: &CursorKeys,
        watch: Watch,
        topic: Topic,
        after: Option<&str>,
        now: i64,
    ) -> Result<Self> {
        // Listen before looking, so that nothing falls between.
        let hub = db.hub().records();
        let Some(text) = after else {
            let behind = db.hub().head() != now;
            return Ok(Self { db, topic, place: now, hub, watch, behind });
        };
        let extent = store::extent(&db).await?;
        let place = match keys.read(text) {
            Ok(place) if place <= extent.last => place,
            Ok(_) | Err(Unreadable::Foreign) => return Err(no_cursor()),
            Err(Unreadable::KeyGone) => {
                return Err(lost("`after` was made with a key that is not used any more"));
            }
        };
        if place < extent.forgotten {
            return Err(too_old());
        }
        Ok(Self { db, topic, place, hub, watch, behind: true })
    }

    /// Waits for something to look at, as this reader.
    ///
    /// # Errors
    /// CONFLICT when the reader was so slow that what they have not seen is forgotten.
    pub(crate) async fn next(&mut self, reader: &Actor) -> Result<Look> {
        loop {
            if self.behind {
                let records = self.read().await?;
                if records.is_empty() {
                    continue;
                }
                return Ok(Look::Records(records));
            }
            tokio::select! {
                told = self.hub.next() => match told {
                    None => self.behind = true,
                    Some(told) => if let Some(look) = self.hear(&told, reader) {
                        return Ok(look);
                    },
                },
                () = self.watch.is_another(reader) => return Ok(Look::Reader),
            }
        }
    }

    /// What the hub told, as far as it was not looked at.
    fn hear(&mut self, told: &[Record], reader: &Actor) -> Option<Look> {
        let place = self.place;
        let fresh = || told.iter().filter(|record| record.sequence > place);
        let records: Vec<Record> = fresh().filter(|record| self.topic.concerns(record)).cloned().collect();
        let touched = fresh().any(|record| touches(record, reader));
        self.place = told.last().map_or(place, |last| last.sequence.max(place));
        match (records.is_empty(), touched) {
            (false, _) => Some(Look::Records(records)),
            (true, true) => Some(Look::Reader),
            (true, false) => None,
        }
    }

    /// The next records from the table.
    async fn read(&mut self) -> Result<Vec<Record>> {
        // Before reading: everything up to here is there then.
        let head = self.db.hub().head();
        let records = store::after(&self.db, self.place, self.topic.condition(), BATCH).await?;
        // After reading: if it was forgotten meanwhile, this says so.
        if store::extent(&self.db).await?.forgotten > self.place {
            return Err(too_old());
        }
        self.behind = records.len() as u64 == BATCH;
        let last = records.last().map_or(self.place, |record| record.sequence);
        self.place = if self.behind { last } else { last.max(head) };
        Ok(records)
    }
}

/// What a reader may see can be another after this.
fn touches(record: &Record, reader: &Actor) -> bool {
    match record.resource {
        Some(Resource::Role) => true,
        Some(Resource::Member | Resource::User) => {
            reader.user_id().is_some_and(|reader| record.subject == Some(reader.0))
        }
        _ => false,
    }
}

fn no_cursor() -> Error {
    let message = "`after` is not a cursor of an event of this server; pass one that it returned";
    Error::BadInput { argument: "after", message: message.into() }
}

fn too_old() -> Error {
    lost("`after` is older than the events that are kept")
}

/// What happened since can't be told: whoever follows begins anew.
fn lost(why: &str) -> Error {
    Error::Conflict(format!("{why}: read `eventCursor`, then the present state, and go on from that cursor"))
}
