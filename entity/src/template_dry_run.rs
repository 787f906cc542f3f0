//! Plans of template versions with given values.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerJobId, TemplateDryRunId, TemplateVersionId, UserId};
use crate::json::{Parameters, Resources};

/// A row of `template_dry_run`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "template_dry_run")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateDryRunId,
    pub organization_id: OrganizationId,
    pub template_version_id: TemplateVersionId,
    pub provisioner_job_id: ProvisionerJobId,
    #[sea_orm(column_type = "JsonBinary")]
    pub parameters: Parameters,
    pub sealed_parameters: Option<Vec<u8>>,
    #[sea_orm(column_type = "JsonBinary")]
    pub resources: Resources,
    pub daily_cost: Option<i32>,
    pub created_by: UserId,
    pub created_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
