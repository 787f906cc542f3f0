//! What quotas are computed from: allowances, memberships and the latest builds of live workspaces.

use std::collections::HashMap;

use guildhall_entity::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceId};
use guildhall_entity::kind::{JobState, Transition};
use guildhall_entity::{group, provisioner_job, workspace, workspace_build};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, Order, Query, SelectStatement};

use crate::db::row::One;
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;
use crate::workspace::join_latest_build;

/// A budget and what is used of it, in credits a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What may be used; `None` for no limit.
    pub(crate) budget: Option<i64>,
    /// What the latest builds of live workspaces use.
    pub(crate) used: i64,
}

impl Standing {
    /// What is left; below zero where a budget was cut.
    pub(crate) fn remaining(self) -> Option<i64> {
        self.budget.map(|budget| budget - self.used)
    }
}

/// Live workspaces as `w` with their latest builds as `b`.
fn latest_builds() -> SelectStatement {
    let mut statement = Query::select()
        .from_as(workspace::Entity, "w")
        .and_where(Expr::col(("w", workspace::Column::DeletedAt)).is_null())
        .take();
    join_latest_build(&mut statement);
    statement
}

fn sum(column: (&'static str, &'static str)) -> Expr {
    Func::coalesce([Expr::col(column).sum(), Expr::val(0)]).into()
}

/// Allowances of the groups that users are in, as `g` and `gm`.
fn allowances() -> SelectStatement {
    Query::select()
        .from_as("group_membership", "gm")
        .join_as(
            JoinType::InnerJoin,
            group::Entity,
            "g",
            Expr::col(("g", group::Column::Id)).equals(("gm", "group_id")),
        )
        .take()
}

/// Which organizations keep budgets: those in which a group has an allowance.
fn keepers() -> SelectStatement {
    Query::select()
        .distinct()
        .column(("g", group::Column::OrganizationId))
        .from_as(group::Entity, "g")
        .and_where(Expr::col(("g", group::Column::QuotaAllowance)).gt(0))
        .take()
}

/// A member's budget; `None` where the organization keeps none.
pub(super) async fn budget_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<Option<i64>> {
    let mut kept = keepers();
    kept.and_where(Expr::col(("g", group::Column::OrganizationId)).eq(organization));
    if tx.row::<One<OrganizationId>>(&kept).await?.is_none() {
        return Ok(None);
    }
    let mut statement = allowances();
    statement
        .expr(sum(("g", "quota_allowance")))
        .and_where(Expr::col(("gm", "organization_id")).eq(organization))
        .and_where(Expr::col(("gm", "user_id")).eq(user));
    Ok(Some(tx.row::<One<i64>>(&statement).await?.map_or(0, |sum| sum.0)))
}

/// What is used in an organization, by one owner or by all, but for one workspace if one is named.
pub(super) async fn used_in(
    tx: &Tx,
    organization: OrganizationId,
    owner: Option<UserId>,
    except: Option<WorkspaceId>,
) -> Result<i64> {
    let mut statement = latest_builds();
    statement
        .expr(sum(("b", "daily_cost")))
        .and_where(Expr::col(("w", workspace::Column::OrganizationId)).eq(organization))
        .and_where_option(except.map(|id| Expr::col(("w", workspace::Column::Id)).ne(id)));
    if let Some(owner) = owner {
        statement.and_where(Expr::col(("w", workspace::Column::OwnerId)).eq(owner));
    }
    Ok(tx.row::<One<i64>>(&statement).await?.map_or(0, |sum| sum.0))
}

type Triple = (One<OrganizationId>, (One<UserId>, One<i64>));

/// How members stand: three statements, however many they are.
pub(super) async fn of_members(
    db: &Db,
    members: &[(OrganizationId, UserId)],
) -> Result<Vec<((OrganizationId, UserId), Standing)>> {
    let mut organizations: Vec<Uuid> = members.iter().map(|(organization, _)| organization.0).collect();
    let mut users: Vec<Uuid> = members.iter().map(|(_, user)| user.0).collect();
    for ids in [&mut organizations, &mut users] {
        ids.sort_unstable();
        ids.dedup();
    }
    let among = |column: (&'static str, &'static str), ids: &[Uuid]| is_one_of(Expr::col(column), ids);
    let mut kept = keepers();
    kept.and_where(among(("g", "organization_id"), &organizations));
    let kept: Vec<One<OrganizationId>> = db.rows(&kept).await?;
    let mut budgets = allowances();
    budgets
        .columns([("gm", "organization_id"), ("gm", "user_id")])
        .expr(sum(("g", "quota_allowance")))
        .and_where(among(("gm", "organization_id"), &organizations))
        .and_where(among(("gm", "user_id"), &users))
        .group_by_columns([("gm", "organization_id"), ("gm", "user_id")]);
    let mut used = latest_builds();
    used.columns([("w", "organization_id"), ("w", "owner_id")])
        .expr(sum(("b", "daily_cost")))
        .and_where(among(("w", "organization_id"), &organizations))
        .and_where(among(("w", "owner_id"), &users))
        .group_by_columns([("w", "organization_id"), ("w", "owner_id")]);
    let sums = |rows: Vec<Triple>| -> HashMap<(OrganizationId, UserId), i64> {
        rows.into_iter().map(|(organization, (user, sum))| ((organization.0, user.0), sum.0)).collect()
    };
    let budgets = sums(db.rows(&budgets).await?);
    let used = sums(db.rows(&used).await?);
    let standing = |member: &(OrganizationId, UserId)| Standing {
        budget: kept
            .iter()
            .any(|organization| organization.0 == member.0)
            .then(|| budgets.get(member).copied().unwrap_or_default()),
        used: used.get(member).copied().unwrap_or_default(),
    };
    Ok(members.iter().map(|member| (*member, standing(member))).collect())
}

/// What is used in organizations.
pub(super) async fn used_in_organizations(
    db: &Db,
    organizations: &[OrganizationId],
) -> Result<Vec<(OrganizationId, i64)>> {
    let mut statement = latest_builds();
    statement
        .column(("w", "organization_id"))
        .expr(sum(("b", "daily_cost")))
        .and_where(is_one_of(Expr::col(("w", "organization_id")), organizations))
        .group_by_columns([("w", "organization_id")]);
    let rows: Vec<(One<OrganizationId>, One<i64>)> = db.rows(&statement).await?;
    let used: HashMap<_, _> = rows.into_iter().map(|(id, sum)| (id.0, sum.0)).collect();
    Ok(organizations.iter().map(|id| (*id, used.get(id).copied().unwrap_or_default())).collect())
}

/// Where a cost is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "BuildCostBasis")]
pub(crate) enum Basis {
    /// It can't be otherwise: what is deleted costs nothing.
    Certain,
    /// The last such build of the same workspace from the same version.
    Workspace,
    /// The last such build of another workspace from the same version.
    TemplateVersion,
}

/// What the last build like this one cost.
pub(super) async fn experience(
    db: &Db,
    workspace: Option<WorkspaceId>,
    version: TemplateVersionId,
    transition: Transition,
) -> Result<Option<(i32, Basis)>> {
    use workspace_build::Column as Build;
    let of = |workspace: Option<WorkspaceId>| {
        let mut statement = Query::select()
            .column(("b", Build::DailyCost))
            .from_as(workspace_build::Entity, "b")
            .join_as(
                JoinType::InnerJoin,
                provisioner_job::Entity,
                "j",
                Expr::col(("j", provisioner_job::Column::Id)).equals(("b", Build::ProvisionerJobId)),
            )
            .and_where(Expr::col(("b", Build::TemplateVersionId)).eq(version))
            .and_where(Expr::col(("b", Build::Transition)).eq(transition.as_str()))
            .and_where(Expr::col(("j", provisioner_job::Column::State)).eq(JobState::Succeeded.as_str()))
            .order_by(("b", Build::CreatedAt), Order::Desc)
            .limit(1)
            .take();
        if let Some(workspace) = workspace {
            statement.and_where(Expr::col(("b", Build::WorkspaceId)).eq(workspace));
        }
        statement
    };
    if let Some(workspace) = workspace
        && let Some(cost) = db.row::<One<i32>>(&of(Some(workspace))).await?
    {
        return Ok(Some((cost.0, Basis::Workspace)));
    }
    Ok(db.row::<One<i32>>(&of(None)).await?.map(|cost| (cost.0, Basis::TemplateVersion)))
}
