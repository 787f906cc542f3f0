//! Events: what happened, as rows that are written in the transaction of what they tell of, and the hub that wakes those
//! who wait. A wake-up is only a hint: whoever is woken reads the tables, and whoever fell behind is told to look.
//!
//! Every [`Change`] becomes an event where it is committed, so no mutation can forget it. What changes without one (a job's
//! state, a daemon's) is emitted by hand; what changes because a job does (its workspace, its template version, its daemon)
//! is added where events are numbered, in `live/`.

mod hub;

pub use hub::{Hub, Logged, Logs, Records};

use chrono::{DateTime, Utc};
use guildhall_entity::event_pending::{Column, Entity};
use guildhall_entity::id::{
    AuditLogId, OrganizationId, ProvisionerDaemonId, ProvisionerJobId, TypedId, WorkspaceId,
};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{InsertStatement, IntoTableRef, Query};

use crate::audit::{Action, Attempt, Change};
use crate::authz::Resource;

/// Something that happened without being anybody's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To what.
    pub subject: Uuid,
    /// Because of what, or as a part of what.
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
    /// A daemon registered for the first time.
    DaemonRegistered,
    /// A daemon registered again, went offline or came back, or its key changed.
    DaemonChanged,
    /// A daemon is gone with its key.
    DaemonGone,
}

/// What became of the subject of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "EventKind")]
pub enum Kind {
    /// It is new.
    Created,
    /// It changed.
    Updated,
    /// It is gone.
    Deleted,
}

impl Kind {
    /// As it stands in the outbox.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Deleted => "DELETED",
        }
    }

    /// From a name in the outbox.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Deleted].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A row of the outbox.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number: without holes, and never smaller than one that could be read before.
    pub sequence: i64,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// What became of the subject; `None` where nothing changed but the audit log.
    pub kind: Option<Kind>,
    /// What kind of thing the subject is; `None` for one that a newer server wrote.
    pub resource: Option<Resource>,
    /// The prefix of the subject's public id.
    pub prefix: String,
    /// To what.
    pub subject: Option<Uuid>,
    /// Because of what, or as a part of what: the build that changed a workspace, the template of a version.
    pub parent: Option<Uuid>,
    /// The entry of the audit log that tells of it.
    pub audit: Option<AuditLogId>,
}

/// An event that a transaction will leave in the outbox.
#[derive(Debug)]
pub(crate) struct Draft {
    organization: Option<OrganizationId>,
    kind: Option<Kind>,
    resource: Resource,
    prefix: &'static str,
    subject: Option<Uuid>,
    parent: Option<Uuid>,
    audit: Option<AuditLogId>,
}

impl Draft {
    /// From an event; `None` for what has a record of its own.
    pub(crate) fn of_event(event: &Event) -> Option<Self> {
        let (resource, prefix, kind) = match event.kind {
            EventKind::JobLogged => return None,
            EventKind::JobQueued => (Resource::ProvisionerJob, ProvisionerJobId::PREFIX, Kind::Created),
            EventKind::JobChanged => (Resource::ProvisionerJob, ProvisionerJobId::PREFIX, Kind::Updated),
            EventKind::WorkspaceChanged => (Resource::Workspace, WorkspaceId::PREFIX, Kind::Updated),
            EventKind::DaemonRegistered => {
                (Resource::ProvisionerDaemon, ProvisionerDaemonId::PREFIX, Kind::Created)
            }
            EventKind::DaemonChanged => {
                (Resource::ProvisionerDaemon, ProvisionerDaemonId::PREFIX, Kind::Updated)
            }
            EventKind::DaemonGone => {
                (Resource::ProvisionerDaemon, ProvisionerDaemonId::PREFIX, Kind::Deleted)
            }
        };
        Some(Self {
            organization: event.organization,
            kind: Some(kind),
            resource,
            prefix,
            subject: Some(event.subject),
            parent: event.parent,
            audit: None,
        })
    }

    /// From a change and its entry in the audit log.
    pub(crate) fn of_change(change: &Change, entry: AuditLogId) -> Self {
        let (prefix, subject) = change.subject();
        let kind = match change.action() {
            Action::Create | Action::SignIn => Kind::Created,
            // Somebody asked for it. Whether it is gone is looked up where events are numbered.
            Action::Delete if prefix == WorkspaceId::PREFIX => Kind::Updated,
            Action::Delete | Action::SignOut => Kind::Deleted,
            _ => Kind::Updated,
        };
        Self {
            organization: change.organization(),
            kind: Some(kind),
            resource: change.resource(),
            prefix,
            subject: Some(subject),
            parent: None,
            audit: Some(entry),
        }
    }

    /// From an attempt that changed nothing but the audit log.
    pub(crate) fn of_attempt(attempt: &Attempt<'_>, entry: AuditLogId) -> Self {
        let (prefix, subject) = attempt.about().map_or(("", None), |(prefix, id)| (prefix, Some(id)));
        Self {
            organization: attempt.organization(),
            kind: None,
            resource: attempt.resource(),
            prefix,
            subject,
            parent: None,
            audit: Some(entry),
        }
    }

    fn is_about(&self, other: &Self) -> bool {
        (self.resource, self.subject, self.organization)
            == (other.resource, other.subject, other.organization)
    }

    /// Two drafts of one thing as one, where that loses nothing.
    fn merge(&mut self, other: &Self) -> bool {
        if !self.is_about(other) || (self.audit.is_some() && other.audit.is_some()) {
            return false;
        }
        self.kind = match (self.kind, other.kind) {
            (Some(Kind::Deleted), _) | (_, Some(Kind::Deleted)) => Some(Kind::Deleted),
            (Some(Kind::Created), _) | (_, Some(Kind::Created)) => Some(Kind::Created),
            (kind, other) => kind.or(other),
        };
        self.parent = self.parent.or(other.parent);
        self.audit = self.audit.or(other.audit);
        true
    }
}

/// What one transaction leaves: a thing that changed twice in it is told of once.
pub(crate) fn push(drafts: &mut Vec<Draft>, draft: Draft) {
    if !drafts.iter_mut().any(|earlier| earlier.merge(&draft)) {
        drafts.push(draft);
    }
}

/// The statement that leaves the drafts of a transaction, of which there is at least one.
pub(crate) fn insert(drafts: &[Draft], now: DateTime<Utc>) -> InsertStatement {
    let mut statement = Query::insert();
    statement.into_table(Entity.into_table_ref()).columns([
        Column::Time,
        Column::OrganizationId,
        Column::Kind,
        Column::Resource,
        Column::SubjectPrefix,
        Column::SubjectId,
        Column::ParentId,
        Column::AuditLogId,
    ]);
    for draft in drafts {
        statement.values_panic([
            now.into(),
            draft.organization.into(),
            draft.kind.map(Kind::as_str).into(),
            draft.resource.as_str().into(),
            draft.prefix.into(),
            draft.subject.into(),
            draft.parent.into(),
            draft.audit.into(),
        ]);
    }
    statement
}
