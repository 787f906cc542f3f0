//! How access lists of templates are read: who is named, who could be, and what a group reaches.

use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::AclRole;
use guildhall_entity::template_acl::{Column, Entity};
use guildhall_entity::{group, organization_member, template, user};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{
    Condition, DynIden, Expr, ExprTrait, IntoIden, JoinType, Query, SelectStatement, UnionType,
};

use super::access::administered;
use super::template::{TemplateOrder, TemplateRow};
use crate::authz::{Actor, Permission};
use crate::db::covered;
use crate::db::list::{Completion, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
use crate::db::search::{Term, matches};
use crate::group::GroupRow;
use crate::user::UserRow;

row! {
    /// An entry of an access list.
    pub(crate) struct EntryRow {
        organization_id: OrganizationId,
        role: AclRole,
        created_at: DateTimeUtc,
    }
}

/// Which entries of a template's access list, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct EntryList {
    pub(crate) query: Option<Term>,
    pub(crate) role: Option<AclRole>,
    /// None at all: no entry gives nothing.
    pub(crate) nothing: bool,
    pub(crate) order: EntryOrder,
}

/// Orders of entries of an access list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "TemplateAccessOrder")]
pub(crate) enum EntryOrder {
    /// Oldest first. The default.
    #[default]
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

impl List for EntryList {
    /// An entry, and the user or the group that it names.
    type Row = (EntryRow, (Option<UserRow>, Option<GroupRow>));

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select()
            .from_as(Entity, "acl")
            .join_as(
                JoinType::InnerJoin,
                template::Entity,
                "t",
                Expr::col(("t", template::Column::Id)).equals(("acl", Column::TemplateId)),
            )
            .cond_where(administered(actor))
            .take();
        named(&mut statement, ("acl", "user_id"), ("acl", "group_id"));
        if let Some(query) = &self.query {
            statement.cond_where(matches(
                query,
                &[("u", "username"), ("u", "name_folded"), ("g", "name"), ("g", "display_name_folded")],
            ));
        }
        if self.nothing {
            statement.and_where(Expr::val(1).eq(0));
        }
        if let Some(role) = self.role {
            statement.and_where(Expr::col(("acl", Column::Role)).eq(role.as_str()));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<EntryRow>(statement, "acl");
        select::<UserRow>(statement, "u");
        select::<GroupRow>(statement, "g");
    }

    fn keyset(&self) -> Keyset {
        // Ids grow with time.
        const ID: &[Key] = &[Key::id("acl", "id")];
        Keyset { tag: "template_acl", keys: ID, descending: self.order == EntryOrder::CreatedAtDesc }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("acl", "template_id")
    }
}

/// Joins the user as `u` and the group as `g`.
fn named(
    statement: &mut SelectStatement,
    user_id: (&'static str, &'static str),
    group_id: (&'static str, &'static str),
) {
    statement
        .join_as(JoinType::LeftJoin, user::Entity, "u", Expr::col(("u", user::Column::Id)).equals(user_id))
        .join_as(
            JoinType::LeftJoin,
            group::Entity,
            "g",
            Expr::col(("g", group::Column::Id)).equals(group_id),
        );
}

row! {
    /// Where somebody could be added.
    pub(crate) struct CandidateRow {
        organization_id: OrganizationId,
    }
}

/// Members and groups of a template's organization that its access list does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CandidateList {
    pub(crate) query: Option<Term>,
    pub(crate) order: CandidateOrder,
}

/// Orders of those who could be put on an access list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "TemplateAccessCandidateOrder")]
pub(crate) enum CandidateOrder {
    /// By name, a to z. The default.
    #[default]
    NameAsc,
    /// By name, z to a.
    NameDesc,
}

impl List for CandidateList {
    type Row = (CandidateRow, (Option<UserRow>, Option<GroupRow>));

    fn source(&self, actor: &Actor) -> SelectStatement {
        use organization_member::Column as Member;
        // The template is in both halves: it leaves those of its own organization, whoever asks.
        let half = |table: DynIden, alias: &'static str, permission: Permission| {
            let organization = Expr::col((alias, "organization_id"));
            let on = organization.clone().equals(("t", template::Column::OrganizationId));
            Query::select()
                .expr_as(Expr::col(("t", template::Column::Id)), "template_id")
                .column((alias, "organization_id"))
                .from_as(template::Entity, "t")
                .join_as(JoinType::InnerJoin, table, alias, on)
                .cond_where(administered(actor))
                .cond_where(covered(&actor.reach(permission), organization, None))
                .take()
        };
        let mut candidates = half(organization_member::Entity.into_iden(), "m", Permission::MemberRead);
        candidates
            .expr_as(Expr::col(("m", Member::UserId)), "id")
            .expr_as(Expr::col(("m", Member::Username)), "name");
        let mut groups = half(group::Entity.into_iden(), "gr", Permission::GroupRead);
        groups.columns([("gr", group::Column::Id), ("gr", group::Column::Name)]);
        candidates.union(UnionType::All, groups);
        let listed = Query::select()
            .expr(Expr::val(1))
            .from_as(Entity, "acl")
            .and_where(Expr::col(("acl", Column::TemplateId)).equals(("c", "template_id")))
            .cond_where(
                Condition::any()
                    .add(Expr::col(("acl", Column::UserId)).equals(("c", "id")))
                    .add(Expr::col(("acl", Column::GroupId)).equals(("c", "id"))),
            )
            .take();
        let mut statement =
            Query::select().from_subquery(candidates, "c").and_where(Expr::exists(listed).not()).take();
        if let Some(query) = &self.query {
            let called = Condition::any()
                .add(matches(query, &[("c", "name")]))
                .add(is_called(user::Entity.into_iden(), matches(query, &[("x", "name_folded")])))
                .add(is_called(group::Entity.into_iden(), matches(query, &[("x", "display_name_folded")])));
            statement.cond_where(called);
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<CandidateRow>(statement, "c");
        statement.column(("c", "id"));
    }

    const COMPLETION: Option<Completion> = Some(|page| {
        let mut statement = Query::select().from_subquery(page, "page").take();
        // An id is that of a user or of a group, never of both.
        named(&mut statement, ("page", "id"), ("page", "id"));
        select::<CandidateRow>(&mut statement, "page");
        select::<UserRow>(&mut statement, "u");
        select::<GroupRow>(&mut statement, "g");
        statement
    });

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("c", "name"), Key::id("c", "id")];
        let descending = self.order == CandidateOrder::NameDesc;
        Keyset { tag: "template_acl.candidate", keys: NAME, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("c", "template_id")
    }
}

/// The candidate `c` is in a table as `x` with what is asked of it there.
fn is_called(table: DynIden, asked: Condition) -> Expr {
    let called = Query::select()
        .expr(Expr::val(1))
        .from_as(table, "x")
        .and_where(Expr::col(("x", "id")).equals(("c", "id")))
        .cond_where(asked)
        .limit(1)
        .take();
    // Not `exists`: PostgreSQL may answer that of all at once, and read every user and group of the deployment for it.
    Expr::val(1).eq(called)
}

row! {
    /// What a group's members may do with a template.
    pub(crate) struct EffectiveRow {
        role: AclRole,
    }
}

/// Which templates that a group's members may use or administer by its entry or by Everyone's, of those whose access list
/// the actor may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct GroupTemplateList {
    pub(crate) query: Option<Term>,
    /// What its members may do, `Some(None)`: nothing, which gives none.
    pub(crate) role: Option<Option<AclRole>>,
    pub(crate) order: TemplateOrder,
}

impl List for GroupTemplateList {
    type Row = (TemplateRow, EffectiveRow);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select()
            .from_as(group::Entity, "of")
            .join_as(
                JoinType::InnerJoin,
                template::Entity,
                "t",
                Expr::col(("t", template::Column::OrganizationId))
                    .equals(("of", group::Column::OrganizationId)),
            )
            .cond_where(administered(actor))
            .and_where(Expr::exists(of_group(None)))
            .take();
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("t", "name"), ("t", "display_name_folded")]));
        }
        let administers = || Expr::exists(of_group(Some(AclRole::Admin)));
        match self.role {
            None => {}
            Some(None) => _ = statement.and_where(Expr::val(1).eq(0)),
            Some(Some(AclRole::Admin)) => _ = statement.and_where(administers()),
            Some(Some(AclRole::Use)) => _ = statement.and_where(administers().not()),
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<TemplateRow>(statement, "t");
        let admin = Expr::exists(of_group(Some(AclRole::Admin)));
        statement.expr(Expr::case(admin, AclRole::Admin.as_str()).finally(AclRole::Use.as_str()));
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("t", "name"), Key::id("t", "id")];
        const CREATED_AT: &[Key] = &[Key::time("t", "created_at"), Key::id("t", "id")];
        let (tag, keys, descending) = match self.order {
            TemplateOrder::NameAsc => ("group.template", NAME, false),
            TemplateOrder::NameDesc => ("group.template", NAME, true),
            TemplateOrder::CreatedAtAsc => ("group.template.created_at", CREATED_AT, false),
            TemplateOrder::CreatedAtDesc => ("group.template.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("of", "id")
    }
}

/// Entries of `t` that name the group `of` or Everyone.
fn of_group(role: Option<AclRole>) -> SelectStatement {
    let mut statement = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, "acl")
        .and_where(Expr::col(("acl", Column::TemplateId)).equals(("t", template::Column::Id)))
        .cond_where(
            Condition::any()
                .add(Expr::col(("acl", Column::GroupId)).equals(("of", group::Column::Id)))
                .add(Expr::col(("acl", Column::GroupId)).equals(("of", group::Column::OrganizationId))),
        )
        .take();
    if let Some(role) = role {
        statement.and_where(Expr::col(("acl", Column::Role)).eq(role.as_str()));
    }
    statement
}
