//! Groups: sets of an organization's members. Owns the tables `group` and `group_member`; refuses members from outside
//! the organization, any change to who is in Everyone, and members by hand where an identity provider decides.

pub(crate) mod graphql;
pub(crate) mod member;
mod power;
mod store;

pub(crate) use store::group::{Filter, GroupList, GroupOrder, GroupRow};
pub(crate) use store::member::{GroupMemberList, GroupMemberOrder, GroupMemberRow};

use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use sea_orm::sea_query::LockType;
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Object, Permission, Resource};
use crate::credits;
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::{self, Slug};

/// The name of the group that everybody in an organization is in.
pub(crate) const EVERYONE: &str = "everyone";

/// A group to be made.
#[derive(Debug)]
pub(crate) struct NewGroup {
    name: Slug,
    display_name: String,
    avatar_url: String,
    quota_allowance: i32,
}

impl NewGroup {
    /// Checks what somebody typed.
    pub(crate) fn parse(
        name: &str,
        display_name: Option<&str>,
        avatar_url: Option<&str>,
        quota_allowance: Option<i32>,
    ) -> Result<Self, Refusal> {
        let name = Slug::parse(&["name"], name)?;
        let display_name = name::display_name(&["displayName"], display_name, &name)?;
        let avatar_url = name::icon(&["avatarUrl"], avatar_url.unwrap_or_default())?;
        let quota_allowance = credits::checked(&["quotaAllowance"], quota_allowance.unwrap_or_default())?;
        Ok(Self { name, display_name, avatar_url, quota_allowance })
    }
}

/// Creates a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_CREATE` and, with an allowance, `QUOTA_UPDATE`; a refusal for a name in use.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    new: NewGroup,
) -> Result<GroupId> {
    let object = Object::in_organization(organization);
    let permit = actor.authorize(Permission::GroupCreate, object)?;
    if new.quota_allowance > 0 {
        actor.require(Permission::QuotaUpdate, object)?;
    }
    let tx = db.begin(permit).await?;
    let id: GroupId = tx.clock().id();
    let change = insert_in(&tx, id, organization, new).await?;
    tx.commit(change).await?;
    Ok(id)
}

/// Creates an organization's Everyone group inside the transaction that creates the organization.
pub(crate) async fn insert_everyone_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    let row = store::group::NewRow {
        id: GroupId(organization.0),
        organization,
        name: EVERYONE.to_owned(),
        display_name: "Everyone".to_owned(),
        avatar_url: String::new(),
        quota_allowance: 0,
    };
    store::group::insert_in(tx, row).await
}

async fn insert_in(tx: &Tx, id: GroupId, organization: OrganizationId, new: NewGroup) -> Result<Change> {
    let name = String::from(new.name);
    let after = facts(json!({
        "name": name, "displayName": new.display_name, "avatarUrl": new.avatar_url,
        "quotaAllowance": new.quota_allowance,
    }));
    let row = store::group::NewRow {
        id,
        organization,
        name: name.clone(),
        display_name: new.display_name,
        avatar_url: new.avatar_url,
        quota_allowance: new.quota_allowance,
    };
    store::group::insert_in(tx, row)
        .await
        .on_violation("uq_group_name", || Refusal::name_taken(&["name"], "group", &name))?;
    Ok(Change::new(Action::Create, Resource::Group, Some(organization), id, name, &Facts::new(), &after))
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) quota_allowance: Option<i32>,
    pub(crate) expected_version: Option<i32>,
}

impl Patch {
    /// The first field that describes the group, if one is to change.
    fn describes(&self) -> Option<&'static str> {
        let given = [
            ("name", self.name.is_some()),
            ("displayName", self.display_name.is_some()),
            ("avatarUrl", self.avatar_url.is_some()),
        ];
        given.into_iter().find_map(|(field, given)| given.then_some(field))
    }

    fn apply(self, current: &GroupRow) -> Result<GroupRow, Refusal> {
        let mut next = current.clone();
        if let Some(name) = self.name {
            next.name = Slug::parse(&["name"], &name)?.into();
        }
        if let Some(text) = self.display_name {
            let slug = Slug::parse(&["name"], &next.name)?;
            next.display_name = name::display_name(&["displayName"], Some(&text), &slug)?;
        }
        if let Some(text) = self.avatar_url {
            next.avatar_url = name::icon(&["avatarUrl"], &text)?;
        }
        if let Some(allowance) = self.quota_allowance {
            next.quota_allowance = credits::checked(&["quotaAllowance"], allowance)?;
        }
        Ok(next)
    }
}

/// Changes a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_UPDATE` and, where the allowance is to change, `QUOTA_UPDATE`; refusals for a stale version, a
/// name in use, values that break a rule, and for anything but the allowance of Everyone.
pub(crate) async fn update(db: &Db, actor: &Actor, group: &GroupRow, patch: Patch) -> Result<()> {
    let object = Object::in_organization(group.organization_id);
    let describes = patch.describes();
    if patch.quota_allowance.is_some() {
        actor.require(Permission::QuotaUpdate, object)?;
    }
    let only_quota = patch.quota_allowance.is_some() && describes.is_none();
    let permission = if only_quota { Permission::QuotaUpdate } else { Permission::GroupUpdate };
    let tx = db.begin(actor.authorize(permission, object)?).await?;
    let current = store::group::locked_in(&tx, group.id, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    if let (true, Some(field)) = (current.is_everyone(), describes) {
        return Err(Refusal::conflict(&[field], "of Everyone, only the allowance can be changed").into());
    }
    let next = patch.apply(&current)?;
    let mut changes = Vec::new();
    if !only_quota {
        changes.push(changed(Action::Update, &next, &described(&current), &described(&next)));
    }
    if next.quota_allowance != current.quota_allowance || only_quota {
        changes.push(quota_changed(&next, current.quota_allowance, next.quota_allowance));
    }
    write_in(&tx, &next, &changes).await?;
    tx.commit_all(changes).await
}

/// Writes what a group is after these changes, if they alter anything.
async fn write_in(tx: &Tx, next: &GroupRow, changes: &[Change]) -> Result<()> {
    if !changes.iter().any(Change::alters) {
        return Ok(());
    }
    store::group::update_in(tx, next)
        .await
        .on_violation("uq_group_name", || Refusal::name_taken(&["name"], "group", &next.name))
}

fn gone() -> Refusal {
    Refusal::not_found(&["groupId"], "group")
}

/// Deletes a group: its members lose what it gave them. Its name is free then. Its allowance goes with it, which may have
/// been the only one that made the organization keep budgets.
///
/// # Errors
/// FORBIDDEN without `GROUP_DELETE` and, with an allowance, `QUOTA_UPDATE`; a refusal for Everyone.
pub(crate) async fn delete(db: &Db, actor: &Actor, group: &GroupRow) -> Result<()> {
    let object = Object::in_organization(group.organization_id);
    let permit = actor.authorize(Permission::GroupDelete, object)?;
    if group.is_everyone() {
        let message = "Everyone ends with its organization and not before";
        return Err(Refusal::conflict(&["groupId"], message).into());
    }
    let tx = db.begin(permit).await?;
    let current = store::group::locked_in(&tx, group.id, LockType::Update).await?.ok_or_else(gone)?;
    if current.quota_allowance > 0 {
        actor.require(Permission::QuotaUpdate, object)?;
    }
    let (members, templates) = store::group::holdings_in(&tx, current.id).await?;
    store::group::delete_in(&tx, current.id).await?;
    let mut before = described(&current);
    before.extend(facts(json!({
        "quotaAllowance": current.quota_allowance, "members": members, "templateAccess": templates,
    })));
    tx.commit(changed(Action::Delete, &current, &before, &Facts::new())).await
}

fn described(row: &GroupRow) -> Facts {
    facts(json!({ "name": row.name, "displayName": row.display_name, "avatarUrl": row.avatar_url }))
}

fn changed(action: Action, row: &GroupRow, before: &Facts, after: &Facts) -> Change {
    let organization = Some(row.organization_id);
    Change::new(action, Resource::Group, organization, row.id, row.name.as_str(), before, after)
}

fn quota_changed(row: &GroupRow, before: i32, after: i32) -> Change {
    Change::new(
        Action::Update,
        Resource::Quota,
        Some(row.organization_id),
        row.id,
        row.name.as_str(),
        &facts(json!({ "quotaAllowance": before })),
        &facts(json!({ "quotaAllowance": after })),
    )
}

/// Sets what each member of a group may use, in credits a day. Everyone may carry an allowance as well.
///
/// # Errors
/// FORBIDDEN without `QUOTA_UPDATE`; a refusal for an allowance out of bounds.
pub(crate) async fn set_quota_allowance(
    db: &Db,
    actor: &Actor,
    group: &GroupRow,
    allowance: i32,
) -> Result<()> {
    let organization = group.organization_id;
    let permit = actor.authorize(Permission::QuotaUpdate, Object::in_organization(organization))?;
    let allowance = credits::checked(&["allowance"], allowance)?;
    let tx = db.begin(permit).await?;
    let current = store::group::locked_in(&tx, group.id, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    let next = GroupRow { quota_allowance: allowance, ..current.clone() };
    let changes = vec![quota_changed(&next, current.quota_allowance, allowance)];
    write_in(&tx, &next, &changes).await?;
    tx.commit_all(changes).await
}

/// Which of these groups a user is in, Everyone included.
pub(crate) async fn groups_of(db: &Db, user: UserId, groups: &[GroupId]) -> Result<Vec<GroupId>> {
    store::member::groups_of(db, user, groups).await
}

/// The names of the groups that a member of an organization is in besides Everyone, as the transaction sees them.
pub(crate) async fn names_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<Vec<String>> {
    store::member::names_in(tx, organization, user).await
}

/// Finds a group that the actor can see.
pub(crate) async fn find(db: &Db, actor: &Actor, id: GroupId) -> Result<Option<GroupRow>> {
    db.find(actor, id).await
}
