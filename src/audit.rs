//! The audit log: what changed, who did it, from where. A row is written in the transaction of its change.

use guildhall_entity::audit_log::{Column, Entity};
use guildhall_entity::id::{AuditLogId, OrganizationId, TypedId};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{InsertStatement, IntoTableRef, Query};
use serde_json::{Map, Value, json};

use crate::authz::{Identity, Permit, Resource};
use crate::clock::Clock;

/// A change: before and after, without secrets.
#[derive(Clone, Debug)]
pub struct Change {
    action: Action,
    resource: Resource,
    organization: Option<OrganizationId>,
    id: Uuid,
    name: String,
    diff: Value,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Made.
    Create,
    /// Changed.
    Update,
    /// Deleted.
    Delete,
    /// Signed in.
    SignIn,
    /// Signed out.
    SignOut,
    /// Started.
    Start,
    /// Stopped.
    Stop,
    /// Canceled.
    Cancel,
}

impl Action {
    /// As it stands in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::SignIn => "SIGN_IN",
            Self::SignOut => "SIGN_OUT",
            Self::Start => "START",
            Self::Stop => "STOP",
            Self::Cancel => "CANCEL",
        }
    }
}

/// What the log tells of a thing: its fields, without secrets.
pub type Facts = Map<String, Value>;

/// Facts from a JSON object literal.
pub(crate) fn facts(object: Value) -> Facts {
    match object {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

impl Change {
    /// A change of this thing; what changed is the difference of the two.
    pub fn new(
        action: Action,
        resource: Resource,
        organization: Option<OrganizationId>,
        id: impl TypedId,
        name: impl Into<String>,
        before: &Facts,
        after: &Facts,
    ) -> Self {
        Self { action, resource, organization, id: id.uuid(), name: name.into(), diff: diff(before, after) }
    }
}

/// Field → old and new value, only of fields that differ.
fn diff(before: &Facts, after: &Facts) -> Value {
    let mut fields = Map::new();
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            fields.insert(name.clone(), json!({ "old": old, "new": new }));
        }
    }
    Value::Object(fields)
}

/// The statement that writes a change's row.
pub(crate) fn insert(change: &Change, permit: &Permit, clock: &Clock) -> InsertStatement {
    let actor = permit.actor();
    let (kind, id) = match actor.identity() {
        Identity::Anonymous => ("ANONYMOUS", None),
        Identity::User { id, .. } => ("USER", Some(id.0)),
        Identity::Daemon { key, .. } => ("PROVISIONER_KEY", key.map(|key| key.0)),
        Identity::System(_) => ("SYSTEM", None),
    };
    let origin = actor.origin();
    let mut statement = Query::insert();
    statement
        .into_table(Entity.into_table_ref())
        .columns([
            Column::Id,
            Column::Time,
            Column::ActorKind,
            Column::ActorId,
            Column::ActorName,
            Column::OrganizationId,
            Column::Action,
            Column::Resource,
            Column::ResourceId,
            Column::ResourceName,
            Column::Diff,
            Column::Status,
            Column::RequestId,
            Column::Ip,
        ])
        .values_panic([
            clock.id::<AuditLogId>().into(),
            clock.now().into(),
            kind.into(),
            id.into(),
            actor.name().into(),
            change.organization.into(),
            change.action.as_str().into(),
            change.resource.as_str().into(),
            change.id.into(),
            change.name.as_str().into(),
            change.diff.clone().into(),
            "SUCCESS".into(),
            origin.request_id.as_str().into(),
            origin.ip.map(|ip| ip.to_string()).unwrap_or_default().into(),
        ]);
    statement
}
