//! Groups: sets of an organization's members. Owns the tables `group` and `group_member`; refuses members from outside
//! the organization and any change to who is in Everyone.

pub(crate) mod graphql;
mod store;

pub(crate) use store::{GroupList, GroupMemberList, GroupMemberRow, GroupOrder, GroupRow};

use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Object, Permission, Resource};
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
        let quota_allowance = quota_allowance.unwrap_or_default();
        if quota_allowance < 0 {
            return Err(Refusal::invalid(&["quotaAllowance"], "an allowance is 0 or more credits a day"));
        }
        Ok(Self { name, display_name, avatar_url, quota_allowance })
    }
}

/// Creates a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_CREATE`; a refusal for a name in use.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    new: NewGroup,
) -> Result<GroupId> {
    let permit = actor.authorize(Permission::GroupCreate, Object::in_organization(organization))?;
    let tx = db.begin(permit).await?;
    let id: GroupId = tx.clock().id();
    let change = insert_in(&tx, id, organization, new).await?;
    tx.commit(change).await?;
    Ok(id)
}

/// Creates an organization's Everyone group inside the transaction that creates the organization.
pub(crate) async fn insert_everyone_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    let row = store::NewRow {
        id: GroupId(organization.0),
        organization,
        name: EVERYONE.to_owned(),
        display_name: "Everyone".to_owned(),
        avatar_url: String::new(),
        quota_allowance: 0,
    };
    store::insert_in(tx, row).await
}

async fn insert_in(tx: &Tx, id: GroupId, organization: OrganizationId, new: NewGroup) -> Result<Change> {
    let name = String::from(new.name);
    let after = facts(json!({
        "name": name, "displayName": new.display_name, "avatarUrl": new.avatar_url,
        "quotaAllowance": new.quota_allowance,
    }));
    let row = store::NewRow {
        id,
        organization,
        name: name.clone(),
        display_name: new.display_name,
        avatar_url: new.avatar_url,
        quota_allowance: new.quota_allowance,
    };
    store::insert_in(tx, row)
        .await
        .on_violation("uq_group_name", || Refusal::name_taken(&["name"], "group", &name))?;
    Ok(Change::new(Action::Create, Resource::Group, Some(organization), id, name, &Facts::new(), &after))
}

/// Puts a member of the organization into a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_UPDATE`; refusals for Everyone, for somebody who is no member of the organization and for
/// somebody who is in the group already.
pub(crate) async fn add_member(db: &Db, actor: &Actor, group: &GroupRow, user: UserId) -> Result<()> {
    let organization = group.organization_id;
    let permit = actor.authorize(Permission::GroupUpdate, Object::in_organization(organization))?;
    if group.is_everyone() {
        let message = "everybody in the organization is in Everyone; add them to the organization instead";
        return Err(Refusal::conflict(&["groupId"], message).into());
    }
    let tx = db.begin(permit).await?;
    if !store::is_member_in(&tx, organization, user).await? {
        return Err(Refusal::not_found(&["userIds"], "member of the organization").into());
    }
    if !store::insert_member_in(&tx, organization, group.id, user).await? {
        return Err(Refusal::conflict(&["userIds"], "they are in the group already").into());
    }
    let after = facts(json!({ "member": user.to_string() }));
    let name = group.name.clone();
    let change = Change::new(
        Action::Update,
        Resource::Group,
        Some(organization),
        group.id,
        name,
        &Facts::new(),
        &after,
    );
    tx.commit(change).await
}

/// Sets what each member of a group may use, in credits a day. Everyone may carry an allowance as well.
///
/// # Errors
/// FORBIDDEN without `QUOTA_UPDATE`; a refusal for a negative allowance.
pub(crate) async fn set_quota_allowance(
    db: &Db,
    actor: &Actor,
    group: &GroupRow,
    allowance: i32,
) -> Result<()> {
    let organization = group.organization_id;
    let permit = actor.authorize(Permission::QuotaUpdate, Object::in_organization(organization))?;
    if allowance < 0 {
        return Err(Refusal::invalid(&["allowance"], "an allowance is 0 or more credits a day").into());
    }
    let tx = db.begin(permit).await?;
    let before = store::set_quota_allowance_in(&tx, group.id, allowance).await?;
    let before = before.ok_or_else(|| Refusal::not_found(&["groupId"], "group"))?;
    let change = Change::new(
        Action::Update,
        Resource::Quota,
        Some(organization),
        group.id,
        group.name.as_str(),
        &facts(json!({ "quotaAllowance": before })),
        &facts(json!({ "quotaAllowance": allowance })),
    );
    tx.commit(change).await
}

/// Which of these groups a user is in, Everyone included.
pub(crate) async fn groups_of(db: &Db, user: UserId, groups: &[GroupId]) -> Result<Vec<GroupId>> {
    store::groups_of(db, user, groups).await
}

/// Finds a group that the actor can see.
pub(crate) async fn find(db: &Db, actor: &Actor, id: GroupId) -> Result<Option<GroupRow>> {
    db.find(actor, id).await
}
