//! Templates. `active_version_id` is null until the first import succeeded.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, TemplateId, TemplateVersionId, UserId};
use crate::text::Folded;

/// A row of `template`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "template")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub display_name: String,
    pub display_name_folded: Folded,
    pub description: String,
    pub icon: String,
    pub active_version_id: Option<TemplateVersionId>,
    pub deprecation_message: String,
    pub default_ttl_ms: Option<i64>,
    pub failure_ttl_ms: Option<i64>,
    pub dormant_after_ms: Option<i64>,
    pub dormant_delete_after_ms: Option<i64>,
    pub autostart_days: i32,
    pub autostop_days: i32,
    pub autostop_weeks: i32,
    pub allow_user_ttl: bool,
    pub require_active_version: bool,
    pub allow_user_cancel: bool,
    pub max_workspaces_per_user: Option<i32>,
    pub created_by: UserId,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
