//! How the audit log looks.

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{self, OrganizationId, UserId};
use sea_orm::prelude::Uuid;

use super::{AuditFilter, AuditList, AuditOrder, AuditRow};
use crate::audit::Action;
use crate::authz::{self, Permission, Resource};
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::{DateTime, Json};
use crate::organization::graphql::Organization;
use crate::user::graphql::User;

/// What became of what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AuditStatus {
    /// It was done.
    Success,
    /// The policy forbade it; the same by the same actor is noted once a minute.
    Denied,
    /// It did not succeed: a sign-in with a wrong password.
    Failure,
}

/// Kinds of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AuditActorKind {
    /// Nobody was signed in.
    Anonymous,
    /// A user.
    User,
    /// A daemon, by its provisioner key.
    ProvisionerKey,
    /// A part of the server itself.
    System,
}

/// The value of an enum by the name that a column holds.
fn value<E: EnumType>(name: &str) -> Result<E> {
    let found = E::items().iter().find(|item| item.name == name);
    found.map(|item| item.value).ok_or_else(|| {
        Error::internal(format!("the audit log holds `{name}`, which this version does not know"))
    })
}

/// The name that a column holds.
fn name<E: EnumType>(value: E) -> Option<&'static str> {
    E::items().iter().find(|item| item.value == value).map(|item| item.name)
}

/// An entry of the audit log.
#[derive(Clone)]
pub(crate) struct AuditLogEntry(AuditRow);

impl From<AuditRow> for AuditLogEntry {
    fn from(row: AuditRow) -> Self {
        Self(row)
    }
}

impl Node for AuditLogEntry {
    type List = AuditList;
    const NAME: &'static str = "AuditLogEntry";

    fn from_row(row: AuditRow, _: &Request) -> Self {
        Self(row)
    }
}

/// Who did or tried something.
#[derive(Clone)]
struct AuditActor(AuditRow);

/// Who did or tried something.
#[Object]
impl AuditActor {
    /// What kind of actor it was.
    async fn kind(&self) -> Result<AuditActorKind> {
        value(&self.0.actor_kind)
    }

    /// The user's or provisioner key's id, which it keeps after it is deleted; null for others.
    async fn id(&self) -> Option<ID> {
        let uuid = self.0.actor_id?;
        let id = match self.0.actor_kind.as_str() {
            "USER" => UserId(uuid).to_string(),
            _ => id::ProvisionerKeyId(uuid).to_string(),
        };
        Some(id.into())
    }

    /// The name it had then.
    async fn name(&self) -> &str {
        &self.0.actor_name
    }

    /// The user; null when it was none, and when the viewer can't see them (any more).
    async fn user(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async {
            let Some(id) = self.0.actor_id.filter(|_| self.0.actor_kind == "USER") else { return Ok(None) };
            Ok(ctx.request().find(UserId(id)).await?.map(User::from))
        })
        .await
    }
}

/// A field that changed.
#[derive(Clone, SimpleObject)]
struct AuditChange {
    /// Which.
    field: String,
    /// What it was; null for a new thing. Secrets are never told.
    before: Option<Json>,
    /// What it is since; null for a deleted thing.
    after: Option<Json>,
}

/// Something that was done or tried. Visible to those who may read the log of its organization, and for what belongs to
/// none, to those who may read the whole log.
#[Object]
impl AuditLogEntry {
    /// `aud_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When.
    async fn time(&self) -> DateTime {
        self.0.time.into()
    }

    /// Who.
    async fn actor(&self) -> AuditActor {
        AuditActor(self.0.clone())
    }

    /// What was done; of a denied write, what was tried.
    async fn action(&self) -> Result<Action> {
        value(&self.0.action)
    }

    /// To what kind of thing.
    async fn resource(&self) -> Result<Resource> {
        value(&self.0.resource)
    }

    /// To what: its id, also after it is gone. Null where the entry is about no single thing.
    async fn resource_id(&self) -> Option<ID> {
        Some(id::public(&self.0.resource_prefix, self.0.resource_id?).into())
    }

    /// The name it had then; may be empty.
    async fn resource_name(&self) -> &str {
        &self.0.resource_name
    }

    /// The organization's id, also after it is deleted; null for what belongs to none.
    async fn organization_id(&self) -> Option<ID> {
        self.0.organization_id.map(|id| id.to_string().into())
    }

    /// The organization; null for what belongs to none, and once it is deleted.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        nullable(async {
            let Some(id) = self.0.organization_id else { return Ok(None) };
            Ok(ctx.request().find(id).await?.map(Organization::from))
        })
        .await
    }

    /// What changed, field by field, sorted by name; empty for what was denied or failed.
    async fn changes(&self) -> Vec<AuditChange> {
        let Some(fields) = self.0.diff.as_object() else { return Vec::new() };
        let side = |change: &serde_json::Value, side: &str| {
            change.get(side).filter(|value| !value.is_null()).cloned().map(Json)
        };
        let mut changes: Vec<_> = fields
            .iter()
            .map(|(field, change)| AuditChange {
                field: field.clone(),
                before: side(change, "old"),
                after: side(change, "new"),
            })
            .collect();
        changes.sort_by(|a, b| a.field.cmp(&b.field));
        changes
    }

    /// What became of it.
    async fn status(&self) -> Result<AuditStatus> {
        value(&self.0.status)
    }

    /// The permission that was missing; null unless it was denied.
    async fn missing_permission(&self) -> Result<Option<Permission>> {
        self.0.permission.as_deref().map(value).transpose()
    }

    /// The id of the request, as in the server's log.
    async fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The address that the request came from; empty where it is not known.
    async fn address(&self) -> &str {
        &self.0.ip
    }
}

/// Which entries: all of these together.
#[derive(Default, InputObject)]
pub(crate) struct AuditLogFilter {
    /// By this user or provisioner key.
    actor_id: Option<ID>,
    /// What was done.
    action: Option<Action>,
    /// To this kind of thing.
    resource: Option<Resource>,
    /// To this thing.
    resource_id: Option<ID>,
    /// In this organization.
    organization_id: Option<ID>,
    /// With this outcome.
    status: Option<AuditStatus>,
    /// At this time or later.
    from: Option<DateTime>,
    /// Before this time.
    to: Option<DateTime>,
}

impl AuditLogFilter {
    /// The list of these entries in this order.
    pub(crate) fn list(self, order: Option<AuditOrder>) -> AuditList {
        let mut impossible = false;
        let mut uuid = |id: Option<ID>| -> Option<Uuid> {
            let parsed = id::any(&id?);
            impossible |= parsed.is_none();
            parsed
        };
        let (actor, resource_id) = (uuid(self.actor_id), uuid(self.resource_id));
        let organization = self.organization_id.and_then(|id| {
            let parsed = id.parse::<OrganizationId>().ok();
            impossible |= parsed.is_none();
            parsed
        });
        let filter = AuditFilter {
            actor,
            action: self.action.and_then(name),
            resource: self.resource.and_then(name),
            resource_id,
            organization,
            status: self.status.and_then(name),
            from: self.from.map(|time| time.0),
            to: self.to.map(|time| time.0),
            impossible,
        };
        AuditList { filter, order: order.unwrap_or_default() }
    }
}

/// The audit log across organizations.
#[derive(Default)]
pub(crate) struct AuditLogQuery;

#[Object]
impl AuditLogQuery {
    /// What was done or denied, as far as the viewer may read it: everything for those whose site role reads the log, else
    /// that of the organizations whose log they read. FORBIDDEN for those who may read the log of none, and by a filter for an
    /// organization that they see and whose log they may not read.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "TIME_DESC if absent.")] order_by: Option<AuditOrder>,
    ) -> Result<Connection<AuditLogEntry>> {
        let request = ctx.request();
        request.signed_in()?;
        super::require_some(&request.actor)?;
        let list = filter.unwrap_or_default().list(order_by);
        if let Some(organization) = list.filter.organization {
            // An empty log of an organization that they see would say that nothing happened there.
            let object = authz::Object::in_organization(organization);
            let reads = request.actor.may(Permission::AuditLogRead, object);
            if !reads && request.find(organization).await?.is_some() {
                request.require(Permission::AuditLogRead, object)?;
            }
        }
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}
