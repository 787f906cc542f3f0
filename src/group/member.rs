//! Who is in a group: put there and taken out by hand, one by one.

use guildhall_entity::id::UserId;
use guildhall_entity::kind::GroupSource;
use sea_orm::sea_query::LockType;
use serde_json::json;

use super::store::{group as groups, member as store};
use super::{GroupRow, power};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Object, Permission, Resource};
use crate::db::Db;
use crate::error::{Refusal, Result};

/// Puts a member of the organization into a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_UPDATE`; `MISSING_PERMISSIONS` for what the group gives and the actor lacks; refusals for a
/// group whose members nobody chooses by hand, for somebody who is no member of the organization and for somebody who is
/// in the group already.
pub(crate) async fn add(db: &Db, actor: &Actor, group: &GroupRow, user: UserId) -> Result<()> {
    let permit = actor.authorize(Permission::GroupUpdate, Object::in_organization(group.organization_id))?;
    chosen_by_hand(group, "add them to the organization instead")?;
    let tx = db.begin(permit).await?;
    let gone = || Refusal::not_found(&["groupId"], "group");
    let group = &groups::locked_in(&tx, group.id, LockType::KeyShare).await?.ok_or_else(gone)?;
    power::check_in(&tx, group, user).await?;
    let added = store::insert_in(&tx, group.organization_id, group.id, user).await?;
    let (username, added) =
        added.ok_or_else(|| Refusal::not_found(&["userIds"], "member of the organization"))?;
    if !added {
        return Err(Refusal::conflict(&["userIds"], "they are in the group already").into());
    }
    tx.commit(changed(group, &Facts::new(), &facts(json!({ "member": named(&username, user) })))).await
}

/// Takes somebody out of a group.
///
/// # Errors
/// FORBIDDEN without `GROUP_UPDATE`; refusals for a group whose members nobody chooses by hand, and for somebody who is
/// not in it.
pub(crate) async fn remove(db: &Db, actor: &Actor, group: &GroupRow, user: UserId) -> Result<()> {
    let permit = actor.authorize(Permission::GroupUpdate, Object::in_organization(group.organization_id))?;
    chosen_by_hand(group, "remove them from the organization instead")?;
    let tx = db.begin(permit).await?;
    let username = store::delete_in(&tx, group.id, user).await?;
    let username = username.ok_or_else(|| Refusal::not_found(&["userIds"], "member of the group"))?;
    tx.commit(changed(group, &facts(json!({ "member": named(&username, user) })), &Facts::new())).await
}

/// Members of Everyone are the organization's; of some groups an identity provider decides.
fn chosen_by_hand(group: &GroupRow, instead: &str) -> Result<(), Refusal> {
    if group.is_everyone() {
        let message = format!("everybody in the organization is in Everyone; {instead}");
        return Err(Refusal::conflict(&["groupId"], message));
    }
    match group.source {
        GroupSource::User => Ok(()),
        GroupSource::Oidc | GroupSource::Scim => {
            let message = "an identity provider decides who is in this group; change it there";
            Err(Refusal::conflict(&["groupId"], message))
        }
    }
}

fn changed(group: &GroupRow, before: &Facts, after: &Facts) -> Change {
    Change::new(
        Action::Update,
        Resource::Group,
        Some(group.organization_id),
        group.id,
        group.name.as_str(),
        before,
        after,
    )
}
