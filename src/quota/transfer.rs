//! Giving a workspace to another member: whoever takes it must be able to bear what it costs.

use guildhall_entity::id::UserId;
use guildhall_entity::json::{QuotaRefusal, QuotaScope};

use super::store;
use crate::authz::{Actor, Object, Permission};
use crate::db::Db;
use crate::error::{Refusal, Result};
use crate::workspace::{WorkspaceRow, change};

/// Gives a workspace to another member of its organization. The organization's budgets are locked meanwhile.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_UPDATE` on the workspace and `WORKSPACE_CREATE` for the new owner; refusals for somebody
/// who is no member, whose budget does not reach or who has a workspace of this name, and while a build is active.
pub(crate) async fn transfer(db: &Db, actor: &Actor, workspace: &WorkspaceRow, owner: UserId) -> Result<()> {
    let organization = workspace.organization_id;
    let object = Object::in_organization(organization);
    let permit = actor.authorize(Permission::WorkspaceUpdate, object.owned_by(workspace.owner_id))?;
    actor.require(Permission::WorkspaceCreate, object.owned_by(owner))?;
    let tx = db.begin(permit).await?;
    crate::organization::lock_quota_in(&tx, organization).await?;
    let change = change::hand_over_in(&tx, workspace, owner).await?;
    let cost = change::cost_in(&tx, workspace.id).await?;
    if let Some(budget) = store::budget_in(&tx, organization, owner).await? {
        let used = store::used_in(&tx, organization, Some(owner), Some(workspace.id)).await?;
        if cost > 0 && used + i64::from(cost) > budget {
            let refusal = QuotaRefusal { scope: QuotaScope::Member, budget, used, cost };
            return Err(Refusal::quota_exceeded(&["ownerId"], refusal).into());
        }
    }
    tx.commit(change).await
}
