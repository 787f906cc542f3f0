//! What the scheduler looks for, and what it asks before it acts.

use guildhall_entity::id::{
    OrganizationId, ProvisionerJobId, TemplateId, TemplateVersionId, UserId, WorkspaceBuildId, WorkspaceId,
};
use guildhall_entity::kind::{JobState, Transition, UserStatus};
use guildhall_entity::workspace::{Column, Entity};
use guildhall_entity::{organization_member, provisioner_job, template, user};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::workspace::latest_build_of;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::provisioner::join_job;

/// How many workspaces are looked at in one statement.
pub(in crate::workspace) const BATCH: u64 = 100;

row! {
    /// A workspace that may be due.
    pub(in crate::workspace) struct DueRow {
        id: WorkspaceId,
        organization_id: OrganizationId,
    }
}

/// Live workspaces after `after`, in the order of their ids.
fn candidates(after: Option<WorkspaceId>) -> SelectStatement {
    let mut statement = Query::select()
        .from_as(Entity, "w")
        .and_where(Expr::col(("w", Column::DeletedAt)).is_null())
        .order_by(("w", Column::Id), Order::Asc)
        .limit(BATCH)
        .take();
    if let Some(after) = after {
        statement.and_where(Expr::col(("w", Column::Id)).gt(after));
    }
    select::<DueRow>(&mut statement, "w");
    statement
}

/// Workspaces at whose column the time has come.
pub(in crate::workspace) async fn since(
    db: &Db,
    column: Column,
    now: DateTimeUtc,
    after: Option<WorkspaceId>,
) -> Result<Vec<DueRow>> {
    let mut statement = candidates(after);
    // The partial indexes hold only rows where it is not null.
    statement.and_where(Expr::col(("w", column)).is_not_null()).and_where(Expr::col(("w", column)).lte(now));
    db.rows(&statement).await
}

/// Workspaces of a template that nobody has used since.
pub(in crate::workspace) async fn idle(
    db: &Db,
    template: TemplateId,
    since: DateTimeUtc,
    after: Option<WorkspaceId>,
) -> Result<Vec<DueRow>> {
    let mut statement = candidates(after);
    let used = Func::coalesce([Expr::col(("w", Column::LastUsedAt)), Expr::col(("w", Column::CreatedAt))]);
    statement
        .and_where(Expr::col(("w", Column::TemplateId)).eq(template))
        .and_where(Expr::col(("w", Column::DormantAt)).is_null())
        .and_where(Expr::from(used).lte(since));
    db.rows(&statement).await
}

row! {
    /// A template whose workspaces fall dormant.
    pub(in crate::workspace) struct SleepRow {
        id: TemplateId,
        dormant_after_ms: i64,
        dormant_delete_after_ms: Option<i64>,
    }
}

/// Templates whose workspaces fall dormant.
pub(in crate::workspace) async fn sleepy(db: &Db) -> Result<Vec<SleepRow>> {
    let mut statement = Query::select()
        .from_as(template::Entity, "t")
        .and_where(Expr::col(("t", template::Column::DormantAfterMs)).is_not_null())
        .order_by(("t", template::Column::Id), Order::Asc)
        .take();
    select::<SleepRow>(&mut statement, "t");
    db.rows(&statement).await
}

row! {
    /// What a template says about the time of its workspaces.
    pub(in crate::workspace) struct TimesRow {
        active_version_id: Option<TemplateVersionId>,
        default_ttl_ms: Option<i64>,
        failure_ttl_ms: Option<i64>,
        autostart_days: i32,
        autostop_days: i32,
        autostop_weeks: i32,
        allow_user_ttl: bool,
        require_active_version: bool,
    }
}

/// What the template of a workspace says about time, as the transaction sees it.
pub(in crate::workspace) async fn times_in(tx: &Tx, template: TemplateId) -> Result<Option<TimesRow>> {
    let mut statement = Query::select()
        .from_as(template::Entity, "t")
        .and_where(Expr::col(("t", template::Column::Id)).eq(template))
        .take();
    select::<TimesRow>(&mut statement, "t");
    tx.row(&statement).await
}

/// The latest build of a workspace.
#[derive(Clone)]
pub(in crate::workspace) struct Latest {
    pub(in crate::workspace) id: WorkspaceBuildId,
    pub(in crate::workspace) version: TemplateVersionId,
    pub(in crate::workspace) transition: Transition,
    pub(in crate::workspace) job: ProvisionerJobId,
    pub(in crate::workspace) state: JobState,
}

row! {
    /// A build's own part of it.
    struct LatestRow {
        id: WorkspaceBuildId,
        template_version_id: TemplateVersionId,
        transition: Transition,
        provisioner_job_id: ProvisionerJobId,
    }
}

/// The latest build of a workspace, as the transaction sees it.
pub(in crate::workspace) async fn latest_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<Latest>> {
    let mut statement = latest_build_of(workspace);
    join_job(&mut statement, "b");
    select::<LatestRow>(&mut statement, "b");
    statement.column(("j", provisioner_job::Column::State));
    let row = tx.row::<(LatestRow, One<JobState>)>(&statement).await?;
    Ok(row.map(|(build, state)| Latest {
        id: build.id,
        version: build.template_version_id,
        transition: build.transition,
        job: build.provisioner_job_id,
        state: state.0,
    }))
}

/// Whether the owner of a workspace may still act, and is still a member.
pub(in crate::workspace) async fn owner_acts_in(
    tx: &Tx,
    organization: OrganizationId,
    owner: UserId,
) -> Result<bool> {
    use organization_member::Column as Member;
    let statement = Query::select()
        .expr(Expr::val(1))
        .from_as(organization_member::Entity, "m")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("m", Member::UserId)),
        )
        .and_where(Expr::col(("m", Member::OrganizationId)).eq(organization))
        .and_where(Expr::col(("m", Member::UserId)).eq(owner))
        .and_where(Expr::col(("u", user::Column::Status)).ne(UserStatus::Suspended.as_str()))
        .take();
    Ok(tx.row::<One<i32>>(&statement).await?.is_some())
}
