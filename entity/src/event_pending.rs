//! Events of committed transactions that are not in the outbox yet.

use sea_orm::entity::prelude::*;

use crate::id::{AuditLogId, OrganizationId};

/// A row of `event_pending`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_pending")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub time: DateTimeUtc,
    pub organization_id: Option<OrganizationId>,
    pub kind: Option<String>,
    pub resource: String,
    pub subject_prefix: String,
    pub subject_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    pub audit_log_id: Option<AuditLogId>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
