//! Versions of templates.

use sea_orm::entity::prelude::*;

use crate::id::{FileId, OrganizationId, ProvisionerJobId, TemplateId, TemplateVersionId, UserId};
use crate::json::Variables;
use crate::text::Folded;

/// A row of `template_version`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "template_version")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateVersionId,
    pub organization_id: OrganizationId,
    pub template_id: TemplateId,
    pub name: String,
    pub message: String,
    pub message_folded: Folded,
    pub readme: String,
    pub file_id: FileId,
    pub provisioner_job_id: ProvisionerJobId,
    #[sea_orm(column_type = "JsonBinary")]
    pub variables: Variables,
    pub promote_on_success: bool,
    pub archived: bool,
    pub created_by: UserId,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
