//! Roles among the members of an organization: who holds one, and taking one from everybody.

use guildhall_entity::id::{OrganizationId, UserId};
use serde_json::json;

use super::store;
use crate::audit::{Action, Change, facts};
use crate::authz::Resource;
use crate::db::Tx;
use crate::error::Result;

/// Waits for others who change roles or who holds them in the organization, and keeps them waiting until the transaction
/// ends.
pub(crate) async fn lock_roles_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    store::lock_in(tx, organization).await
}

/// Who holds a role.
pub(crate) async fn holders_in(tx: &Tx, organization: OrganizationId, role: &str) -> Result<Vec<UserId>> {
    let holders = store::holders_in(tx, organization, role).await?;
    Ok(holders.into_iter().map(|holder| holder.user_id).collect())
}

/// Takes a role from everybody who holds it, inside the transaction that deletes it; answers the changes.
pub(crate) async fn take_role_in(tx: &Tx, organization: OrganizationId, role: &str) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for holder in store::holders_in(tx, organization, role).await? {
        let held = holder.roles.0;
        let left: Vec<String> = held.iter().filter(|name| *name != role).cloned().collect();
        let (before, after) = (facts(json!({ "roles": held })), facts(json!({ "roles": left })));
        store::set_roles_in(tx, organization, holder.user_id, left).await?;
        changes.push(Change::new(
            Action::Update,
            Resource::Member,
            Some(organization),
            holder.user_id,
            holder.username,
            &before,
            &after,
        ));
    }
    Ok(changes)
}
