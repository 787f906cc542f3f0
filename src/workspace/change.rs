//! Changes to workspaces that need no Terraform: names, schedules, deadlines, dormancy, favorites, owners.

use chrono::TimeDelta;
use guildhall_entity::id::{UserId, WorkspaceId};
use guildhall_entity::kind::{AutomaticUpdates, WorkspaceStatus};
use sea_orm::prelude::DateTimeUtc;
use serde_json::json;

use super::schedule::Schedule;
use super::store::change as store;
use super::store::workspace::Whole;
use super::{WorkspaceRow, build, limit, times};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Denied, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx, Unaudited};
use crate::error::{Error, Refusal, Result};
use crate::name::Slug;
use crate::provisioner::job;
use crate::template::{access, settings};

/// The shortest time for which a start lasts, in seconds.
const TTL_MIN: i32 = 60;
/// The longest: thirty days.
const TTL_MAX: i32 = 30 * 24 * 60 * 60;
/// How far away a deadline may be.
const DEADLINE_MAX: TimeDelta = TimeDelta::days(30);

/// What to change; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    /// The cron expression and the time zone.
    pub(crate) autostart: Option<Option<(String, String)>>,
    pub(crate) ttl_seconds: Option<Option<i32>>,
    pub(crate) automatic_updates: Option<AutomaticUpdates>,
    pub(crate) expected_version: Option<i32>,
}

impl Patch {
    /// What the workspace would be.
    ///
    /// # Errors
    /// Every rule that a value breaks.
    fn apply(self, next: &mut WorkspaceRow, now: DateTimeUtc) -> Result<()> {
        let mut refusals = Vec::new();
        match self.name.map(|name| Slug::parse(&["name"], &name)) {
            Some(Ok(name)) => next.name = name.into(),
            Some(Err(refusal)) => refusals.push(refusal),
            None => {}
        }
        match self.autostart {
            Some(Some((cron, zone))) => match schedule(&cron, &zone, now) {
                Ok((schedule, at)) => {
                    next.autostart_cron = Some(schedule.cron().to_owned());
                    next.autostart_time_zone = Some(schedule.zone().to_owned());
                    next.autostart_at = Some(at);
                }
                Err(problems) => refusals.extend(problems),
            },
            Some(None) => {
                (next.autostart_cron, next.autostart_time_zone, next.autostart_at) = (None, None, None);
            }
            None => {}
        }
        match self.ttl_seconds {
            Some(Some(seconds)) if !(TTL_MIN..=TTL_MAX).contains(&seconds) => {
                let message = format!("between {TTL_MIN} and {TTL_MAX} seconds, got {seconds}");
                refusals.push(Refusal::invalid(&["ttlSeconds"], message));
            }
            Some(ttl) => next.ttl_ms = ttl.map(|seconds| i64::from(seconds) * 1000),
            None => {}
        }
        next.automatic_updates = self.automatic_updates.unwrap_or(next.automatic_updates);
        if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
    }
}

/// A schedule with when it comes due first.
fn schedule(cron: &str, zone: &str, now: DateTimeUtc) -> Result<(Schedule, DateTimeUtc), Vec<Refusal>> {
    const FIELD: &str = "autostartSchedule";
    let schedule = Schedule::parse(FIELD, cron, zone)?;
    match schedule.after(now) {
        Some(at) => Ok((schedule, at)),
        None => Err(vec![Refusal::invalid(&[FIELD, "cron"], "that day never comes")]),
    }
}

/// Changes a workspace's name and what it does by itself.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_UPDATE`; refusals for a stale version, a name in use and values that break a rule.
pub(crate) async fn update(db: &Db, actor: &Actor, workspace: &WorkspaceRow, patch: Patch) -> Result<()> {
    let tx = begin(db, actor, workspace).await?;
    let current = super::lock_in(&tx, workspace.id).await?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    if patch.ttl_seconds.is_some() {
        times::admit_in(&tx, &current, "ttlSeconds").await?;
    }
    let mut next = current.clone();
    patch.apply(&mut next, tx.clock().now())?;
    if changed(&current, &next).alters() {
        store::update_in(&tx, &next)
            .await
            .on_violation("uq_workspace_name", || Refusal::name_taken(&["name"], "workspace", &next.name))?;
    }
    commit(tx, &current, &next).await
}

/// Wakes up a dormant workspace: it may be started again, and is deleted no more.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_UPDATE`; refusals for one that is not dormant and while a build is active.
pub(crate) async fn activate(db: &Db, actor: &Actor, workspace: &WorkspaceRow) -> Result<()> {
    let tx = begin(db, actor, workspace).await?;
    let current = super::lock_in(&tx, workspace.id).await?;
    if current.dormant_at.is_none() {
        return Err(Refusal::conflict(&["workspaceId"], "the workspace is not dormant").into());
    }
    let last_used_at = Some(tx.clock().now());
    let next = WorkspaceRow { dormant_at: None, deleting_at: None, last_used_at, ..current.clone() };
    store::update_in(&tx, &next).await?;
    commit(tx, &current, &next).await
}

/// Moves the moment at which a running workspace is stopped.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_UPDATE`; refusals for a workspace that does not run or has no deadline, for a moment that
/// is past or too far away, and where the template leaves it to nobody.
pub(crate) async fn extend(
    db: &Db,
    actor: &Actor,
    workspace: &WorkspaceRow,
    deadline: DateTimeUtc,
) -> Result<()> {
    let tx = begin(db, actor, workspace).await?;
    let current = super::lock_in(&tx, workspace.id).await?;
    if current.status != WorkspaceStatus::Running || current.deadline.is_none() {
        let message = "only a workspace that runs and is going to be stopped has a deadline to move";
        return Err(Refusal::conflict(&["workspaceId"], message).into());
    }
    let now = tx.clock().now();
    if deadline <= now || deadline > now + DEADLINE_MAX {
        let message = format!("a deadline is in the future, at most {} days away", DEADLINE_MAX.num_days());
        return Err(Refusal::invalid(&["deadline"], message).into());
    }
    if let Some(latest) =
        times::admit_in(&tx, &current, "deadline").await?.filter(|latest| deadline > *latest)
    {
        let message = format!("the template stops every workspace at {}", latest.to_rfc3339());
        return Err(Refusal::invalid(&["deadline"], message).into());
    }
    let next = WorkspaceRow { deadline: Some(deadline), last_used_at: Some(now), ..current.clone() };
    store::update_in(&tx, &next).await?;
    commit(tx, &current, &next).await
}

/// Gives a workspace to another member, inside a transaction that knows their budget can bear it.
///
/// # Errors
/// Refusals for somebody who is no member or owns it already, for a name that they use, and while a build is active.
pub(crate) async fn hand_over_in(tx: &Tx, workspace: &WorkspaceRow, owner: UserId) -> Result<Change> {
    // Before the workspace, as who removes a member locks them.
    let to = store::member_in(tx, workspace.organization_id, owner).await?;
    let workspace = workspace.id;
    let current = super::lock_in(tx, workspace).await?;
    if current.owner_id == owner {
        return Err(Refusal::conflict(&["ownerId"], "the workspace is theirs already").into());
    }
    let not_found = || Refusal::not_found(&["ownerId"], "member of the organization");
    let to = to.ok_or_else(not_found)?;
    if store::is_building_in(tx, workspace).await? {
        return Err(build::is_active().into());
    }
    if let Some(settings) = settings::in_force_in(tx, current.template_id).await? {
        limit::keep_in(tx, &settings, current.organization_id, owner, (1, "ownerId")).await?;
    }
    let next = WorkspaceRow { owner_id: owner, ..current.clone() };
    store::update_in(tx, &next)
        .await
        .on_violation("uq_workspace_name", || Refusal::name_taken(&["ownerId"], "workspace", &next.name))?;
    // Whoever owns a workspace may read the logs of its builds.
    let jobs = store::jobs_in(tx, workspace).await?;
    job::give_in(tx, &jobs, owner).await?;
    let from = store::username_in(tx, current.owner_id).await?;
    Ok(change(Action::Update, &next, &owned_by(&from, current.owner_id), &owned_by(&to, owner)))
}

/// Whose a workspace is, as the log tells it.
pub(super) fn owned_by(username: &str, owner: UserId) -> Facts {
    facts(json!({ "owner": named(username, owner) }))
}

/// What a workspace costs a day, as the transaction sees it.
pub(crate) async fn cost_in(tx: &Tx, workspace: WorkspaceId) -> Result<i32> {
    store::cost_in(tx, workspace).await
}

/// Forgets a workspace without running Terraform: what it is made of stays where it is. Its states are kept, for who
/// must clean up by hand.
///
/// # Errors
/// FORBIDDEN for those who neither delete workspaces by a role nor may delete the template; a refusal while a build is active.
pub(crate) async fn forget(db: &Db, actor: &Actor, whole: &Whole) -> Result<()> {
    let Whole { workspace, template, .. } = whole;
    let organization = workspace.organization_id;
    let object = access::object(db, actor, template).await?;
    let permission = if actor.may_by_role(Permission::WorkspaceDelete, organization) {
        Permission::WorkspaceDelete
    } else if actor.may(Permission::TemplateDelete, object) {
        Permission::TemplateDelete
    } else {
        return Err(Denied::LackingIn(Permission::WorkspaceDelete, organization).into());
    };
    let mut tx = db.begin(actor.authorize(permission, object)?).await?;
    let current = super::lock_in(&tx, workspace.id).await?;
    if store::is_building_in(&tx, workspace.id).await? {
        return Err(build::is_active().into());
    }
    store::delete_in(&tx, workspace.id).await?;
    tx.emit(build::changed(organization, workspace.id)).await?;
    let mut before = described(&current);
    before.extend(owned_by(&store::username_in(&tx, current.owner_id).await?, current.owner_id));
    before.insert("orphaned".to_owned(), json!(false));
    let after = facts(json!({ "orphaned": true }));
    tx.commit(change(Action::Delete, &current, &before, &after)).await
}

/// Notes that somebody works in a workspace.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_UPDATE`.
pub(crate) async fn touch(db: &Db, actor: &Actor, workspace: &WorkspaceRow) -> Result<()> {
    let tx = begin(db, actor, workspace).await?;
    store::touch_in(&tx, workspace.id).await?;
    tx.commit_unaudited(Unaudited::LastUsed).await
}

/// Marks a workspace as dear to the actor, or no longer. It is their own mark, so reading the workspace is enough; but it is
/// a write, which an API token does only where its scopes name it.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_READ`, and by a token that leaves out `WORKSPACE_UPDATE`.
pub(crate) async fn set_favorite(db: &Db, actor: &Actor, workspace: &WorkspaceRow, dear: bool) -> Result<()> {
    let object = Object::in_organization(workspace.organization_id).owned_by(workspace.owner_id);
    let permit = actor.authorize(Permission::WorkspaceRead, object)?;
    if !actor.admits(Permission::WorkspaceUpdate) {
        return Err(Denied::LackingIn(Permission::WorkspaceUpdate, workspace.organization_id).into());
    }
    let user = actor.user_id().ok_or(Denied::Lacking(Permission::WorkspaceRead))?;
    let tx = db.begin(permit).await?;
    store::set_favorite_in(&tx, (workspace.organization_id, workspace.id), user, dear).await?;
    tx.commit_unaudited(Unaudited::Favorite).await
}

/// Which of these workspaces are dear to the actor.
pub(crate) async fn favorites(
    db: &Db,
    actor: &Actor,
    workspaces: &[WorkspaceId],
) -> Result<Vec<WorkspaceId>> {
    match actor.user_id() {
        Some(user) => store::favorites_of(db, user, workspaces).await,
        None => Ok(Vec::new()),
    }
}

async fn begin(db: &Db, actor: &Actor, workspace: &WorkspaceRow) -> Result<Tx> {
    let object = Object::in_organization(workspace.organization_id).owned_by(workspace.owner_id);
    db.begin(actor.authorize(Permission::WorkspaceUpdate, object)?).await
}

async fn commit(mut tx: Tx, before: &WorkspaceRow, after: &WorkspaceRow) -> Result<()> {
    tx.emit(build::changed(after.organization_id, after.id)).await?;
    tx.commit(changed(before, after)).await
}

/// The change from one row to the other, of the same owner.
pub(super) fn changed(before: &WorkspaceRow, after: &WorkspaceRow) -> Change {
    change(Action::Update, after, &described(before), &described(after))
}

/// Something that was done to a workspace.
pub(super) fn change(action: Action, workspace: &WorkspaceRow, before: &Facts, after: &Facts) -> Change {
    let (organization, name) = (Some(workspace.organization_id), workspace.name.as_str());
    Change::new(action, Resource::Workspace, organization, workspace.id, name, before, after)
}

fn described(row: &WorkspaceRow) -> Facts {
    facts(json!({
        "name": row.name,
        "autostartCron": row.autostart_cron,
        "autostartTimeZone": row.autostart_time_zone,
        "ttlMs": row.ttl_ms,
        "automaticUpdates": row.automatic_updates.as_str(),
        "deadline": row.deadline,
        "dormantAt": row.dormant_at,
        "deletingAt": row.deleting_at,
    }))
}
