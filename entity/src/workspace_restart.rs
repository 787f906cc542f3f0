//! The start that is promised for when a stop has succeeded.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceBuildId};
use crate::json::Parameters;

/// A row of `workspace_restart`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace_restart")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_build_id: WorkspaceBuildId,
    pub organization_id: OrganizationId,
    pub next_build_id: WorkspaceBuildId,
    pub template_version_id: TemplateVersionId,
    pub initiator_id: Option<UserId>,
    #[sea_orm(column_type = "JsonBinary")]
    pub parameters: Parameters,
    pub sealed_parameters: Option<Vec<u8>>,
    pub ephemeral_parameters: Option<Vec<u8>>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
