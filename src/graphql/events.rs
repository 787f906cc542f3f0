//! What happens in an organization, whatever it happens to: told with the node, as `node` would answer it.

use std::collections::{HashMap, HashSet};

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::Stream;
use futures_util::future::try_join_all;
use guildhall_entity::id::{OrganizationId, TemplateId, TypedId, WorkspaceId, public};
use sea_orm::prelude::Uuid;

use super::context::Request;
use super::node::{self, Node};
use super::scalar::DateTime;
use crate::authz::{Actor, Object as Place, Permission, Resource};
use crate::error::{Error, Result};
use crate::events::{Kind, Record};
use crate::live::Topic;
use crate::live::graphql::{Feed, cursor, follow, id, require_organization};
use crate::{template, workspace};

/// Something happened in an organization.
pub(crate) struct OrganizationEvent {
    record: Record,
    kind: Kind,
    resource: Resource,
    id: String,
    node: Option<Node>,
}

/// Something happened in an organization. Visible to whoever may see the kind of thing, and the thing.
#[Object]
impl OrganizationEvent {
    /// Its place: pass it as `after` to go on from here.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        cursor(ctx, &self.record)
    }

    /// What became of it. Changes that follow each other closely may be told as one.
    async fn kind(&self) -> Kind {
        self.kind
    }

    /// To what kind of thing: MEMBER for a user's place in the organization, QUOTA for the budget of a group or of the
    /// organization.
    async fn resource(&self) -> Resource {
        self.resource
    }

    /// When.
    async fn time(&self) -> DateTime {
        self.record.time.into()
    }

    /// The thing's id, also after it is deleted; of a MEMBER the user's.
    async fn subject_id(&self) -> ID {
        self.id.as_str().into()
    }

    /// The thing as it is when the event is told; null once it is deleted, and for what is no node.
    async fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }
}

/// What is needed to see things of a kind, where nothing finer decides it.
fn reading(resource: Resource) -> Permission {
    match resource {
        Resource::Organization => Permission::OrganizationRead,
        Resource::Member => Permission::MemberRead,
        Resource::Group => Permission::GroupRead,
        Resource::Role => Permission::RoleRead,
        Resource::Template => Permission::TemplateRead,
        Resource::Workspace => Permission::WorkspaceRead,
        Resource::ProvisionerKey => Permission::ProvisionerKeyRead,
        Resource::ProvisionerDaemon => Permission::ProvisionerDaemonRead,
        Resource::ProvisionerJob => Permission::ProvisionerJobRead,
        Resource::IdpSync => Permission::IdpSyncRead,
        Resource::Quota => Permission::QuotaRead,
        Resource::AuditLog => Permission::AuditLogRead,
        Resource::User => Permission::UserRead,
        Resource::Token => Permission::TokenRead,
        Resource::DeploymentSettings => Permission::DeploymentSettingsRead,
    }
}

/// Things of which some may be seen and others not: the thing decides, and the kind only where there is no thing.
fn is_one_by_one(resource: Resource) -> bool {
    matches!(resource, Resource::Template | Resource::Workspace | Resource::ProvisionerJob)
}

struct Happenings {
    organization: OrganizationId,
}

impl Happenings {
    fn may(&self, actor: &Actor, resource: Resource) -> bool {
        actor.may(reading(resource), Place::in_organization(self.organization))
    }

    /// Those of the records' things that are deleted, and that whoever asks could see.
    async fn gone(&self, request: &Request, missing: &[(&str, Uuid)]) -> Result<Vec<Uuid>> {
        let of = |prefix: &str| -> Vec<Uuid> {
            missing.iter().filter(|(of, _)| *of == prefix).map(|(_, id)| *id).collect()
        };
        let (templates, workspaces) = (of(TemplateId::PREFIX), of(WorkspaceId::PREFIX));
        let mut gone = Vec::new();
        if !templates.is_empty() {
            gone.extend(
                template::event::seen(&request.db, &request.actor, &templates).await?.iter().map(|id| id.0),
            );
        }
        if !workspaces.is_empty() {
            let seen = workspace::event::seen(&request.db, &request.actor, &workspaces).await?;
            gone.extend(seen.keys().map(|id| id.0));
        }
        Ok(gone)
    }
}

impl Feed for Happenings {
    type Event = OrganizationEvent;

    async fn require(&self, request: &Request) -> Result<()> {
        require_organization(request, Some(self.organization)).await
    }

    async fn tell(&self, request: &Request, records: Vec<Record>) -> Result<Vec<(Record, Self::Event)>> {
        let mut ids: Vec<(&str, Uuid)> = records
            .iter()
            .filter(|record| {
                record.resource.is_some_and(|one| is_one_by_one(one) || self.may(&request.actor, one))
            })
            .filter_map(|record| Some((record.prefix.as_str(), record.subject?)))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let lookup = |&(prefix, id): &(&str, Uuid)| {
            let text = public(prefix, id);
            async move { Ok::<_, Error>((id, node::find(request, &text).await?)) }
        };
        let mut found: HashMap<Uuid, Option<Node>> =
            try_join_all(ids.iter().map(lookup)).await?.into_iter().collect();
        let missing: Vec<(&str, Uuid)> =
            ids.into_iter().filter(|(_, id)| !matches!(found.get(id), Some(Some(_)))).collect();
        let gone = self.gone(request, &missing).await?;
        let mut told = Vec::with_capacity(records.len());
        for record in &records {
            let (Some(subject), Some(kind), Some(resource)) = (record.subject, record.kind, record.resource)
            else {
                continue;
            };
            let Some(node) = found.get_mut(&subject) else { continue };
            if node.is_none() && !gone.contains(&subject) && !self.may(&request.actor, resource) {
                continue;
            }
            let id = public(&record.prefix, subject);
            let event = OrganizationEvent { record: record.clone(), kind, resource, id, node: node.clone() };
            told.push((record.clone(), event));
        }
        Ok(told)
    }
}

/// What can be followed of an organization.
#[derive(Default)]
pub(crate) struct OrganizationSubscription;

#[Subscription]
impl OrganizationSubscription {
    /// Everything that happens in an organization, as far as the viewer may see it: members, groups, roles, templates and their
    /// versions, workspaces, keys, daemons, jobs, settings. An event stream resumes by `Last-Event-ID`. Ends with NOT_FOUND when
    /// the viewer no longer sees the organization.
    async fn organization_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] organization_id: ID,
        #[graphql(desc = "Only these kinds of things; all if absent.")] resources: Option<Vec<Resource>>,
        #[graphql(desc = "Start after this cursor; with what happens from now on if absent.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<OrganizationEvent>> + use<>> {
        let organization = id(ctx, &organization_id, "organization")?;
        let mut resources = resources.unwrap_or_default();
        let mut known = HashSet::new();
        resources.retain(|resource| known.insert(*resource));
        let topic = Topic { organization: Some(organization), resources, ..Topic::default() };
        follow(ctx, topic, after, Happenings { organization }).await
    }
}
