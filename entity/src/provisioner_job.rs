//! Work for daemons.

use sea_orm::entity::prelude::*;

use crate::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, UserId};
use crate::json::Tags;
use crate::kind::{JobState, JobType};

/// A row of `provisioner_job`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provisioner_job")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProvisionerJobId,
    pub organization_id: OrganizationId,
    pub r#type: JobType,
    pub state: JobState,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: Tags,
    pub priority: i32,
    pub turn: i32,
    pub initiator_id: Option<UserId>,
    pub owner_id: UserId,
    pub provisioner_daemon_id: Option<ProvisionerDaemonId>,
    pub attempts: i32,
    pub token_hash: Option<Vec<u8>>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub log_bytes: i64,
    pub applying_at: Option<DateTimeUtc>,
    pub cancel_requested_at: Option<DateTimeUtc>,
    pub started_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
