//! Who may use or administer a template: a user or a group of its organization.

use sea_orm::entity::prelude::*;

use crate::id::{GroupId, OrganizationId, TemplateAclId, TemplateId, UserId};
use crate::kind::AclRole;

/// A row of `template_acl`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "template_acl")]
#[expect(missing_docs, reason = "the columns are described in docs and in the migration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateAclId,
    pub organization_id: OrganizationId,
    pub template_id: TemplateId,
    pub user_id: Option<UserId>,
    pub group_id: Option<GroupId>,
    pub role: AclRole,
    pub created_at: DateTimeUtc,
}

/// No relations are declared: joins are written where they are read, from `visible(&actor)`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
