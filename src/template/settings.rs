//! Settings of templates: changed by those who may change the template, and kept to by every workspace that is made.

use guildhall_entity::id::{OrganizationId, TemplateId, TemplateVersionId};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::LockType;
use serde_json::json;

use super::store::settings as store;
use super::{SettingsRow, TemplateRow, access};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Error, Refusal, Result};
use crate::name::{self, Slug};

/// The shortest time of a setting, in seconds.
const TIME_MIN: i32 = 60;
/// The longest: a year.
const TIME_MAX: i32 = 365 * 24 * 60 * 60;
/// All bits of the days.
const EVERY_DAY: i32 = 0b111_1111;
/// Most workspaces that a limit may allow.
const WORKSPACES_MAX: i32 = 1000;
/// Most weeks between two days on which workspaces stop.
const WEEKS_MAX: i32 = 16;

/// What to set; `None` leaves a field as it is, `Some(None)` sets it back to what it is at first. Times are in seconds.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<Option<String>>,
    pub(crate) description: Option<Option<String>>,
    pub(crate) icon: Option<Option<String>>,
    pub(crate) deprecation_message: Option<Option<String>>,
    pub(crate) default_ttl: Option<Option<i32>>,
    pub(crate) failure_ttl: Option<Option<i32>>,
    pub(crate) dormant_after: Option<Option<i32>>,
    pub(crate) dormant_delete_after: Option<Option<i32>>,
    pub(crate) autostart_days: Option<Option<i32>>,
    pub(crate) autostop_days: Option<Option<i32>>,
    pub(crate) autostop_weeks: Option<Option<i32>>,
    pub(crate) allow_user_ttl: Option<Option<bool>>,
    pub(crate) require_active_version: Option<Option<bool>>,
    pub(crate) allow_user_cancel: Option<Option<bool>>,
    pub(crate) max_workspaces_per_user: Option<Option<i32>>,
    pub(crate) expected_version: Option<i32>,
}

/// The settings of a template of which nothing was said.
fn at_first(id: TemplateId) -> SettingsRow {
    SettingsRow {
        id,
        default_ttl_ms: None,
        failure_ttl_ms: None,
        dormant_after_ms: None,
        dormant_delete_after_ms: None,
        autostart_days: EVERY_DAY,
        autostop_days: 0,
        autostop_weeks: 1,
        allow_user_ttl: true,
        require_active_version: false,
        allow_user_cancel: true,
        max_workspaces_per_user: None,
    }
}

impl Patch {
    /// A new template, and its settings.
    ///
    /// # Errors
    /// Every rule that a value breaks.
    pub(super) fn found(
        mut self,
        id: TemplateId,
        organization: OrganizationId,
        now: DateTimeUtc,
    ) -> Result<(TemplateRow, SettingsRow)> {
        let mut template = TemplateRow {
            id,
            organization_id: organization,
            name: String::new(),
            display_name: String::new(),
            description: String::new(),
            icon: String::new(),
            active_version_id: None,
            deprecation_message: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut settings = at_first(id);
        self.name.get_or_insert_default();
        self.display_name.get_or_insert_default();
        self.apply(&mut template, &mut settings)?;
        Ok((template, settings))
    }

    /// What the template and its settings would be.
    ///
    /// # Errors
    /// Every rule that a value breaks.
    fn apply(self, template: &mut TemplateRow, settings: &mut SettingsRow) -> Result<()> {
        let mut refusals = Vec::new();
        let mut take = |outcome: Result<(), Refusal>| refusals.extend(outcome.err());
        take(self.name.map_or(Ok(()), |name| {
            template.name = Slug::parse(&["name"], &name)?.into();
            Ok(())
        }));
        // Where the name was refused there is nothing to fall back to.
        if let Some((text, slug)) = self.display_name.zip(Slug::parse(&["name"], &template.name).ok()) {
            take(name::display_name(&["displayName"], text.as_deref(), &slug).map(|text| {
                template.display_name = text;
            }));
        }
        take(self.description.map_or(Ok(()), |text| {
            template.description = name::description(&["description"], &text.unwrap_or_default())?;
            Ok(())
        }));
        take(self.icon.map_or(Ok(()), |text| {
            template.icon = name::icon(&["icon"], &text.unwrap_or_default())?;
            Ok(())
        }));
        take(self.deprecation_message.map_or(Ok(()), |text| {
            template.deprecation_message =
                name::description(&["deprecationMessage"], &text.unwrap_or_default())?;
            Ok(())
        }));
        take(time(&mut settings.default_ttl_ms, "defaultTtlSeconds", self.default_ttl));
        take(time(&mut settings.failure_ttl_ms, "failureTtlSeconds", self.failure_ttl));
        take(time(&mut settings.dormant_after_ms, "dormantAfterSeconds", self.dormant_after));
        take(time(
            &mut settings.dormant_delete_after_ms,
            "dormantDeleteAfterSeconds",
            self.dormant_delete_after,
        ));
        let first = at_first(settings.id);
        set(&mut settings.autostop_weeks, self.autostop_weeks, first.autostop_weeks);
        take(within("autostopWeeks", "weeks", settings.autostop_weeks, 1, WEEKS_MAX));
        if let Some(limit) = self.max_workspaces_per_user {
            take(limit.map_or(Ok(()), |limit| {
                within("maxWorkspacesPerUser", "workspaces", limit, 1, WORKSPACES_MAX)
            }));
            settings.max_workspaces_per_user = limit;
        }
        set(&mut settings.autostart_days, self.autostart_days, first.autostart_days);
        set(&mut settings.autostop_days, self.autostop_days, first.autostop_days);
        set(&mut settings.allow_user_ttl, self.allow_user_ttl, first.allow_user_ttl);
        set(&mut settings.require_active_version, self.require_active_version, first.require_active_version);
        set(&mut settings.allow_user_cancel, self.allow_user_cancel, first.allow_user_cancel);
        if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
    }
}

/// Sets a field to what is given, or back to what it is at first.
fn set<T>(field: &mut T, given: Option<Option<T>>, at_first: T) {
    if let Some(given) = given {
        *field = given.unwrap_or(at_first);
    }
}

fn time(milliseconds: &mut Option<i64>, field: &str, given: Option<Option<i32>>) -> Result<(), Refusal> {
    if let Some(seconds) = given {
        seconds.map_or(Ok(()), |seconds| within(field, "seconds", seconds, TIME_MIN, TIME_MAX))?;
        *milliseconds = seconds.map(|seconds| i64::from(seconds) * 1000);
    }
    Ok(())
}

fn within(field: &str, unit: &str, value: i32, min: i32, max: i32) -> Result<(), Refusal> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Refusal::invalid(&[field], format!("between {min} and {max} {unit}, got {value}")))
}

/// Changes a template.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; refusals for a stale version, a name in use and values that break a rule.
pub(crate) async fn update(db: &Db, actor: &Actor, template: &TemplateRow, patch: Patch) -> Result<()> {
    let organization = template.organization_id;
    let permit = access::admit(db, actor, template, Permission::TemplateUpdate).await?;
    let tx = db.begin(permit).await?;
    let found = store::for_update_in(&tx, template.id).await?;
    let (current, settings) = found.ok_or_else(|| Refusal::not_found(&["templateId"], "template"))?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    let (mut next, mut next_settings) = (current.clone(), settings.clone());
    patch.apply(&mut next, &mut next_settings)?;
    let (before, after) = (described(&current, &settings), described(&next, &next_settings));
    let name = next.name.as_str();
    let change = Change::new(
        Action::Update,
        Resource::Template,
        Some(organization),
        template.id,
        name,
        &before,
        &after,
    );
    if change.alters() {
        store::update_in(&tx, &next, &next_settings)
            .await
            .on_violation("uq_template_name", || Refusal::name_taken(&["name"], "template", &next.name))?;
    }
    tx.commit(change).await
}

pub(super) fn described(template: &TemplateRow, settings: &SettingsRow) -> Facts {
    facts(json!({
        "name": template.name,
        "displayName": template.display_name,
        "description": template.description,
        "icon": template.icon,
        "deprecationMessage": template.deprecation_message,
        "defaultTtlMs": settings.default_ttl_ms,
        "failureTtlMs": settings.failure_ttl_ms,
        "dormantAfterMs": settings.dormant_after_ms,
        "dormantDeleteAfterMs": settings.dormant_delete_after_ms,
        "autostartDays": settings.autostart_days,
        "autostopDays": settings.autostop_days,
        "autostopWeeks": settings.autostop_weeks,
        "allowUserTtl": settings.allow_user_ttl,
        "requireActiveVersion": settings.require_active_version,
        "allowUserCancel": settings.allow_user_cancel,
        "maxWorkspacesPerUser": settings.max_workspaces_per_user,
    }))
}

/// The settings of templates that the actor can see.
pub(crate) async fn of(db: &Db, actor: &Actor, templates: &[TemplateId]) -> Result<Vec<SettingsRow>> {
    store::of(db, actor, templates).await
}

/// What is to be made of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Making {
    /// A workspace.
    Workspace,
    /// Another build of a workspace that brings it up.
    Start,
}

/// Asks whether the transaction's actor may make this of a version, by the template's settings; the template can't be
/// deleted until the transaction ends. Those who may change the template are held by none of it but its end.
///
/// # Errors
/// Refusals for a template that is gone or deprecated, and for a version that is not the active one where that is required.
pub(crate) async fn admit_in(
    tx: &Tx,
    template: TemplateId,
    version: TemplateVersionId,
    making: Making,
) -> Result<SettingsRow> {
    // Whoever makes another version the active one tells the workspaces that there are, and waits for those that are just
    // being made. A start may not wait for them: it has locked its workspace.
    let lock = match making {
        Making::Workspace => LockType::Share,
        Making::Start => LockType::KeyShare,
    };
    let (terms, settings) = store::terms_in(tx, template, lock)
        .await?
        .ok_or_else(|| Refusal::not_found(&["templateId"], "template"))?;
    let refusal = if making == Making::Workspace && !terms.deprecation_message.is_empty() {
        let message =
            format!("the template is deprecated, no workspace is made of it: {}", terms.deprecation_message);
        Refusal::conflict(&["templateId"], message)
    } else if settings.require_active_version && terms.active_version_id != Some(version) {
        let message = "the template requires its active version: choose that one, or leave the version out when you \
                       create; update the workspace to it when you start";
        Refusal::conflict(&["templateVersionId"], message)
    } else {
        return Ok(settings);
    };
    match access::may_change_in(tx, terms.organization_id, template).await? {
        true => Ok(settings),
        false => Err(refusal.into()),
    }
}

/// The settings of a template that workspaces keep to, as the transaction sees them. `None` when it was deleted.
pub(crate) async fn in_force_in(tx: &Tx, template: TemplateId) -> Result<Option<SettingsRow>> {
    Ok(store::terms_in(tx, template, LockType::KeyShare).await?.map(|(_, settings)| settings))
}

/// Whether owners of workspaces of the template may cancel builds that run, as the transaction sees it.
pub(crate) async fn owners_cancel_in(tx: &Tx, template: TemplateId) -> Result<bool> {
    Ok(store::terms_in(tx, template, LockType::KeyShare)
        .await?
        .is_none_or(|(_, settings)| settings.allow_user_cancel))
}
