//! Lines a job wrote; append only.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerJobId};
use crate::kind::{LogLevel, LogSource};

/// A row of `provisioner_job_log`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provisioner_job_log")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provisioner_job_id: ProvisionerJobId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i32,
    pub organization_id: OrganizationId,
    pub time: DateTimeUtc,
    pub level: LogLevel,
    pub source: LogSource,
    pub stage: String,
    pub text: String,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
