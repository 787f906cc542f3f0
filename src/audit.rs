//! The audit log: what changed, who did it, from where. A row is written in the transaction of its change.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use guildhall_entity::audit_log::{Column, Entity};
use guildhall_entity::id::{AuditLogId, OrganizationId, TypedId, UserId};
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::sea_query::{Expr, InsertStatement, IntoTableRef, Query};
use serde_json::{Map, Value, json};

use crate::authz::{Actor, Identity, Origin, Permission, Permit, Resource};
use crate::clock::Clock;

/// A change: before and after, without secrets.
#[derive(Clone, Debug)]
pub struct Change {
    action: Action,
    resource: Resource,
    organization: Option<OrganizationId>,
    prefix: &'static str,
    id: Uuid,
    name: String,
    diff: Value,
    permit: Option<Arc<Permit>>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "AuditAction")]
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
    /// Stopped, to be started again.
    Restart,
    /// Canceled.
    Cancel,
    /// Taken out in clear: a Terraform state.
    Download,
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
            Self::Restart => "RESTART",
            Self::Cancel => "CANCEL",
            Self::Download => "DOWNLOAD",
        }
    }
}

/// What the log tells of a thing: its fields, without secrets.
pub type Facts = Map<String, Value>;

/// A thing in a fact: by its name for people, and by its id for whoever comes later, when the name may be another's.
pub(crate) fn named(name: &str, id: impl std::fmt::Display) -> String {
    format!("{name} ({id})")
}

/// Facts from a JSON object literal.
pub(crate) fn facts(object: Value) -> Facts {
    match object {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

impl Change {
    /// A change of this thing; what changed is the difference of the two.
    pub fn new<Id: TypedId>(
        action: Action,
        resource: Resource,
        organization: Option<OrganizationId>,
        id: Id,
        name: impl Into<String>,
        before: &Facts,
        after: &Facts,
    ) -> Self {
        let (prefix, id) = (Id::PREFIX, id.uuid());
        let (name, diff) = (name.into(), diff(before, after));
        Self { action, resource, organization, prefix, id, name, diff, permit: None }
    }
}

impl Change {
    /// The same, done by another than whom the transaction began for.
    #[must_use]
    pub(crate) fn under(self, permit: Permit) -> Self {
        Self { permit: Some(Arc::new(permit)), ..self }
    }

    /// What it is a change of.
    pub(crate) fn subject(&self) -> (&'static str, Uuid) {
        (self.prefix, self.id)
    }

    /// Whether anything is another after it. What is not is not written: it stays at its version.
    pub(crate) fn alters(&self) -> bool {
        self.diff.as_object().is_none_or(|fields| !fields.is_empty())
    }

    /// What was done.
    pub(crate) fn action(&self) -> Action {
        self.action
    }

    /// To what kind of thing.
    pub(crate) fn resource(&self) -> Resource {
        self.resource
    }

    /// In which organization.
    pub(crate) fn organization(&self) -> Option<OrganizationId> {
        self.organization
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

/// One thing that a denied write was about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The prefix of its public id, and its id.
    pub(crate) about: (&'static str, Uuid),
    /// Its name.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) organization: Option<OrganizationId>,
}

/// An attempt that changed nothing: a denied write, a failed sign-in.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    actor: &'a Actor,
    action: &'static str,
    resource: Resource,
    organization: Option<OrganizationId>,
    about: Option<(&'static str, Uuid)>,
    name: String,
    permission: Option<Permission>,
    status: &'static str,
}

impl<'a> Attempt<'a> {
    /// A write that the policy denied for lack of a permission: `tried` is what its author would have done, where that is known.
    pub(crate) fn denied(
        actor: &'a Actor,
        permission: Permission,
        organization: Option<OrganizationId>,
        (tried, target): (Option<(Action, Resource)>, Option<Target>),
    ) -> Self {
        let (action, resource) = match tried {
            Some((action, resource)) => (action.as_str(), resource),
            None => {
                let action = match permission.action() {
                    known @ ("CREATE" | "DELETE" | "START" | "STOP" | "CANCEL") => known,
                    _ => Action::Update.as_str(),
                };
                (action, permission.resource())
            }
        };
        let status = "DENIED";
        let (about, name) = target.map(|target| (target.about, target.name)).unzip();
        let (name, permission) = (name.unwrap_or_default(), Some(permission));
        Self { actor, action, resource, organization, about, name, permission, status }
    }

    /// A sign-in to an account that there is.
    pub(crate) fn failed_sign_in(actor: &'a Actor, user: UserId, username: &str) -> Self {
        Self {
            actor,
            action: Action::SignIn.as_str(),
            resource: Resource::User,
            organization: None,
            about: Some((UserId::PREFIX, user.0)),
            name: username.to_owned(),
            permission: None,
            status: "FAILURE",
        }
    }

    /// Where it came from.
    pub(crate) fn origin(&self) -> &Origin {
        self.actor.origin()
    }

    /// What kind of thing it was about.
    pub(crate) fn resource(&self) -> Resource {
        self.resource
    }

    /// Where it was.
    pub(crate) fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }

    /// What it was about, where that is one thing: the prefix of its public id, and its id.
    pub(crate) fn about(&self) -> Option<(&'static str, Uuid)> {
        self.about
    }
}

/// Bounds how many attempts are noted, so that nobody can fill the disk with them.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    since: Option<DateTimeUtc>,
    noted: HashSet<String>,
    /// How many of them are whose.
    each: HashMap<String, usize>,
}

impl Attempts {
    /// How many different attempts are noted in a minute.
    const A_MINUTE: usize = 300;
    /// How many of those may be one actor's, so that nobody hides behind another's noise.
    const OF_ONE: usize = 60;

    /// Whether an attempt of somebody is to be noted: each kind once a minute, and so many of all kinds together.
    pub(crate) fn allows(&self, who: &str, kind: &str, now: DateTimeUtc) -> bool {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.since.is_none_or(|since| now - since >= TimeDelta::minutes(1)) {
            *recent = Recent { since: Some(now), ..Recent::default() };
        }
        if recent.noted.len() >= Self::A_MINUTE
            || recent.each.get(who).is_some_and(|&noted| noted >= Self::OF_ONE)
            || !recent.noted.insert(format!("{who} {kind}"))
        {
            return false;
        }
        *recent.each.entry(who.to_owned()).or_default() += 1;
        true
    }
}

/// The statement that writes a change's row.
pub(crate) fn insert(change: &Change, permit: &Permit, id: AuditLogId, clock: &Clock) -> InsertStatement {
    row(
        change.permit.as_deref().unwrap_or(permit).actor(),
        (id, clock),
        [
            change.organization.into(),
            change.action.as_str().into(),
            change.resource.as_str().into(),
            change.prefix.into(),
            change.id.into(),
            change.name.as_str().into(),
            None::<String>.into(),
            change.diff.clone().into(),
            "SUCCESS".into(),
        ],
    )
}

/// The statement that writes an attempt's row.
pub(crate) fn insert_attempt(attempt: &Attempt<'_>, id: AuditLogId, clock: &Clock) -> InsertStatement {
    row(
        attempt.actor,
        (id, clock),
        [
            attempt.organization.into(),
            attempt.action.into(),
            attempt.resource.as_str().into(),
            attempt.about.map_or("", |(prefix, _)| prefix).into(),
            attempt.about.map(|(_, id)| id).into(),
            attempt.name.as_str().into(),
            attempt.permission.map(|permission| permission.to_string()).into(),
            json!({}).into(),
            attempt.status.into(),
        ],
    )
}

fn row(actor: &Actor, (entry, clock): (AuditLogId, &Clock), what: [Expr; 9]) -> InsertStatement {
    let (kind, id) = match actor.identity() {
        Identity::Anonymous => ("ANONYMOUS", None),
        Identity::User { id, .. } => ("USER", Some(id.0)),
        Identity::Daemon { key, .. } => ("PROVISIONER_KEY", key.map(|key| key.0)),
        Identity::System(_) => ("SYSTEM", None),
    };
    let origin = actor.origin();
    let who: [Expr; 5] = [entry.into(), clock.now().into(), kind.into(), id.into(), actor.name().into()];
    let whence: [Expr; 2] =
        [origin.request_id.as_str().into(), origin.ip.map(|ip| ip.to_string()).unwrap_or_default().into()];
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
            Column::ResourcePrefix,
            Column::ResourceId,
            Column::ResourceName,
            Column::Permission,
            Column::Diff,
            Column::Status,
            Column::RequestId,
            Column::Ip,
        ])
        .values_panic(who.into_iter().chain(what).chain(whence));
    statement
}
