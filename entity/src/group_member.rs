//! Explicit group members; those of Everyone are derived (view `group_membership`).

use sea_orm::entity::prelude::*;

use crate::id::{GroupId, OrganizationId, UserId};

/// A row of `group_member`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "group_member")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    pub organization_id: OrganizationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: GroupId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub username: String,
    pub created_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
