//! The body of an answer, and how long its client leaves it lying.
//!
//! A client of HTTP/2 says how much of each answer it takes. What it does not take lies in memory while its connection
//! is lively and answers pings, so that the time limit on writing to the connection does not see it.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::io::Busy;

/// What the answers of a connection have ready and their client has not taken. A stream that has nothing to send has
/// nothing here.
#[derive(Default)]
pub(super) struct Unread {
    pieces: Mutex<Pieces>,
    /// A piece has come to be here, where there was none.
    first: Notify,
}

#[derive(Default)]
struct Pieces {
    next: u64,
    /// When something of a piece was last taken, or when it came.
    since: BTreeMap<u64, Instant>,
}

impl Unread {
    /// Ends when nothing has been taken of some piece for this long.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let oldest = self.pieces().since.values().min().copied();
            match oldest.map(|since| since + patience) {
                None => self.first.notified().await,
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
            }
        }
    }

    fn add(self: &Arc<Self>) -> Lying {
        let mut pieces = self.pieces();
        if pieces.since.is_empty() {
            self.first.notify_one();
        }
        let id = pieces.next;
        pieces.next += 1;
        pieces.since.insert(id, Instant::now());
        Lying { unread: Arc::clone(self), id }
    }

    /// Nothing panics while it holds the lock, and a map is whole in any case.
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a piece among the unread.
struct Lying {
    unread: Arc<Unread>,
    id: u64,
}

impl Lying {
    fn taken_from(&self) {
        self.unread.pieces().since.insert(self.id, Instant::now());
    }
}

impl Drop for Lying {
    fn drop(&mut self) {
        self.unread.pieces().since.remove(&self.id);
    }
}

/// Data of an answer. HTTP/2 advances it as it writes to the connection, and drops it when its stream is reset.
pub(super) struct Piece {
    data: Bytes,
    lying: Option<Lying>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.data.advance(count);
        if !self.data.has_remaining() {
            self.lying = None;
        } else if let Some(lying) = &self.lying {
            lying.taken_from();
        }
    }
}

/// The body of an answer: the request is busy until it is written.
pub(super) struct Held {
    body: Body,
    /// Where its pieces are counted. Those of HTTP/1 are not: a client leaves them by not reading from the connection.
    unread: Option<Arc<Unread>>,
    _busy: Busy,
}

impl Held {
    pub(super) fn new(body: Body, unread: Option<Arc<Unread>>, busy: Busy) -> Self {
        Self { body, unread, _busy: busy }
    }
}

impl http_body::Body for Held {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|data| {
                    let unread = self.unread.as_ref().filter(|_| !data.is_empty());
                    Piece { lying: unread.map(Unread::add), data }
                })
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
