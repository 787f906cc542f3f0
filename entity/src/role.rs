//! Custom roles of organizations. Built-in ones are code.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, RoleId};
use crate::json::Names;

/// A row of `role`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "role")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub permissions: Names,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
