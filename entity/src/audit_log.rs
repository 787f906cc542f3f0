//! What was changed, by whom; written in the transaction of the change.

use sea_orm::entity::prelude::*;

use crate::id::{AuditLogId, OrganizationId};

/// A row of `audit_log`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditLogId,
    pub time: DateTimeUtc,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub organization_id: Option<OrganizationId>,
    pub action: String,
    pub resource: String,
    pub resource_prefix: String,
    pub resource_id: Option<Uuid>,
    pub resource_name: String,
    pub permission: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub diff: Json,
    pub status: String,
    pub request_id: String,
    pub ip: String,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
