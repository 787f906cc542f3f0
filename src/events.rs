//! Events: rows of the outbox, written in the transaction of what they tell of, and the hub that wakes those who wait.
//! A wake-up is only a hint: whoever is woken reads the tables.

use chrono::{DateTime, Utc};
use guildhall_entity::event::{Column, Entity};
use guildhall_entity::id::OrganizationId;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{InsertStatement, IntoTableRef, Query};
use tokio::sync::broadcast;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To what.
    pub subject: Uuid,
    /// What the subject belongs to: a job's build, a build's workspace.
    pub parent: Option<Uuid>,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A job waits for a daemon.
    JobQueued,
    /// A job's state changed.
    JobChanged,
    /// A job wrote to its log. Never in the outbox: the log is its own record.
    JobLogged,
    /// A workspace or its latest build changed.
    WorkspaceChanged,
    /// A daemon registered.
    DaemonChanged,
}

impl EventKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::JobQueued => "JOB_QUEUED",
            Self::JobChanged => "JOB_CHANGED",
            Self::JobLogged => "JOB_LOGGED",
            Self::WorkspaceChanged => "WORKSPACE_CHANGED",
            Self::DaemonChanged => "DAEMON_CHANGED",
        }
    }
}

/// How many events a waiter may fall behind before it is told to look for itself.
const CAPACITY: usize = 1024;

/// Wakes those who wait, inside this process.
#[derive(Clone, Debug)]
pub struct Hub(broadcast::Sender<Event>);

impl Hub {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Tells everyone who listens. Nobody listening is no fault.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// How many listen.
    pub(crate) fn receivers(&self) -> usize {
        self.0.receiver_count()
    }

    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears of events as they are committed.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Event>);

impl Listener {
    /// The next event; `None` means "something may have been missed: look".
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await.ok()
    }
}

pub(crate) fn insert_in(event: &Event, now: DateTime<Utc>) -> InsertStatement {
    let mut statement = Query::insert();
    statement
        .into_table(Entity.into_table_ref())
        .columns([Column::Time, Column::OrganizationId, Column::Kind, Column::SubjectId, Column::ParentId])
        .values_panic([
            now.into(),
            event.organization.into(),
            event.kind.as_str().into(),
            event.subject.into(),
            event.parent.into(),
        ]);
    statement
}
