//! What comes into the audit log.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::Stream;
use futures_util::future::try_join_all;
use guildhall_entity::id::{AuditLogId, OrganizationId};

use super::{Feed, cursor, follow, named, require_organization};
use crate::audit_log::graphql::AuditLogEntry;
use crate::authz::{Denied, Permission, Reach};
use crate::error::{Error, Result};
use crate::events::Record;
use crate::graphql::context::Request;
use crate::live::Topic;

/// Something was done or tried.
pub(crate) struct AuditLogEvent {
    record: Record,
    entry: AuditLogEntry,
}

/// Something was done or tried. Visible to whoever may read the entry.
#[Object]
impl AuditLogEvent {
    /// Its place: pass it as `after` to go on from here.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        cursor(ctx, &self.record)
    }

    /// The entry.
    async fn entry(&self) -> &AuditLogEntry {
        &self.entry
    }
}

struct Entries {
    organization: Option<OrganizationId>,
}

impl Feed for Entries {
    type Event = AuditLogEvent;

    async fn require(&self, request: &Request) -> Result<()> {
        require_organization(request, self.organization).await?;
        let may = match (request.actor.reach(Permission::AuditLogRead), self.organization) {
            (Reach::Everything, _) => true,
            (Reach::Some { organizations, .. }, Some(id)) => organizations.contains(&id),
            (Reach::Some { organizations, .. }, None) => !organizations.is_empty(),
        };
        if may { Ok(()) } else { Err(Denied::Lacking(Permission::AuditLogRead).into()) }
    }

    async fn tell(&self, request: &Request, records: Vec<Record>) -> Result<Vec<(Record, Self::Event)>> {
        let find = async |id: AuditLogId| Ok::<_, Error>((id, request.find(id).await?));
        let ids = records.iter().filter_map(|record| record.audit);
        let found: HashMap<_, _> = try_join_all(ids.map(find)).await?.into_iter().collect();
        let event = |record: Record| {
            let entry = found.get(&record.audit?)?.clone()?.into();
            Some((record.clone(), AuditLogEvent { record, entry }))
        };
        Ok(records.into_iter().filter_map(event).collect())
    }
}

/// What can be followed of the audit log.
#[derive(Default)]
pub(crate) struct AuditSubscription;

#[Subscription]
impl AuditSubscription {
    /// What is done or denied, as it comes into the audit log, as far as the viewer may read it. Needs `AUDIT_LOG_READ`, in the
    /// organization or anywhere. An event stream resumes by `Last-Event-ID`. Ends with an error when the viewer may no longer
    /// read the log.
    async fn audit_log_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this organization.")] organization_id: Option<ID>,
        #[graphql(desc = "Start after this cursor; with what happens from now on if absent.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<AuditLogEvent>> + use<>> {
        let organization = named(ctx, organization_id, "organization")?;
        let topic = Topic { organization, audit: true, ..Topic::default() };
        follow(ctx, topic, after, Entries { organization }).await
    }
}
