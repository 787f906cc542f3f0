//! How dry runs are kept. The values are read by the daemon's task alone.

use guildhall_entity::id::{OrganizationId, ProvisionerJobId, TemplateDryRunId, TemplateVersionId, UserId};
use guildhall_entity::json::{Parameters, Resources};
use guildhall_entity::template_dry_run::{ActiveModel, Column, Entity};
use guildhall_entity::{organization, user};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::authz::{Actor, Permission};
use crate::db::list::Find;
use crate::db::row::{One, row, select};
use crate::db::{Db, Sealed, Tx, covered};
use crate::error::Result;

/// The secret values of dry runs, until they end.
pub(in crate::template) const VALUES: Sealed =
    Sealed { table: "template_dry_run", id: "id", column: "sealed_parameters" };

row! {
    /// A dry run, without the values that it was given.
    pub(crate) struct DryRunRow {
        id: TemplateDryRunId,
        organization_id: OrganizationId,
        template_version_id: TemplateVersionId,
        provisioner_job_id: ProvisionerJobId,
        resources: Resources,
        daily_cost: Option<i32>,
        created_by: UserId,
        created_at: DateTimeUtc,
    }
}

row! {
    /// What a daemon needs of a dry run.
    pub(crate) struct GivenRow {
        id: TemplateDryRunId,
        template_version_id: TemplateVersionId,
        parameters: Parameters,
        sealed_parameters: Option<Vec<u8>>,
    }
}

impl Find for TemplateDryRunId {
    type Row = DryRunRow;
    const ID: (&'static str, &'static str) = ("d", "id");

    /// Whoever sees its job sees a dry run.
    fn select(actor: &Actor) -> SelectStatement {
        let visible = covered(
            &actor.reach(Permission::ProvisionerJobRead),
            Expr::col(("d", Column::OrganizationId)),
            Some(Expr::col(("d", Column::CreatedBy))),
        );
        let mut statement = Query::select().from_as(Entity, "d").cond_where(visible).take();
        select::<DryRunRow>(&mut statement, "d");
        statement
    }
}

fn of_job(job: ProvisionerJobId) -> SelectStatement {
    Query::select().from_as(Entity, "d").and_where(Expr::col(("d", Column::ProvisionerJobId)).eq(job)).take()
}

/// What the job of a dry run is given; with the names of who asked for it and of the organization.
pub(in crate::template) async fn given(
    db: &Db,
    job: ProvisionerJobId,
) -> Result<Option<(GivenRow, (One<String>, One<String>))>> {
    let mut statement = of_job(job);
    select::<GivenRow>(&mut statement, "d");
    statement
        .column(("u", user::Column::Username))
        .column(("o", organization::Column::Name))
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("d", Column::CreatedBy)),
        )
        .join_as(
            sea_orm::JoinType::InnerJoin,
            organization::Entity,
            "o",
            Expr::col(("o", organization::Column::Id)).equals(("d", Column::OrganizationId)),
        );
    db.row(&statement).await
}

/// The version that a job plans.
pub(in crate::template) async fn version_of_job(
    db: &Db,
    job: ProvisionerJobId,
) -> Result<Option<TemplateVersionId>> {
    let mut statement = of_job(job);
    statement.column(("d", Column::TemplateVersionId));
    Ok(db.row::<One<TemplateVersionId>>(&statement).await?.map(|version| version.0))
}

/// A new dry run's row.
pub(in crate::template) struct NewRow {
    pub(in crate::template) id: TemplateDryRunId,
    pub(in crate::template) organization: OrganizationId,
    pub(in crate::template) version: TemplateVersionId,
    pub(in crate::template) job: ProvisionerJobId,
    pub(in crate::template) parameters: Parameters,
    pub(in crate::template) sealed_parameters: Option<Vec<u8>>,
    pub(in crate::template) created_by: UserId,
}

pub(in crate::template) async fn insert_in(tx: &Tx, row: NewRow) -> Result<()> {
    tx.insert(ActiveModel {
        id: Set(row.id),
        organization_id: Set(row.organization),
        template_version_id: Set(row.version),
        provisioner_job_id: Set(row.job),
        parameters: Set(row.parameters),
        sealed_parameters: Set(row.sealed_parameters),
        resources: Set(Resources::default()),
        daily_cost: Set(None),
        created_by: Set(row.created_by),
        created_at: Set(tx.clock().now()),
    })
    .await
}

/// Keeps what the plan found, and forgets the secret values.
pub(in crate::template) async fn planned_in(
    tx: &Tx,
    job: ProvisionerJobId,
    resources: Resources,
    daily_cost: Option<i32>,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Resources, sea_orm::Value::from(resources))
        .value(Column::DailyCost, daily_cost)
        .and_where(Expr::col(Column::ProvisionerJobId).eq(job))
        .take();
    tx.update(&statement).await?;
    forget_in(tx, job).await
}

/// Forgets the secret values of a dry run that has ended.
pub(in crate::template) async fn forget_in(tx: &Tx, job: ProvisionerJobId) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::SealedParameters, Option::<Vec<u8>>::None)
        .and_where(Expr::col(Column::ProvisionerJobId).eq(job))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
