//! Organizations. `version` grows by one with every update.

use sea_orm::entity::prelude::*;

use crate::id::OrganizationId;
use crate::text::Folded;

/// A row of `organization`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    pub name: String,
    pub display_name: String,
    pub display_name_folded: Folded,
    pub description: String,
    pub icon: String,
    pub is_default: bool,
    pub quota_cap: Option<i32>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
