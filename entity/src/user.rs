//! People and service accounts.

use sea_orm::entity::prelude::*;

use crate::id::UserId;
use crate::json::Names;
use crate::kind::{LoginType, UserStatus};
use crate::text::Folded;

/// A row of `user`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    pub username: String,
    pub email: String,
    pub email_folded: Folded,
    pub name: String,
    pub name_folded: Folded,
    pub avatar_url: String,
    pub status: UserStatus,
    pub login_type: LoginType,
    pub password_hash: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub site_roles: Names,
    pub is_service_account: bool,
    pub last_seen_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
