//! How templates and their access lists are kept.

use guildhall_entity::id::{OrganizationId, TemplateAclId, TemplateId, TemplateVersionId, UserId};
use guildhall_entity::kind::AclRole;
use guildhall_entity::template::{ActiveModel, Column, Entity};
use guildhall_entity::text::Folded;
use guildhall_entity::{template_acl, template_version};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

pub(super) use super::access::visible;
use super::access::{sees_all, visible_parts};
use super::settings::SettingsRow;
use super::version::VersionRow;
use crate::authz::Actor;
use crate::db::Tx;
use crate::db::few::Few;
use crate::db::list::{Find, List, split};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
use crate::db::search::{Term, matches};
use crate::error::Result;

row! {
    /// A template.
    pub(crate) struct TemplateRow {
        id: TemplateId,
        organization_id: OrganizationId,
        name: String,
        display_name: String,
        description: String,
        icon: String,
        active_version_id: Option<TemplateVersionId>,
        deprecation_message: String,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

impl Find for TemplateId {
    type Row = TemplateRow;
    const ID: (&'static str, &'static str) = ("t", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "t").cond_where(visible(actor)).take();
        select::<TemplateRow>(&mut statement, "t");
        statement
    }
}

/// Which templates, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TemplateList {
    pub(crate) name: Option<String>,
    pub(crate) query: Option<Term>,
    pub(crate) organization: Option<OrganizationId>,
    /// An id in the filter does not parse: nothing can match it.
    pub(crate) impossible: bool,
    pub(crate) order: TemplateOrder,
}

/// Orders of templates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum TemplateOrder {
    /// By name, a to z. The default.
    #[default]
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

impl List for TemplateList {
    /// A template with its active version.
    type Row = (TemplateRow, Option<VersionRow>);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = Query::select()
            .from_as(Entity, "t")
            .join_as(
                sea_orm::JoinType::LeftJoin,
                template_version::Entity,
                "v",
                Expr::col(("v", template_version::Column::Id)).equals(("t", Column::ActiveVersionId)),
            )
            .cond_where(visible(actor))
            .take();
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("t", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("t", "name"), ("t", "display_name_folded")]));
        }
        if let Some(organization) = self.organization {
            statement.and_where(Expr::col(("t", Column::OrganizationId)).eq(organization));
        }
        if self.impossible {
            statement.and_where(Expr::val(1).eq(0));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<TemplateRow>(statement, "t");
        select::<VersionRow>(statement, "v");
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("t", "name"), Key::id("t", "id")];
        const CREATED_AT: &[Key] = &[Key::time("t", "created_at"), Key::id("t", "id")];
        let (tag, keys, descending) = match self.order {
            TemplateOrder::NameAsc => ("template.name", NAME, false),
            TemplateOrder::NameDesc => ("template.name", NAME, true),
            TemplateOrder::CreatedAtAsc => ("template.created_at", CREATED_AT, false),
            TemplateOrder::CreatedAtDesc => ("template.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("t", "organization_id")
    }

    fn parts(&self, actor: &Actor) -> Vec<SelectStatement> {
        match self.organization {
            Some(_) => Vec::new(),
            None => split(&self.source(actor), visible_parts(actor)),
        }
    }

    fn few(&self, actor: &Actor) -> Option<Few> {
        let Self { name: None, query: Some(query), organization: None, .. } = self else { return None };
        sees_all(actor).then(|| query.among("template", "t", &["name", "display_name_folded"])).flatten()
    }
}

/// Keeps a new template with its settings.
pub(in crate::template) async fn insert_in(
    tx: &Tx,
    template: &TemplateRow,
    settings: &SettingsRow,
    created_by: UserId,
) -> Result<()> {
    tx.insert(ActiveModel {
        id: Set(template.id),
        organization_id: Set(template.organization_id),
        name: Set(template.name.clone()),
        display_name: Set(template.display_name.clone()),
        display_name_folded: Set(Folded::of(&template.display_name)),
        description: Set(template.description.clone()),
        icon: Set(template.icon.clone()),
        active_version_id: Set(template.active_version_id),
        deprecation_message: Set(template.deprecation_message.clone()),
        default_ttl_ms: Set(settings.default_ttl_ms),
        failure_ttl_ms: Set(settings.failure_ttl_ms),
        dormant_after_ms: Set(settings.dormant_after_ms),
        dormant_delete_after_ms: Set(settings.dormant_delete_after_ms),
        autostart_days: Set(settings.autostart_days),
        autostop_days: Set(settings.autostop_days),
        autostop_weeks: Set(settings.autostop_weeks),
        allow_user_ttl: Set(settings.allow_user_ttl),
        require_active_version: Set(settings.require_active_version),
        allow_user_cancel: Set(settings.allow_user_cancel),
        max_workspaces_per_user: Set(settings.max_workspaces_per_user),
        created_by: Set(created_by),
        version: Set(template.version),
        created_at: Set(template.created_at),
        updated_at: Set(template.updated_at),
        deleted_at: Set(None),
    })
    .await
}

/// Lets everybody in the organization use a template. The Everyone group has the organization's id.
pub(in crate::template) async fn allow_everyone_in(
    tx: &Tx,
    organization: OrganizationId,
    template: TemplateId,
) -> Result<()> {
    tx.insert(template_acl::ActiveModel {
        id: Set(tx.clock().id::<TemplateAclId>()),
        organization_id: Set(organization),
        template_id: Set(template),
        user_id: Set(None),
        group_id: Set(Some(organization.0.into())),
        role: Set(AclRole::Use),
        created_at: Set(tx.clock().now()),
    })
    .await
}

pub(in crate::template) async fn set_active_version_in(
    tx: &Tx,
    template: TemplateId,
    version: TemplateVersionId,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::ActiveVersionId, version)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(template))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
