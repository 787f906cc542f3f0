//! What happens to jobs and daemons.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::Stream;
use futures_util::future::try_join_all;
use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, TypedId};
use sea_orm::prelude::Uuid;

use super::{Feed, cursor, follow, id, named, require_organization};
use crate::authz::{Object, Permission};
use crate::db::list::Find;
use crate::error::{Error, Result};
use crate::events::{Kind, Record};
use crate::graphql::context::Request;
use crate::graphql::scalar::DateTime;
use crate::live::Topic;
use crate::provisioner::graphql::{ProvisionerDaemon, ProvisionerJob};

/// A job was queued, taken, asked to stop or ended.
pub(crate) struct ProvisionerJobEvent {
    record: Record,
    kind: Kind,
    job: ProvisionerJob,
}

/// A job was queued, taken, asked to stop or ended. Visible to whoever sees the job.
#[Object]
impl ProvisionerJobEvent {
    /// Its place: pass it as `after` to go on from here.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        cursor(ctx, &self.record)
    }

    /// CREATED when it was queued, else UPDATED. Changes that follow each other closely may be told as one.
    async fn kind(&self) -> Kind {
        self.kind
    }

    /// When.
    async fn time(&self) -> DateTime {
        self.record.time.into()
    }

    /// The job as it is when the event is told.
    async fn job(&self) -> &ProvisionerJob {
        &self.job
    }
}

/// A daemon registered, took a job or ended one, changed, went offline, came back or was deleted.
pub(crate) struct ProvisionerDaemonEvent {
    record: Record,
    kind: Kind,
    id: ProvisionerDaemonId,
    daemon: Option<ProvisionerDaemon>,
}

/// A daemon registered, took a job or ended one, changed, went offline, came back or was deleted. Visible to whoever sees the
/// organization's daemons.
#[Object]
impl ProvisionerDaemonEvent {
    /// Its place: pass it as `after` to go on from here.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        cursor(ctx, &self.record)
    }

    /// What became of it. Changes that follow each other closely may be told as one.
    async fn kind(&self) -> Kind {
        self.kind
    }

    /// When; of a daemon that went offline, when that was noticed, at most 15 seconds later.
    async fn time(&self) -> DateTime {
        self.record.time.into()
    }

    /// The daemon's id, also after it is deleted.
    async fn daemon_id(&self) -> ID {
        self.id.to_string().into()
    }

    /// The daemon as it is when the event is told; null once it is deleted.
    async fn daemon(&self) -> Option<&ProvisionerDaemon> {
        self.daemon.as_ref()
    }
}

/// The rows of some records' subjects that whoever asks can see, in one statement.
async fn rows<I: Find>(request: &Request, records: &[Record]) -> Result<HashMap<Uuid, I::Row>> {
    let mut ids: Vec<Uuid> = records.iter().filter_map(|record| record.subject).collect();
    ids.sort_unstable();
    ids.dedup();
    let find = async |id: Uuid| Ok::<_, Error>((id, request.find(I::from(id)).await?));
    let found = try_join_all(ids.into_iter().map(find)).await?;
    Ok(found.into_iter().filter_map(|(id, row)| Some((id, row?))).collect())
}

struct Jobs {
    organization: Option<OrganizationId>,
    id: Option<ProvisionerJobId>,
}

impl Feed for Jobs {
    type Event = ProvisionerJobEvent;

    async fn require(&self, request: &Request) -> Result<()> {
        require_organization(request, self.organization).await?;
        match self.id {
            Some(id) if request.find(id).await?.is_none() => Err(Error::NotFound("provisioner job")),
            _ => Ok(()),
        }
    }

    async fn tell(&self, request: &Request, records: Vec<Record>) -> Result<Vec<(Record, Self::Event)>> {
        let found = rows::<ProvisionerJobId>(request, &records).await?;
        let event = |record: Record| {
            let (job, kind) = (found.get(&record.subject?)?.clone().into(), record.kind?);
            Some((record.clone(), ProvisionerJobEvent { record, kind, job }))
        };
        Ok(records.into_iter().filter_map(event).collect())
    }
}

struct Daemons {
    organization: OrganizationId,
    id: Option<ProvisionerDaemonId>,
}

impl Feed for Daemons {
    type Event = ProvisionerDaemonEvent;

    async fn require(&self, request: &Request) -> Result<()> {
        require_organization(request, Some(self.organization)).await?;
        let place = Object::in_organization(self.organization);
        request.actor.require(Permission::ProvisionerDaemonRead, place)?;
        match self.id {
            Some(id) if request.find(id).await?.is_none() => Err(Error::NotFound("provisioner daemon")),
            _ => Ok(()),
        }
    }

    async fn tell(&self, request: &Request, records: Vec<Record>) -> Result<Vec<(Record, Self::Event)>> {
        let place = Object::in_organization(self.organization);
        if !request.actor.may(Permission::ProvisionerDaemonRead, place) {
            return Ok(Vec::new());
        }
        let found = rows::<ProvisionerDaemonId>(request, &records).await?;
        let event = |record: Record| {
            let (id, kind) = (ProvisionerDaemonId(record.subject?), record.kind?);
            let daemon = found.get(&id.0).cloned().map(ProvisionerDaemon::from);
            Some((record.clone(), ProvisionerDaemonEvent { record, kind, id, daemon }))
        };
        Ok(records.into_iter().filter_map(event).collect())
    }
}

/// What can be followed of jobs and daemons, beside logs.
#[derive(Default)]
pub(crate) struct ProvisionerEventSubscription;

#[Subscription]
impl ProvisionerEventSubscription {
    /// What happens to jobs that the viewer sees: they are queued, taken, asked to stop, and end. Without an argument, to all of
    /// them. An event stream resumes by `Last-Event-ID`. Ends with NOT_FOUND when the viewer no longer sees the organization or
    /// job that was named.
    async fn provisioner_job_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this organization.")] organization_id: Option<ID>,
        #[graphql(desc = "Only this one.")] job_id: Option<ID>,
        #[graphql(desc = "Start after this cursor; with what happens from now on if absent.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<ProvisionerJobEvent>> + use<>> {
        let organization = named(ctx, organization_id, "organization")?;
        let id = named::<ProvisionerJobId>(ctx, job_id, "provisioner job")?;
        let topic = Topic {
            organization,
            prefix: Some(ProvisionerJobId::PREFIX),
            subject: id.map(|id| id.0),
            ..Topic::default()
        };
        follow(ctx, topic, after, Jobs { organization, id }).await
    }

    /// What happens to an organization's daemons: they register, take jobs and end them, go offline and come back. Needs
    /// `PROVISIONER_DAEMON_READ`. An event stream resumes by `Last-Event-ID`. Ends with an error when the viewer no longer sees
    /// the organization or its daemons.
    async fn provisioner_daemon_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] organization_id: ID,
        #[graphql(desc = "Only this one.")] daemon_id: Option<ID>,
        #[graphql(desc = "Start after this cursor; with what happens from now on if absent.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<ProvisionerDaemonEvent>> + use<>> {
        let organization = id(ctx, &organization_id, "organization")?;
        let id = named::<ProvisionerDaemonId>(ctx, daemon_id, "provisioner daemon")?;
        let topic = Topic {
            organization: Some(organization),
            prefix: Some(ProvisionerDaemonId::PREFIX),
            subject: id.map(|id| id.0),
            ..Topic::default()
        };
        follow(ctx, topic, after, Daemons { organization, id }).await
    }
}
