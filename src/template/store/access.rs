//! How access lists of templates are kept.

use guildhall_entity::id::{GroupId, OrganizationId, TemplateAclId, TemplateId, UserId};
use guildhall_entity::kind::AclRole;
use guildhall_entity::template_acl::{ActiveModel, Column, Entity};
use guildhall_entity::{group, group_member, organization_member, template};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, Query, SelectStatement};

use crate::authz::{Actor, Permission, Reach, policy};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, covered, is_one_of, parted};
use crate::error::Result;

/// The entry `acl` names the user, one of their groups or Everyone. It counts in organizations they belong to alone.
fn names(user: UserId) -> Condition {
    let groups = Query::select()
        .column(group_member::Column::GroupId)
        .from(group_member::Entity)
        .and_where(Expr::col(group_member::Column::UserId).eq(user))
        .take();
    Condition::any()
        .add(Expr::col(("acl", Column::GroupId)).equals(("acl", Column::OrganizationId)))
        .add(Expr::col(("acl", Column::UserId)).eq(user))
        .add(Expr::col(("acl", Column::GroupId)).in_subquery(groups))
}

/// The access list of `t` gives the actor this, by naming them, one of their groups or Everyone of an organization they
/// belong to, of those where it matters. `None` where no entry gives it to them.
fn listed(actor: &Actor, permission: Permission, matters: impl Fn(&OrganizationId) -> bool) -> Option<Expr> {
    let giving = [AclRole::Use, AclRole::Admin].into_iter();
    let giving = giving.filter(|&role| policy::listed(role).contains(permission));
    let giving: Vec<_> = giving.map(AclRole::as_str).collect();
    // A token takes away what comes from access lists, too.
    let user = actor.user_id().filter(|_| actor.admits(permission) && !giving.is_empty())?;
    let entry = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, "acl")
        .and_where(Expr::col(("acl", Column::TemplateId)).equals(("t", template::Column::Id)))
        .and_where(Expr::col(("acl", Column::Role)).is_in(giving))
        .cond_where(names(user))
        .limit(1)
        .take();
    let member_of: Vec<Uuid> = actor.organizations().filter(matters).map(|id| id.0).collect();
    let of_theirs = is_one_of(Expr::col(("t", template::Column::OrganizationId)), &member_of);
    // Not `exists`: PostgreSQL may answer that of all templates at once, and read every list of the deployment for it.
    (!member_of.is_empty()).then(|| of_theirs.and(Expr::val(1).eq(entry)))
}

/// Templates, for a statement where the table is `t`, on which a role gives the actor the permission, or their access list
/// does: the same question as [`Actor::may`] with what the list gives.
fn reached(actor: &Actor, permission: Permission) -> Condition {
    let reach = actor.reach(permission);
    let by_role = covered(&reach, Expr::col(("t", template::Column::OrganizationId)), None);
    let covers = |id: &OrganizationId| match &reach {
        Reach::Everything => true,
        Reach::Some { organizations, .. } => organizations.contains(id),
    };
    // Where a role covers all, nobody needs to be on a list.
    match listed(actor, permission, |id| !covers(id)) {
        Some(listed) => Condition::any().add(by_role).add(listed),
        None => by_role,
    }
}

fn alive() -> Expr {
    Expr::col(("t", template::Column::DeletedAt)).is_null()
}

/// Templates that the actor can see: those that a role reads, and those whose access list names the actor, one of their
/// groups or Everyone.
pub(super) fn visible(actor: &Actor) -> Condition {
    Condition::all().add(alive()).add(readable(actor))
}

/// Whether [`visible`] leaves none out.
pub(super) fn sees_all(actor: &Actor) -> bool {
    actor.reach(Permission::TemplateRead) == Reach::Everything
}

/// What [`visible`] leaves, in parts: one for each organization in which there may be some. None where a role reads all.
pub(super) fn visible_parts(actor: &Actor) -> Vec<Condition> {
    let mut reach = actor.reach(Permission::TemplateRead);
    if let Reach::Some { organizations, .. } = &mut reach {
        organizations.extend(actor.organizations());
        organizations.sort_unstable();
        organizations.dedup();
    }
    parted(&reach, Expr::col(("t", template::Column::OrganizationId)), None)
}

/// The same of those too that are deleted.
pub(super) fn readable(actor: &Actor) -> Condition {
    reached(actor, Permission::TemplateRead)
}

/// Templates whose access list the actor may see and change.
pub(super) fn administered(actor: &Actor) -> Condition {
    Condition::all().add(alive()).add(reached(actor, Permission::TemplateUpdate))
}

/// Whether some template's access list makes the actor its administrator; answers where.
pub(in crate::template) async fn administered_organization(
    db: &Db,
    actor: &Actor,
) -> Result<Option<OrganizationId>> {
    let Some(listed) = listed(actor, Permission::TemplateUpdate, |_| true) else { return Ok(None) };
    let statement = Query::select()
        .column(("t", template::Column::OrganizationId))
        .from_as(template::Entity, "t")
        .and_where(alive())
        .and_where(listed)
        .limit(1)
        .take();
    Ok(db.row::<One<OrganizationId>>(&statement).await?.map(|id| id.0))
}

row! {
    /// An entry that names somebody, by themselves or by a group.
    pub(crate) struct Listing {
        template_id: TemplateId,
        group_id: Option<GroupId>,
        role: AclRole,
    }
}

/// The entries of templates that name a user, one of their groups or Everyone. Whether they are a member is not asked:
/// entries of an organization count for its members alone.
fn naming(user: UserId, templates: &[TemplateId]) -> SelectStatement {
    let mut statement = Query::select()
        .from_as(Entity, "acl")
        .and_where(is_one_of(Expr::col(("acl", Column::TemplateId)), templates))
        .cond_where(names(user))
        .take();
    select::<Listing>(&mut statement, "acl");
    statement
}

pub(in crate::template) async fn listings(
    db: &Db,
    user: UserId,
    templates: &[TemplateId],
) -> Result<Vec<Listing>> {
    db.rows(&naming(user, templates)).await
}

pub(in crate::template) async fn listings_in(
    tx: &Tx,
    user: UserId,
    template: TemplateId,
) -> Result<Vec<Listing>> {
    tx.rows(&naming(user, &[template])).await
}

/// Who an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A member of the organization.
    User(UserId),
    /// A group of the organization; Everyone has the organization's UUID.
    Group(GroupId),
}

impl Subject {
    fn is_named(self) -> Expr {
        match self {
            Self::User(id) => Expr::col(Column::UserId).eq(id),
            Self::Group(id) => Expr::col(Column::GroupId).eq(id),
        }
    }
}

/// The name of such a member or group of the organization; there is one until the transaction ends.
pub(in crate::template) async fn hold_in(
    tx: &Tx,
    organization: OrganizationId,
    subject: Subject,
) -> Result<Option<String>> {
    let mut statement = Query::select().take();
    match subject {
        Subject::User(id) => statement
            .column(organization_member::Column::Username)
            .from(organization_member::Entity)
            .and_where(Expr::col(organization_member::Column::OrganizationId).eq(organization))
            .and_where(Expr::col(organization_member::Column::UserId).eq(id)),
        Subject::Group(id) => statement
            .column(group::Column::Name)
            .from(group::Entity)
            .and_where(Expr::col(group::Column::OrganizationId).eq(organization))
            .and_where(Expr::col(group::Column::Id).eq(id)),
    };
    Ok(tx.locked::<One<String>>(statement, LockType::KeyShare).await?.map(|name| name.0))
}

/// The role of an entry, if there is one.
pub(in crate::template) async fn role_in(
    tx: &Tx,
    template: TemplateId,
    subject: Subject,
) -> Result<Option<AclRole>> {
    let statement = Query::select()
        .column(Column::Role)
        .from(Entity)
        .and_where(Expr::col(Column::TemplateId).eq(template))
        .and_where(subject.is_named())
        .take();
    Ok(tx.row::<One<AclRole>>(&statement).await?.map(|role| role.0))
}

/// Makes an entry.
pub(in crate::template) async fn insert_in(
    tx: &Tx,
    organization: OrganizationId,
    template: TemplateId,
    subject: Subject,
    role: AclRole,
) -> Result<()> {
    let (user, group) = match subject {
        Subject::User(id) => (Some(id), None),
        Subject::Group(id) => (None, Some(id)),
    };
    tx.insert(ActiveModel {
        id: Set(tx.clock().id::<TemplateAclId>()),
        organization_id: Set(organization),
        template_id: Set(template),
        user_id: Set(user),
        group_id: Set(group),
        role: Set(role),
        created_at: Set(tx.clock().now()),
    })
    .await
}

/// Changes the role of an entry.
pub(in crate::template) async fn update_in(
    tx: &Tx,
    template: TemplateId,
    subject: Subject,
    role: AclRole,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Role, role.as_str())
        .and_where(Expr::col(Column::TemplateId).eq(template))
        .and_where(subject.is_named())
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// Takes an entry away.
pub(in crate::template) async fn delete_in(tx: &Tx, template: TemplateId, subject: Subject) -> Result<()> {
    let statement = Query::delete()
        .from_table(Entity)
        .and_where(Expr::col(Column::TemplateId).eq(template))
        .and_where(subject.is_named())
        .take();
    tx.delete(&statement).await?;
    Ok(())
}
