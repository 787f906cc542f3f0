//! What a group gives besides belonging: access to templates and an allowance. Being put into one is being given that.

use guildhall_entity::id::UserId;
use guildhall_entity::kind::AclRole;

use super::GroupRow;
use super::store::access;
use crate::authz::{Object, Permission, PermissionSet, policy};
use crate::db::Tx;
use crate::error::{Deed, Refusal, Result};

/// Checks that the transaction's actor may hand on what a group gives. Who keeps groups decides who uses templates and has
/// a budget: that is what groups are for. Who administers a template is decided by those who could say so on its access
/// list. And nobody gives themselves anything: whoever joins holds already all that the group gives.
///
/// # Errors
/// `MISSING_PERMISSIONS` for what the actor lacks.
pub(super) async fn check_in(tx: &Tx, group: &GroupRow, user: UserId) -> Result<()> {
    let (actor, object) = (tx.actor(), Object::in_organization(group.organization_id));
    let joins = actor.user_id() == Some(user);
    let mut missing = PermissionSet::NONE;
    if joins && group.quota_allowance > 0 && !actor.may(Permission::QuotaUpdate, object) {
        missing = missing.with(PermissionSet::of(&[Permission::QuotaUpdate]));
    }
    let entries = access::of_group_in(tx, group.id, actor.user_id()).await?;
    for entry in entries.iter().filter(|entry| joins || entry.role == AclRole::Admin) {
        let object = Object { listed: entry.held, ..object };
        let lacking = policy::listed(entry.role).iter().filter(|&given| !actor.may(given, object));
        missing = missing.with(lacking.collect());
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::missing_permissions(&["userIds"], Deed::Give, missing.iter().collect()).into())
}
