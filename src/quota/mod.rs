//! Quotas: what workspaces may cost a day. A member's budget is the sum of their groups' allowances; an organization may
//! carry a cap as well. Owns no table; refuses a build between plan and apply when it would use more than is left.
//!
//! An organization in which no group has an allowance keeps no budgets: its members may use what they like, within the
//! cap if there is one.

pub(crate) mod graphql;
mod store;
pub(crate) mod transfer;

pub(crate) use store::{Basis, Standing};

use guildhall_entity::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceId};
use guildhall_entity::json::{QuotaRefusal, QuotaScope};
use guildhall_entity::kind::Transition;

use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::workspace::build::{self, Target};

/// How members stand in their organizations, in the order asked.
pub(crate) async fn of_members(
    db: &Db,
    members: &[(OrganizationId, UserId)],
) -> Result<Vec<((OrganizationId, UserId), Standing)>> {
    store::of_members(db, members).await
}

/// What is used in organizations, whoever owns it.
pub(crate) async fn used_in_organizations(
    db: &Db,
    organizations: &[OrganizationId],
) -> Result<Vec<(OrganizationId, i64)>> {
    store::used_in_organizations(db, organizations).await
}

/// Decides over a planned cost inside the transaction of the daemon that asks, and keeps it for the build. `Some` when the
/// build must not be applied.
///
/// Accepted is what fits into the owner's budget and the organization's cap, and whatever costs no more than what the
/// workspace costs already. The organization's row is locked: two builds never both take what is left.
pub(crate) async fn decide_in(tx: &Tx, target: &Target, cost: i32) -> Result<Option<QuotaRefusal>> {
    let organization = target.organization;
    let cap = crate::organization::lock_quota_in(tx, organization).await?;
    let charge = build::charge_in(tx, target.build).await?;
    let (owner, held, stopped) = charge.ok_or_else(|| Error::internal("a job's build is not there"))?;
    let refusal = if cost > held { exceeded(tx, target, owner, cap, cost).await? } else { None };
    if refusal.is_some() || stopped {
        build::judged_by_quota_in(tx, target.build, refusal).await?;
    }
    // A lower cost counts once the build has succeeded: until then the dearer things may still be there.
    if refusal.is_none() && cost > held {
        build::reserve_in(tx, target.build, cost).await?;
    }
    Ok(refusal)
}

async fn exceeded(
    tx: &Tx,
    target: &Target,
    owner: UserId,
    cap: Option<i32>,
    cost: i32,
) -> Result<Option<QuotaRefusal>> {
    let organization = target.organization;
    if let Some(budget) = store::budget_in(tx, organization, owner).await? {
        let used = store::used_in(tx, organization, Some(owner), Some(target.workspace)).await?;
        if used + i64::from(cost) > budget {
            return Ok(Some(QuotaRefusal { scope: QuotaScope::Member, budget, used, cost }));
        }
    }
    if let Some(cap) = cap {
        let (budget, used) =
            (i64::from(cap), store::used_in(tx, organization, None, Some(target.workspace)).await?);
        if used + i64::from(cost) > budget {
            return Ok(Some(QuotaRefusal { scope: QuotaScope::Organization, budget, used, cost }));
        }
    }
    Ok(None)
}

/// Decides over the workspaces that one owner would take over from another, whatever they cost. `Some` when they would
/// not fit into the budget. The organization's own cap is not touched: what is used in it stays the same.
pub(crate) async fn taken_over_in(
    tx: &Tx,
    organization: OrganizationId,
    from: UserId,
    to: UserId,
) -> Result<Option<QuotaRefusal>> {
    crate::organization::lock_quota_in(tx, organization).await?;
    let cost = store::used_in(tx, organization, Some(from), None).await?;
    let Some(budget) = store::budget_in(tx, organization, to).await?.filter(|_| cost > 0) else {
        return Ok(None);
    };
    let used = store::used_in(tx, organization, Some(to), None).await?;
    let cost = i32::try_from(cost).unwrap_or(i32::MAX);
    let exceeded = used + i64::from(cost) > budget;
    Ok(exceeded.then_some(QuotaRefusal { scope: QuotaScope::Member, budget, used, cost }))
}

/// What a build would change, before anybody asks for it.
pub(crate) struct Preview {
    /// What it would cost, and where that is known from; `None` when nothing like it has been built.
    pub(crate) cost: Option<(i32, Basis)>,
    /// What the workspace costs now; 0 for a new one.
    pub(crate) current: i32,
    /// The owner's standing without the workspace.
    pub(crate) owner: Standing,
    /// The organization's standing without the workspace.
    pub(crate) organization: Standing,
}

impl Preview {
    /// Whether the quota would let it pass; `None` where the cost is not known.
    pub(crate) fn accepted(&self) -> Option<bool> {
        let (cost, _) = self.cost?;
        let fits = |standing: Standing| standing.remaining().is_none_or(|left| i64::from(cost) <= left);
        Some(cost <= self.current || (fits(self.owner) && fits(self.organization)))
    }
}

/// What is to be previewed.
pub(crate) struct Planned {
    pub(crate) organization: OrganizationId,
    pub(crate) cap: Option<i32>,
    pub(crate) owner: UserId,
    pub(crate) workspace: Option<(WorkspaceId, i32)>,
    pub(crate) version: TemplateVersionId,
    pub(crate) transition: Transition,
}

/// What a build would cost and leave, from what builds like it have cost.
pub(crate) async fn preview(db: &Db, planned: Planned) -> Result<Preview> {
    let key = (planned.organization, planned.owner);
    let standings = store::of_members(db, &[key]).await?;
    let mut owner = standings.first().map_or(Standing { budget: None, used: 0 }, |(_, standing)| *standing);
    let used = store::used_in_organizations(db, &[planned.organization]).await?;
    let mut organization =
        Standing { budget: planned.cap.map(i64::from), used: used.first().map_or(0, |(_, used)| *used) };
    let current = planned.workspace.map_or(0, |(_, cost)| cost);
    owner.used -= i64::from(current);
    organization.used -= i64::from(current);
    let cost = match planned.transition {
        Transition::Delete => Some((0, Basis::Certain)),
        transition => {
            let workspace = planned.workspace.map(|(id, _)| id);
            store::experience(db, workspace, planned.version, transition).await?
        }
    };
    Ok(Preview { cost, current, owner, organization })
}
