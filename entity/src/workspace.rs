//! Workspaces.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, TemplateId, UserId, WorkspaceBuildId, WorkspaceId};
use crate::kind::{AutomaticUpdates, WorkspaceStatus};

/// A row of `workspace`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkspaceId,
    pub organization_id: OrganizationId,
    pub owner_id: UserId,
    pub template_id: TemplateId,
    pub name: String,
    pub last_used_at: Option<DateTimeUtc>,
    pub autostart_cron: Option<String>,
    pub autostart_time_zone: Option<String>,
    pub autostart_at: Option<DateTimeUtc>,
    pub ttl_ms: Option<i64>,
    pub automatic_updates: AutomaticUpdates,
    pub deadline: Option<DateTimeUtc>,
    pub dormant_at: Option<DateTimeUtc>,
    pub deleting_at: Option<DateTimeUtc>,
    pub latest_build_id: Option<WorkspaceBuildId>,
    pub status: WorkspaceStatus,
    pub outdated: bool,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
