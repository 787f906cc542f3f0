//! The last state that Terraform sent for a build, sealed.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, WorkspaceBuildId, WorkspaceId};

/// A row of `terraform_state`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "terraform_state")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_build_id: WorkspaceBuildId,
    pub organization_id: OrganizationId,
    pub workspace_id: WorkspaceId,
    pub number: i32,
    pub sealed: Vec<u8>,
    pub size: i32,
    pub serial: Option<i64>,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
