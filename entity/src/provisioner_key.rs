//! Keys that daemons authenticate with; only the SHA-256 of the secret is kept.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerKeyId, UserId};
use crate::json::Tags;

/// A row of `provisioner_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provisioner_key")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProvisionerKeyId,
    pub organization_id: OrganizationId,
    pub name: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: Tags,
    pub secret_hash: Vec<u8>,
    pub previous_secret_hash: Option<Vec<u8>>,
    pub previous_expires_at: Option<DateTimeUtc>,
    pub created_by: UserId,
    pub expires_at: Option<DateTimeUtc>,
    pub last_used_at: Option<DateTimeUtc>,
    pub disabled_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
