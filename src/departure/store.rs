//! What the removal of a member is told from: their workspaces, groups and entries in access lists.

use std::collections::HashMap;

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::kind::WorkspaceStatus;
use guildhall_entity::{group_member, template, template_acl, workspace};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};

use crate::db::row::{Columns, One, Read};
use crate::db::{Db, is_one_of};
use crate::error::Result;
use crate::workspace::join_latest_build;

/// What the removal of a member would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Impact {
    /// Live workspaces of theirs.
    pub(crate) workspaces: i64,
    /// Those that are up.
    pub(crate) running: i64,
    /// Those that are down.
    pub(crate) stopped: i64,
    /// Those that are neither: their last build failed, was canceled, or left nothing to speak of.
    pub(crate) failed: i64,
    /// Those whose build is under way.
    pub(crate) building: i64,
    /// What they cost a day.
    pub(crate) daily_cost: i64,
    /// Groups besides Everyone.
    pub(crate) groups: i64,
    /// Entries of access lists that name them.
    pub(crate) access_entries: i64,
}

type Member = (OrganizationId, UserId);

/// The workspaces of a member that are at the same.
#[derive(Clone)]
struct Tally {
    member: Member,
    status: WorkspaceStatus,
    count: i64,
    cost: i64,
}

impl Read for Tally {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            member: (columns.next()?, columns.next()?),
            status: columns.next()?,
            count: columns.next()?,
            cost: columns.next()?,
        })
    }
}

/// Three statements, however many members they are.
pub(super) async fn impacts(db: &Db, members: &[Member]) -> Result<Vec<(Member, Impact)>> {
    let mut found: HashMap<Member, Impact> =
        members.iter().map(|&member| (member, Impact::default())).collect();
    for tally in db.rows::<Tally>(&workspaces(members)).await? {
        let Some(impact) = found.get_mut(&tally.member) else { continue };
        impact.workspaces += tally.count;
        impact.daily_cost += tally.cost;
        let place = match tally.status {
            WorkspaceStatus::Pending
            | WorkspaceStatus::Starting
            | WorkspaceStatus::Stopping
            | WorkspaceStatus::Deleting
            | WorkspaceStatus::Canceling => &mut impact.building,
            WorkspaceStatus::Running => &mut impact.running,
            WorkspaceStatus::Stopped => &mut impact.stopped,
            WorkspaceStatus::Deleted | WorkspaceStatus::Canceled | WorkspaceStatus::Failed => {
                &mut impact.failed
            }
        };
        *place += tally.count;
    }
    let groups = Query::select().from_as(group_member::Entity, "x").take();
    // What a deleted template's list still says is nobody's loss.
    let live = Query::select()
        .column(template::Column::Id)
        .from(template::Entity)
        .and_where(Expr::col(template::Column::DeletedAt).is_null())
        .take();
    let entries = Query::select()
        .from_as(template_acl::Entity, "x")
        .and_where(Expr::col(("x", template_acl::Column::TemplateId)).in_subquery(live))
        .take();
    let fields: [(SelectStatement, Field); 2] =
        [(groups, |impact| &mut impact.groups), (entries, |impact| &mut impact.access_entries)];
    for (statement, field) in fields {
        let statement = counted(statement, members);
        for (organization, (user, count)) in
            db.rows::<(One<OrganizationId>, (One<UserId>, One<i64>))>(&statement).await?
        {
            if let Some(impact) = found.get_mut(&(organization.0, user.0)) {
                *field(impact) = count.0;
            }
        }
    }
    Ok(members.iter().map(|member| (*member, found.get(member).copied().unwrap_or_default())).collect())
}

/// Where in an impact a count goes.
type Field = fn(&mut Impact) -> &mut i64;

fn workspaces(members: &[Member]) -> SelectStatement {
    let mut statement = Query::select().from_as(workspace::Entity, "w").take();
    join_latest_build(&mut statement);
    let cost = Func::coalesce([Expr::col(("b", "daily_cost")).sum(), Expr::val(0)]);
    statement
        .columns([("w", "organization_id"), ("w", "owner_id"), ("w", "status")])
        .expr(Func::count(Expr::col(Asterisk)))
        .expr(cost)
        .and_where(Expr::col(("w", workspace::Column::DeletedAt)).is_null())
        .and_where(among(("w", "organization_id"), members.iter().map(|member| member.0.0)))
        .and_where(among(("w", "owner_id"), members.iter().map(|member| member.1.0)))
        .group_by_columns([("w", "organization_id"), ("w", "owner_id"), ("w", "status")]);
    statement
}

/// How many rows of `x` each member has.
fn counted(mut statement: SelectStatement, members: &[Member]) -> SelectStatement {
    statement
        .columns([("x", "organization_id"), ("x", "user_id")])
        .expr(Func::count(Expr::col(Asterisk)))
        .and_where(among(("x", "organization_id"), members.iter().map(|member| member.0.0)))
        .and_where(among(("x", "user_id"), members.iter().map(|member| member.1.0)))
        .group_by_columns([("x", "organization_id"), ("x", "user_id")]);
    statement
}

fn among(column: (&'static str, &'static str), ids: impl Iterator<Item = Uuid>) -> Expr {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    is_one_of(Expr::col(column), &ids)
}
