//! The hub: who waits in this process, and what wakes them. The records of the outbox are read once for all of them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use guildhall_entity::id::ProvisionerJobId;
use tokio::sync::Notify;
use tokio::sync::broadcast::{self, error::RecvError};

use super::Record;

/// How many batches of records a waiter may fall behind before it is told to read for itself.
const BATCHES: usize = 64;
/// The same for signs that jobs have logged.
const LOGGED: usize = 1024;

/// Wakes those who wait, inside this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: broadcast::Sender<Arc<[Record]>>,
    logged: broadcast::Sender<Logged>,
    /// The last record that was told.
    head: AtomicI64,
    /// What this process has committed since the outbox was last looked at.
    committed: Mutex<Committed>,
    nudge: Notify,
}

/// What a process has committed.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// Transactions left events.
    pub(crate) events: bool,
    /// Jobs that have logged.
    pub(crate) logged: HashSet<ProvisionerJobId>,
}

/// A sign that a job has logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// This one.
    Job(ProvisionerJobId),
    /// Any: something may have been missed.
    Any,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            records: broadcast::Sender::new(BATCHES),
            logged: broadcast::Sender::new(LOGGED),
            head: AtomicI64::new(0),
            committed: Mutex::default(),
            nudge: Notify::new(),
        }))
    }

    /// A transaction of this process left events.
    pub(crate) fn committed(&self) {
        self.0.committed.lock().unwrap_or_else(PoisonError::into_inner).events = true;
        self.0.nudge.notify_one();
    }

    /// A job logged, by a transaction of this process.
    pub(crate) fn logged(&self, job: ProvisionerJobId) {
        self.tell_logged(Logged::Job(job));
        self.0.committed.lock().unwrap_or_else(PoisonError::into_inner).logged.insert(job);
        self.0.nudge.notify_one();
    }

    /// There may be something new in the outbox.
    pub(crate) fn look(&self) {
        self.0.nudge.notify_one();
    }

    /// Waits until there may be something new in the outbox, or to be told to other servers.
    pub(crate) async fn nudged(&self) {
        self.0.nudge.notified().await;
    }

    /// What this process has committed since this was last asked.
    pub(crate) fn take_committed(&self) -> Committed {
        std::mem::take(&mut *self.0.committed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells everyone who waits of the next records of the outbox. Nobody waiting is no fault.
    pub(crate) fn tell(&self, records: Arc<[Record]>) {
        let Some(last) = records.last() else { return };
        // First the place, then the records: who begins in between reads them from the table.
        self.0.head.store(last.sequence, Ordering::SeqCst);
        let _ = self.0.records.send(records);
    }

    pub(crate) fn tell_logged(&self, logged: Logged) {
        let _ = self.0.logged.send(logged);
    }

    /// The last record that this process has been told of.
    pub fn head(&self) -> i64 {
        self.0.head.load(Ordering::SeqCst)
    }

    pub(crate) fn set_head(&self, head: i64) {
        self.0.head.store(head, Ordering::SeqCst);
    }

    /// How many listen.
    pub(crate) fn receivers(&self) -> usize {
        self.0.records.receiver_count()
    }

    /// The records of the outbox from now on.
    pub fn records(&self) -> Records {
        Records(self.0.records.subscribe())
    }

    /// Signs that jobs have logged, from now on.
    pub fn logs(&self) -> Logs {
        Logs(self.0.logged.subscribe())
    }
}

/// Hears of records as they come into the outbox.
#[derive(Debug)]
pub struct Records(broadcast::Receiver<Arc<[Record]>>);

impl Records {
    /// The next records; `None` means "something may have been missed: read".
    pub async fn next(&mut self) -> Option<Arc<[Record]>> {
        match self.0.recv().await {
            Ok(records) => Some(records),
            Err(RecvError::Lagged(_)) => None,
            // The hub lives as long as the database it belongs to, which whoever waits holds.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Hears that jobs have logged.
#[derive(Debug)]
pub struct Logs(broadcast::Receiver<Logged>);

impl Logs {
    /// The next sign.
    pub async fn next(&mut self) -> Logged {
        match self.0.recv().await {
            Ok(logged) => logged,
            Err(RecvError::Lagged(_)) => Logged::Any,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
