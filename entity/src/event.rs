//! The outbox: what happened, in order.

use sea_orm::entity::prelude::*;

use crate::id::OrganizationId;

/// A row of `event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub sequence: i64,
    pub time: DateTimeUtc,
    pub organization_id: Option<OrganizationId>,
    pub kind: String,
    pub subject_id: Uuid,
    pub parent_id: Option<Uuid>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
