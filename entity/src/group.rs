//! Groups. The Everyone group has its organization's id.

use sea_orm::entity::prelude::*;

use crate::id::{GroupId, OrganizationId};
use crate::kind::GroupSource;
use crate::text::Folded;

/// A row of `group`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "group")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GroupId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub display_name: String,
    pub display_name_folded: Folded,
    pub avatar_url: String,
    pub quota_allowance: i32,
    pub source: GroupSource,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
