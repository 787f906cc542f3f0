//! Builds of workspaces. `active` is true until the job has ended: one a workspace.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerJobId, TemplateVersionId, UserId, WorkspaceBuildId, WorkspaceId};
use crate::json::{Apps, Metadata, Parameters, QuotaRefusal, Resources};
use crate::kind::{BuildReason, Transition};

/// A row of `workspace_build`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace_build")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkspaceBuildId,
    pub organization_id: OrganizationId,
    pub workspace_id: WorkspaceId,
    pub number: i32,
    pub template_version_id: TemplateVersionId,
    pub transition: Transition,
    pub reason: BuildReason,
    pub initiator_id: Option<UserId>,
    pub provisioner_job_id: ProvisionerJobId,
    pub active: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub parameters: Parameters,
    pub sealed_parameters: Option<Vec<u8>>,
    pub ephemeral_parameters: Option<Vec<u8>>,
    #[sea_orm(column_type = "JsonBinary")]
    pub resources: Resources,
    #[sea_orm(column_type = "JsonBinary")]
    pub apps: Apps,
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: Metadata,
    pub daily_cost: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub quota_refusal: Option<QuotaRefusal>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
