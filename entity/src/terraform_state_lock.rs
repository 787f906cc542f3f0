//! Who may write the state of a workspace now.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, WorkspaceBuildId, WorkspaceId};

/// A row of `terraform_state_lock`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "terraform_state_lock")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: WorkspaceId,
    pub organization_id: OrganizationId,
    pub workspace_build_id: WorkspaceBuildId,
    pub lock_id: String,
    pub info: String,
    pub created_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
