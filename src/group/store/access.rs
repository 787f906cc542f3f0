//! What access lists of templates give a group.

use guildhall_entity::id::{GroupId, TemplateId, UserId};
use guildhall_entity::kind::AclRole;
use guildhall_entity::template;
use guildhall_entity::template_acl::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};

use crate::db::row::One;
use crate::db::{Tx, is_one_of};
use crate::error::Result;

/// What a live template's access list gives a group, and what it gives somebody by another entry.
pub(in crate::group) struct Entry {
    pub(in crate::group) role: AclRole,
    pub(in crate::group) held: Option<AclRole>,
}

/// The entries that name a group, each beside the strongest one that names a user, a group of theirs or Everyone.
pub(in crate::group) async fn of_group_in(
    tx: &Tx,
    group: GroupId,
    user: Option<UserId>,
) -> Result<Vec<Entry>> {
    let live = Expr::col(("t", template::Column::Id)).equals(("acl", Column::TemplateId));
    let entries = Query::select()
        .columns([("acl", Column::TemplateId), ("acl", Column::Role)])
        .from_as(Entity, "acl")
        .join_as(JoinType::InnerJoin, template::Entity, "t", live)
        .and_where(Expr::col(("acl", Column::GroupId)).eq(group))
        .and_where(Expr::col(("t", template::Column::DeletedAt)).is_null())
        .take();
    let entries = tx.rows::<(One<TemplateId>, One<AclRole>)>(&entries).await?;
    let Some(user) = user.filter(|_| !entries.is_empty()) else {
        return Ok(entries.into_iter().map(|(_, role)| Entry { role: role.0, held: None }).collect());
    };
    let theirs = Query::select()
        .column("group_id")
        .from("group_membership")
        .and_where(Expr::col("user_id").eq(user))
        .take();
    let templates: Vec<_> = entries.iter().map(|(template, _)| template.0.0).collect();
    let held = Query::select()
        .columns([Column::TemplateId, Column::Role])
        .from(Entity)
        .and_where(is_one_of(Expr::col(Column::TemplateId), &templates))
        .and_where(Expr::col(Column::UserId).eq(user).or(Expr::col(Column::GroupId).in_subquery(theirs)))
        .take();
    let held = tx.rows::<(One<TemplateId>, One<AclRole>)>(&held).await?;
    let strongest = |of: TemplateId| {
        let roles = || held.iter().filter(|(template, _)| template.0 == of).map(|(_, role)| role.0);
        roles().find(|role| *role == AclRole::Admin).or_else(|| roles().next())
    };
    Ok(entries.iter().map(|(of, role)| Entry { role: role.0, held: strongest(of.0) }).collect())
}
