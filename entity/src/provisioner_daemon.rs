//! Daemons that have registered. A built-in one has no key.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerDaemonId, ProvisionerKeyId};
use crate::json::{Engines, Tags};

/// A row of `provisioner_daemon`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provisioner_daemon")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProvisionerDaemonId,
    pub organization_id: OrganizationId,
    pub provisioner_key_id: Option<ProvisionerKeyId>,
    pub name: String,
    pub version: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub engines: Engines,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: Tags,
    pub last_seen_at: DateTimeUtc,
    pub signed_off: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
