//! The audit log.

use serde::{Deserialize, Serialize};

use crate::answer::{connection, found};
use crate::permission::{AuditAction, AuditStatus, Resource};
use crate::{Client, ClientError, DateTime, Id, Json, Page, Permission, QueryBuilder, schema};

/// A kind of actor, e.g. `USER`; kept as text, because the list grows with the server.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(transparent)]
pub struct AuditActorKind(pub String);

impl cynic::Enum for AuditActorKind {
    type SchemaType = schema::AuditActorKind;
}
cynic::impl_coercions!(AuditActorKind, schema::AuditActorKind);

/// Something that was done or tried.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct AuditLogEntry {
    /// `aud_…`.
    pub id: Id,
    /// When.
    pub time: DateTime,
    /// Who.
    pub actor: AuditActor,
    /// What was done.
    pub action: AuditAction,
    /// To what kind of thing.
    pub resource: Resource,
    /// To what.
    pub resource_id: Option<Id>,
    /// The name it had then.
    pub resource_name: String,
    /// In which organization.
    pub organization_id: Option<Id>,
    /// What changed.
    pub changes: Vec<AuditChange>,
    /// What became of it.
    pub status: AuditStatus,
    /// What was missing, where it was denied.
    pub missing_permission: Option<Permission>,
    /// The request's id, as in the server's log.
    pub request_id: String,
    /// Where the request came from.
    pub address: String,
}

/// Who did something.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct AuditActor {
    /// What kind of actor.
    pub kind: AuditActorKind,
    /// The user's or key's id.
    pub id: Option<Id>,
    /// The name it had then.
    pub name: String,
}

/// A field that changed.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct AuditChange {
    /// Which.
    pub field: String,
    /// What it was.
    pub before: Option<Json>,
    /// What it is since.
    pub after: Option<Json>,
}

/// Which entries: all of these together.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct AuditLogFilter {
    /// By this user or provisioner key.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Id>,
    /// What was done.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub action: Option<AuditAction>,
    /// To this kind of thing.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// To this thing.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<Id>,
    /// In this organization.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Id>,
    /// With this outcome.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<AuditStatus>,
    /// At this time or later.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime>,
    /// Before this time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime>,
}

/// Orders of the log.
#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum AuditLogOrder {
    /// Oldest first.
    TimeAsc,
    /// Newest first.
    TimeDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AuditLogVariables {
    filter: AuditLogFilter,
    order: AuditLogOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "AuditLogVariables")]
pub(crate) struct AuditLog {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    audit_log: AuditLogEntryConnection,
}

connection!(AuditLogEntryConnection, AuditLogEntry);

#[derive(cynic::QueryVariables)]
pub(crate) struct AuditLogEntryVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "AuditLogEntryVariables")]
pub(crate) struct AuditLogEntryById {
    #[arguments(id: $id)]
    node: Option<EntryNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum EntryNode {
    AuditLogEntry(Box<AuditLogEntry>),
    #[cynic(fallback)]
    Other,
}

impl Client {
    /// A page of the log, as far as the token may read it.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn audit_log(
        &self,
        filter: &AuditLogFilter,
        order: AuditLogOrder,
        after: Option<String>,
    ) -> Result<Page<AuditLogEntry>, ClientError> {
        let variables = AuditLogVariables { filter: filter.clone(), order, after };
        Ok(self.run_idempotent(AuditLog::build(variables)).await?.audit_log.into())
    }
    /// One entry of the log.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn audit_log_entry(&self, id: &Id) -> Result<AuditLogEntry, ClientError> {
        let variables = AuditLogEntryVariables { id: id.clone() };
        let data = self.run_idempotent(AuditLogEntryById::build(variables)).await?;
        let entry = match data.node {
            Some(EntryNode::AuditLogEntry(entry)) => Some(*entry),
            Some(EntryNode::Other) | None => None,
        };
        found(entry, "audit log entry", id.inner())
    }
}
