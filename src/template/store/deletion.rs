//! How a template ends: what stands in the way, what ends with it.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId, TemplateId};
use guildhall_entity::template::{Column, Entity};
use guildhall_entity::{provisioner_job, template_dry_run, template_version, workspace};
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, Order, Query};

use crate::db::Tx;
use crate::db::row::One;
use crate::error::Result;

/// How many live workspaces are made of a template, as the transaction sees it.
pub(in crate::template) async fn workspaces_in(tx: &Tx, template: TemplateId) -> Result<i64> {
    let statement = Query::select()
        .expr(Func::count(Expr::col(workspace::Column::Id)))
        .from(workspace::Entity)
        .and_where(Expr::col(workspace::Column::TemplateId).eq(template))
        .and_where(Expr::col(workspace::Column::DeletedAt).is_null())
        .take();
    Ok(tx.row::<One<i64>>(&statement).await?.map_or(0, |count| count.0))
}

/// Jobs that import a template's versions or plan what they would make, and have not ended.
pub(in crate::template) async fn unfinished_in(
    tx: &Tx,
    (organization, template): (OrganizationId, TemplateId),
) -> Result<Vec<ProvisionerJobId>> {
    use provisioner_job::Column as Job;
    use template_version::Column as Version;
    let version = |id: Expr| {
        Query::select()
            .expr(Expr::val(1))
            .from_as(template_version::Entity, "v")
            .and_where(Expr::col(("v", Version::TemplateId)).eq(template))
            .and_where(id)
            .take()
    };
    let of_job = |column: Expr| column.equals(("j", Job::Id));
    let imported = version(of_job(Expr::col(("v", Version::ProvisionerJobId))));
    let planned =
        version(Expr::col(("v", Version::Id)).equals(("d", template_dry_run::Column::TemplateVersionId)))
            .join_as(
                JoinType::InnerJoin,
                template_dry_run::Entity,
                "d",
                of_job(Expr::col(("d", template_dry_run::Column::ProvisionerJobId))),
            )
            .take();
    let statement = Query::select()
        .column(("j", Job::Id))
        .from_as(provisioner_job::Entity, "j")
        .and_where(Expr::col(("j", Job::OrganizationId)).eq(organization))
        // Literals, as in the partial indexes: with parameters the planner could not use those.
        .and_where(Expr::cust("(j.state = 'PENDING' or j.state in ('RUNNING', 'CANCELING'))"))
        .and_where(Expr::exists(imported).or(Expr::exists(planned)))
        .order_by(("j", Job::Id), Order::Asc)
        .take();
    let jobs = tx.rows::<One<ProvisionerJobId>>(&statement).await?;
    Ok(jobs.into_iter().map(|job| job.0).collect())
}

/// Marks the template as deleted, which frees its name.
pub(in crate::template) async fn delete_in(tx: &Tx, template: TemplateId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::DeletedAt, tx.clock().now())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .and_where(Expr::col(Column::Id).eq(template))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
