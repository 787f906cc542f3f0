//! What an explanation reads: somebody with all their roles. It shows what no list of the actor's may show, so it is read
//! only once `explain` has seen that the actor may know the subject's roles.

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::json::Names;
use guildhall_entity::kind::UserStatus;
use guildhall_entity::{organization_member, role, user};
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use crate::authn::join_roles;
use crate::authz::{Held, PermissionSet, Subject};
use crate::db::Db;
use crate::db::row::row;
use crate::error::Result;

row! {
    /// A user, one of their memberships, and one of the custom roles they hold there.
    struct Known {
        status: UserStatus,
        site_roles: Names,
        organization_id: Option<OrganizationId>,
        roles: Option<Names>,
        custom_role: Option<String>,
        custom_permissions: Option<Names>,
    }
}

/// A user with all their roles.
pub(super) async fn subject(db: &Db, id: UserId) -> Result<Option<Subject>> {
    use organization_member::Column as Member;
    let mut statement = Query::select()
        .columns([("u", user::Column::Status), ("u", user::Column::SiteRoles)])
        .columns([("m", Member::OrganizationId), ("m", Member::Roles)])
        .columns([("r", role::Column::Name), ("r", role::Column::Permissions)])
        .from_as(user::Entity, "u")
        .and_where(Expr::col(("u", user::Column::Id)).eq(id))
        .and_where(Expr::col(("u", user::Column::DeletedAt)).is_null())
        .take();
    join_roles(&mut statement);
    let rows = db.rows::<Known>(&statement).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut subject = Subject {
        user: id,
        suspended: first.status == UserStatus::Suspended,
        site_roles: first.site_roles.0.clone(),
        memberships: Vec::new(),
    };
    for row in rows {
        let (Some(organization), Some(roles)) = (row.organization_id, row.roles) else { continue };
        let at = subject.memberships.iter().position(|held| held.organization == organization);
        let at = at.unwrap_or_else(|| {
            subject.memberships.push(Held { organization, roles: roles.0, custom: Vec::new() });
            subject.memberships.len() - 1
        });
        if let (Some(name), Some(permissions)) = (row.custom_role, row.custom_permissions) {
            let grants = PermissionSet::named(permissions.0.iter().map(String::as_str));
            subject.memberships[at].custom.push((name, grants));
        }
    }
    Ok(Some(subject))
}
