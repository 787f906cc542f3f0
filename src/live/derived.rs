//! What changes because a job does: the workspace that it builds, the template version that it imports, the daemon that
//! holds it. Looked up where events are numbered, so that nobody who changes a job has to think of it. There it is also seen
//! whether a workspace is gone.

use std::collections::{HashMap, HashSet};

use guildhall_entity::id::{
    ProvisionerDaemonId, ProvisionerJobId, TemplateId, TemplateVersionId, TypedId, WorkspaceId,
};
use sea_orm::prelude::Uuid;

use super::store::Told;
use crate::authz::Resource;
use crate::db::Tx;
use crate::error::Result;
use crate::events::Kind;
use crate::{provisioner, template, workspace};

/// The events with what follows from them, each after what it follows from.
pub(super) async fn complete_in(tx: &Tx, events: Vec<Told>) -> Result<Vec<Told>> {
    let jobs: Vec<Uuid> = of(&events, ProvisionerJobId::PREFIX).collect();
    let mut following: HashMap<Uuid, Vec<Told>> = HashMap::new();
    if !jobs.is_empty() {
        for (job, daemon) in provisioner::event::daemons_in(tx, &jobs).await? {
            let what = (Resource::ProvisionerDaemon, ProvisionerDaemonId::PREFIX, daemon.0);
            following.entry(job).or_default().push(updated(what, None));
        }
        for (job, build, id) in workspace::event::of_jobs_in(tx, &jobs).await? {
            let what = (Resource::Workspace, WorkspaceId::PREFIX, id.0);
            following.entry(job).or_default().push(updated(what, Some(build.0)));
        }
        for (job, version, of) in template::event::of_jobs_in(tx, &jobs).await? {
            let what = (Resource::Template, TemplateVersionId::PREFIX, version.0);
            let whole = (Resource::Template, TemplateId::PREFIX, of.0);
            following.entry(job).or_default().extend([updated(what, Some(of.0)), updated(whole, None)]);
        }
    }
    let mut all: Vec<Told> = Vec::with_capacity(events.len() + following.len());
    for event in events {
        let (time, organization) = (event.time, event.organization_id);
        let key = event.subject_id.filter(|_| event.subject_prefix == ProvisionerJobId::PREFIX);
        all.push(event);
        for follows in key.and_then(|job| following.get(&job)).into_iter().flatten() {
            all.push(Told { time, organization_id: organization, ..follows.clone() });
        }
    }
    let workspaces: Vec<Uuid> = of(&all, WorkspaceId::PREFIX).collect();
    let gone = if workspaces.is_empty() {
        HashSet::new()
    } else {
        workspace::event::gone_in(tx, &workspaces).await?
    };
    for event in all.iter_mut().filter(|event| event.subject_prefix == WorkspaceId::PREFIX) {
        if event.kind.is_some() && event.subject_id.is_some_and(|id| gone.contains(&id.into())) {
            event.kind = Some(Kind::Deleted.as_str().to_owned());
        }
    }
    Ok(once(all))
}

fn of<'a>(events: &'a [Told], prefix: &'a str) -> impl Iterator<Item = Uuid> + 'a {
    events.iter().filter(move |event| event.subject_prefix == prefix).filter_map(|event| event.subject_id)
}

fn updated((resource, prefix, subject): (Resource, &str, Uuid), parent: Option<Uuid>) -> Told {
    Told {
        time: chrono::DateTime::UNIX_EPOCH,
        organization_id: None,
        kind: Some(Kind::Updated.as_str().to_owned()),
        resource: resource.as_str().to_owned(),
        subject_prefix: prefix.to_owned(),
        subject_id: Some(subject),
        parent_id: parent,
        audit_log_id: None,
    }
}

/// A thing is told of once among these events, unless the audit log tells of it more often: the reader sees it as it is when
/// they hear of it, however often it has changed until then.
fn once(events: Vec<Told>) -> Vec<Told> {
    let mut kept: Vec<Told> = Vec::with_capacity(events.len());
    let key = |event: &Told| (event.subject_prefix.clone(), event.subject_id, event.organization_id);
    let mut places: HashMap<_, usize> = HashMap::new();
    for event in events {
        match places.get(&key(&event)).map(|&at| &mut kept[at]) {
            Some(earlier) if is_one(earlier, &event) => {
                if weight(&event) > weight(earlier) {
                    earlier.kind = event.kind;
                }
                earlier.parent_id = earlier.parent_id.or(event.parent_id);
                earlier.audit_log_id = earlier.audit_log_id.or(event.audit_log_id);
            }
            _ => {
                places.insert(key(&event), kept.len());
                kept.push(event);
            }
        }
    }
    kept
}

/// Whether two events of a thing can be told as one.
fn is_one(earlier: &Told, event: &Told) -> bool {
    let changed = earlier.kind.is_some() && event.kind.is_some();
    changed
        && earlier.resource == event.resource
        && (earlier.audit_log_id.is_none() || event.audit_log_id.is_none())
}

/// What of two things is said when both are true: that it is gone, or else that it is new, as a job is that was handed back.
fn weight(event: &Told) -> usize {
    let order = [Kind::Updated, Kind::Created, Kind::Deleted].map(|kind| Some(kind.as_str()));
    order.iter().position(|kind| *kind == event.kind.as_deref()).unwrap_or_default()
}
