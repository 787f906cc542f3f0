//! How the settings of templates are kept. They are read only when asked for: pages of workspaces join templates.

use guildhall_entity::id::{OrganizationId, TemplateId, TemplateVersionId};
use guildhall_entity::template::{Column, Entity};
use guildhall_entity::text::Folded;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement};

use super::template::TemplateRow;
use crate::authz::Actor;
use crate::db::row::{row, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

row! {
    /// What holds for workspaces of a template. Times are in milliseconds; days are bits, Monday the lowest.
    pub(crate) struct SettingsRow {
        id: TemplateId,
        default_ttl_ms: Option<i64>,
        failure_ttl_ms: Option<i64>,
        dormant_after_ms: Option<i64>,
        dormant_delete_after_ms: Option<i64>,
        autostart_days: i32,
        autostop_days: i32,
        autostop_weeks: i32,
        allow_user_ttl: bool,
        require_active_version: bool,
        allow_user_cancel: bool,
        max_workspaces_per_user: Option<i32>,
    }
}

row! {
    /// A template's own part of what a workspace must keep to.
    pub(in crate::template) struct TermsRow {
        organization_id: OrganizationId,
        active_version_id: Option<TemplateVersionId>,
        deprecation_message: String,
    }
}

/// The settings of templates that the actor can see.
pub(in crate::template) async fn of(
    db: &Db,
    actor: &Actor,
    templates: &[TemplateId],
) -> Result<Vec<SettingsRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "t")
        .cond_where(super::template::visible(actor))
        .and_where(is_one_of(Expr::col(("t", Column::Id)), templates))
        .take();
    select::<SettingsRow>(&mut statement, "t");
    db.rows(&statement).await
}

/// A live template. Who reads it with a lock keeps it so until the transaction ends: nobody deletes it (`KeyShare`), nobody
/// changes it (`Share`, `NoKeyUpdate`; of the latter there is one), or nobody makes a workspace of it either (`Update`).
fn live(template: TemplateId) -> SelectStatement {
    Query::select()
        .from_as(Entity, "t")
        .and_where(Expr::col(("t", Column::Id)).eq(template))
        .and_where(Expr::col(("t", Column::DeletedAt)).is_null())
        .take()
}

/// What a new workspace or build must keep to, while the template can't be deleted (`KeyShare`) or changed (`Share`). `None`
/// when it was deleted.
pub(in crate::template) async fn terms_in(
    tx: &Tx,
    template: TemplateId,
    lock: LockType,
) -> Result<Option<(TermsRow, SettingsRow)>> {
    let mut statement = live(template);
    select::<TermsRow>(&mut statement, "t");
    select::<SettingsRow>(&mut statement, "t");
    tx.locked(statement, lock).await
}

/// A template and its settings while nobody else changes them. `None` when it was deleted.
pub(in crate::template) async fn for_update_in(
    tx: &Tx,
    template: TemplateId,
) -> Result<Option<(TemplateRow, SettingsRow)>> {
    let mut statement = live(template);
    select::<TemplateRow>(&mut statement, "t");
    select::<SettingsRow>(&mut statement, "t");
    tx.locked(statement, LockType::NoKeyUpdate).await
}

/// Writes what people change, all of it.
pub(in crate::template) async fn update_in(
    tx: &Tx,
    template: &TemplateRow,
    settings: &SettingsRow,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Name, template.name.as_str())
        .value(Column::DisplayName, template.display_name.as_str())
        .value(Column::DisplayNameFolded, Folded::of(&template.display_name))
        .value(Column::Description, template.description.as_str())
        .value(Column::Icon, template.icon.as_str())
        .value(Column::DeprecationMessage, template.deprecation_message.as_str())
        .value(Column::DefaultTtlMs, settings.default_ttl_ms)
        .value(Column::FailureTtlMs, settings.failure_ttl_ms)
        .value(Column::DormantAfterMs, settings.dormant_after_ms)
        .value(Column::DormantDeleteAfterMs, settings.dormant_delete_after_ms)
        .value(Column::AutostartDays, settings.autostart_days)
        .value(Column::AutostopDays, settings.autostop_days)
        .value(Column::AutostopWeeks, settings.autostop_weeks)
        .value(Column::AllowUserTtl, settings.allow_user_ttl)
        .value(Column::RequireActiveVersion, settings.require_active_version)
        .value(Column::AllowUserCancel, settings.allow_user_cancel)
        .value(Column::MaxWorkspacesPerUser, settings.max_workspaces_per_user)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(template.id))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// A template and its settings while nobody makes a workspace of it. `None` when it was deleted.
pub(in crate::template) async fn for_deletion_in(
    tx: &Tx,
    template: TemplateId,
) -> Result<Option<(TemplateRow, SettingsRow)>> {
    let mut statement = live(template);
    select::<TemplateRow>(&mut statement, "t");
    select::<SettingsRow>(&mut statement, "t");
    tx.locked(statement, LockType::Update).await
}
