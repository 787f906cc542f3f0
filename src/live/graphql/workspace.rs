//! What happens to workspaces.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::Stream;
use futures_util::future::try_join_all;
use guildhall_entity::id::{OrganizationId, TypedId, UserId, WorkspaceBuildId, WorkspaceId};
use sea_orm::prelude::Uuid;

use super::{Feed, cursor, follow, named, require_organization};
use crate::error::{Error, Result};
use crate::events::{Kind, Record};
use crate::graphql::context::Request;
use crate::graphql::scalar::DateTime;
use crate::live::Topic;
use crate::provisioner::graphql::{ProvisionerJobLogEvent, job_logs};
use crate::workspace::graphql::Workspace;
use crate::{graphql::context::Ask, workspace};

/// Something happened to a workspace or to its latest build.
pub(crate) struct WorkspaceEvent {
    record: Record,
    kind: Kind,
    id: WorkspaceId,
    workspace: Option<Workspace>,
}

/// Something happened to a workspace or to its latest build. Visible to whoever sees the workspace.
#[Object]
impl WorkspaceEvent {
    /// Its place: pass it as `after` to go on from here.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        cursor(ctx, &self.record)
    }

    /// What became of it. Changes that follow each other closely may be told as one.
    async fn kind(&self) -> Kind {
        self.kind
    }

    /// When.
    async fn time(&self) -> DateTime {
        self.record.time.into()
    }

    /// The workspace's id, also after it is deleted.
    async fn workspace_id(&self) -> ID {
        self.id.to_string().into()
    }

    /// The build by which it changed; null where it was none.
    async fn build_id(&self) -> Option<ID> {
        self.record.parent.map(|id| WorkspaceBuildId(id).to_string().into())
    }

    /// The workspace as it is when the event is told; null once it is deleted.
    async fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }
}

struct Workspaces {
    organization: Option<OrganizationId>,
    owner: Option<UserId>,
    id: Option<WorkspaceId>,
}

impl Feed for Workspaces {
    type Event = WorkspaceEvent;

    async fn require(&self, request: &Request) -> Result<()> {
        require_organization(request, self.organization).await?;
        match self.id {
            Some(id) if request.find(id).await?.is_none() => Err(Error::NotFound("workspace")),
            _ => Ok(()),
        }
    }

    async fn tell(&self, request: &Request, records: Vec<Record>) -> Result<Vec<(Record, WorkspaceEvent)>> {
        let mut ids: Vec<Uuid> = records.iter().filter_map(|record| record.subject).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found: HashMap<_, _> = HashMap::new();
        let find = async |id: Uuid| Ok::<_, Error>((id, request.find(WorkspaceId(id)).await?));
        for (id, row) in try_join_all(ids.iter().map(|&id| find(id))).await? {
            found.extend(row.map(|row| (id, row)));
        }
        let missing: Vec<Uuid> = ids.into_iter().filter(|id| !found.contains_key(id)).collect();
        let owners = if missing.is_empty() {
            HashMap::new()
        } else {
            workspace::event::seen(&request.db, &request.actor, &missing).await?
        };
        let mut told = Vec::with_capacity(records.len());
        for record in records {
            let (Some(uuid), Some(kind)) = (record.subject, record.kind) else { continue };
            let id = WorkspaceId(uuid);
            let row = found.get(&uuid);
            let owner = row.map(|row| row.workspace.owner_id).or_else(|| owners.get(&id).copied());
            let Some(owner) = owner else { continue };
            if self.owner.is_some_and(|wanted| wanted != owner) {
                continue;
            }
            let workspace = row.cloned().map(Workspace::from);
            told.push((record.clone(), WorkspaceEvent { record, kind, id, workspace }));
        }
        Ok(told)
    }
}

/// What can be followed of workspaces.
#[derive(Default)]
pub(crate) struct WorkspaceSubscription;

#[Subscription]
impl WorkspaceSubscription {
    /// What happens to workspaces that the viewer sees: they are made, changed, built and deleted. Without an argument, to all
    /// of them. An event stream resumes by `Last-Event-ID`. Ends with NOT_FOUND when the viewer no longer sees the organization
    /// or workspace that was named, and completes when that is deleted.
    async fn workspace_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this organization.")] organization_id: Option<ID>,
        #[graphql(desc = "Only those of this user.")] owner_id: Option<ID>,
        #[graphql(desc = "Only this one.")] workspace_id: Option<ID>,
        #[graphql(desc = "Start after this cursor; with what happens from now on if absent.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<WorkspaceEvent>> + use<>> {
        let organization = named(ctx, organization_id, "organization")?;
        let (owner, id) =
            (named(ctx, owner_id, "user")?, named::<WorkspaceId>(ctx, workspace_id, "workspace")?);
        let topic = Topic {
            organization,
            prefix: Some(WorkspaceId::PREFIX),
            subject: id.map(|id| id.0),
            ..Topic::default()
        };
        follow(ctx, topic, after, Workspaces { organization, owner, id }).await
    }

    /// The lines of a build's log: those that are there, then those that come, each once and in order; completes when the build
    /// has ended. The same as `provisionerJobLogs` of its job. An event stream resumes by `Last-Event-ID`.
    async fn workspace_build_logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The build.")] build_id: ID,
        #[graphql(desc = "Start after this cursor; from the first line if absent.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ProvisionerJobLogEvent>> + use<>> {
        let request = ctx.request();
        request.signed_in()?;
        let missing = || Error::NotFound("workspace build");
        let build: WorkspaceBuildId = build_id.parse().map_err(|_| missing())?;
        let (_, job) = request.find(build).await?.ok_or_else(missing)?;
        job_logs(ctx, job.id, after)
    }
}
