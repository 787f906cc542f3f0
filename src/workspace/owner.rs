//! Somebody's workspaces together: given to somebody else, or taken down, when they leave the organization.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use guildhall_entity::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceBuildId, WorkspaceId};
use guildhall_entity::kind::{BuildReason, JobState, Transition};

use super::build::{self, NewBuild};
use super::change::{change, owned_by};
use super::limit;
use super::restart;
use super::store::owner as store;
pub(crate) use super::store::owner::Held;
use crate::audit::{Action, Change};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Error, Refusal, Result};
use crate::provisioner;
use crate::seal::Sealer;
use crate::template::{self, VersionContent, VersionRow, parameter, settings};

/// What was done to which workspaces.
pub(crate) type Done = (Vec<WorkspaceId>, Vec<Change>);

/// The live workspaces that a user owns in an organization, as the transaction sees them, by name.
pub(crate) async fn held_in(tx: &Tx, organization: OrganizationId, owner: UserId) -> Result<Vec<Held>> {
    store::held_in(tx, organization, owner).await
}

/// Makes workspaces somebody else's, and their jobs with them: whose a workspace is may follow and cancel its builds. A
/// module that is told its owner is told the new one at the next build. `from` and `name` are who they were and become, for
/// the log.
///
/// # Errors
/// A refusal that names the workspaces whose names the new owner has given already: a new name could make a module build
/// everything anew, so none is given here. Another where they would have more of a template than it allows.
pub(crate) async fn transfer_in(
    tx: &mut Tx,
    held: &[Held],
    from: &str,
    (to, name): (UserId, &str),
) -> Result<Done> {
    let ids: Vec<WorkspaceId> = held.iter().map(|one| one.workspace.id).collect();
    let Some(first) = held.first() else { return Ok((Vec::new(), Vec::new())) };
    let organization = first.workspace.organization_id;
    let names: Vec<&str> = held.iter().map(|one| one.workspace.name.as_str()).collect();
    let taken = store::names_in(tx, organization, to, &names).await?;
    if !taken.is_empty() {
        return Err(collision(&taken).into());
    }
    let mut of_templates = BTreeMap::new();
    for one in held {
        *of_templates.entry(one.workspace.template_id).or_insert(0) += 1;
    }
    for (template, more) in of_templates {
        if let Some(settings) = settings::in_force_in(tx, template).await? {
            limit::keep_in(tx, &settings, organization, to, (more, "transferToUserId")).await?;
        }
    }
    // Jobs before workspaces, in the order in which the end of a build takes them.
    let jobs = store::jobs_in(tx, &ids).await?;
    provisioner::job::give_in(tx, &jobs, to).await?;
    store::lock_in(tx, &ids).await?;
    store::set_owner_in(tx, &ids, to).await.on_violation("uq_workspace_name", || collision(&[]))?;
    let mut changes = Vec::with_capacity(held.len());
    for one in held {
        tx.emit(build::changed(organization, one.workspace.id)).await?;
        let (before, after) = (owned_by(from, one.workspace.owner_id), owned_by(name, to));
        changes.push(change(Action::Update, &one.workspace, &before, &after));
    }
    Ok((ids, changes))
}

fn collision(names: &[String]) -> Refusal {
    let which = if names.is_empty() { "the same name".to_owned() } else { names.join(", ") };
    let message = format!("the new owner has workspaces called so already: {which}; choose another owner");
    Refusal::conflict(&["transferToUserId"], message)
}

/// Queues builds that stop or destroy somebody's workspaces. What is there already, or on its way, is left alone; a start
/// that was promised for after a stop is not promised any more.
///
/// # Errors
/// A refusal that names the workspaces that are just being built.
pub(crate) async fn take_down_in(
    tx: &mut Tx,
    db: &Db,
    sealer: &Sealer,
    initiator: Option<UserId>,
    (organization, owner): (OrganizationId, UserId),
    transition: Transition,
) -> Result<Done> {
    // As they are once nobody can begin or end a build of them.
    let held = held_in(tx, organization, owner).await?;
    let ids: Vec<WorkspaceId> = held.iter().map(|one| one.workspace.id).collect();
    store::lock_in(tx, &ids).await?;
    let held = held_in(tx, organization, owner).await?;
    let mut due = Vec::with_capacity(held.len());
    let mut busy = Vec::new();
    for one in &held {
        match next(one, transition) {
            Next::Nothing => restart::forget_in(tx, one.build.id).await?,
            Next::Build => due.push(one),
            Next::Wait => busy.push(one.workspace.name.as_str()),
        }
    }
    if !busy.is_empty() {
        let busy = busy.join(", ");
        let message = format!("these workspaces are just being built: {busy}; wait, or cancel their jobs");
        return Err(Refusal::conflict(&["workspaces"], message).into());
    }
    let action = if transition == Transition::Delete { Action::Delete } else { Action::Stop };
    let mut versions = HashMap::new();
    let mut done = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
    for one in due {
        let version = version(db, &mut versions, one.build.template_version_id).await?;
        let before = build::values(db, sealer, one.build.id).await?;
        let id: WorkspaceBuildId = tx.clock().id();
        let values = parameter::check(&version.1.variables, Vec::new(), Some(before))?;
        let new = NewBuild {
            id,
            workspace: one.workspace.id,
            organization: one.workspace.organization_id,
            owner: one.workspace.owner_id,
            version: version.0.id,
            transition,
            reason: BuildReason::Initiator,
            initiator,
            values: build::keep(sealer, id, values)?,
        };
        let version = build::insert_in(tx, new).await?;
        done.0.push(one.workspace.id);
        done.1.push(build::queued(action, &one.workspace, id, &version));
    }
    Ok(done)
}

async fn version<'a>(
    db: &Db,
    known: &'a mut HashMap<TemplateVersionId, (VersionRow, VersionContent)>,
    id: TemplateVersionId,
) -> Result<&'a (VersionRow, VersionContent)> {
    match known.entry(id) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let found = template::version::referred(db, id).await?;
            Ok(entry.insert(found.ok_or_else(|| Error::internal("a build's version is not there"))?))
        }
    }
}

enum Next {
    Nothing,
    Build,
    Wait,
}

/// What a workspace needs to get there.
fn next(one: &Held, transition: Transition) -> Next {
    let under_way = !one.state.is_final();
    let gone_further = one.build.transition == transition || one.build.transition == Transition::Delete;
    match (under_way, one.state) {
        (true, _) if gone_further => Next::Nothing,
        (true, _) => Next::Wait,
        (false, JobState::Succeeded) if one.build.transition == transition => Next::Nothing,
        (false, _) => Next::Build,
    }
}
