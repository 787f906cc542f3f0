//! How the settings of templates look.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Enum, InputObject, MaybeUndefined, Object};
use guildhall_entity::id::TemplateId;

use crate::error::{Error, Result};
use crate::graphql::context::Loaders;
use crate::template::SettingsRow;
use crate::template::settings::{self, Patch};

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum DayOfWeek {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl DayOfWeek {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    fn of(bits: i32) -> Vec<Self> {
        Self::ALL.into_iter().filter(|day| bits & day.bit() != 0).collect()
    }

    fn bit(self) -> i32 {
        1 << self as i32
    }

    fn bits(days: &[Self]) -> i32 {
        days.iter().fold(0, |bits, day| bits | day.bit())
    }
}

/// What can be said of a template when it is made, and changed later. Its fields are those of the inputs that hold it.
#[derive(Clone, InputObject)]
pub(super) struct TemplateSettingsInput {
    /// At most 64 characters; null or empty falls back to the name.
    display_name: MaybeUndefined<String>,
    /// At most 500 characters; null empties it.
    description: MaybeUndefined<String>,
    /// An emoji, `https:` URL or site path; null empties it.
    icon: MaybeUndefined<String>,
    /// Why nobody should use it any more, at most 500 characters: no new workspace is made of it then, but by those who may
    /// change it. Null or empty takes that back.
    deprecation_message: MaybeUndefined<String>,
    /// After how many seconds a workspace stops where its owner has set nothing else; null = never.
    default_ttl_seconds: MaybeUndefined<i32>,
    /// Whether owners may set when their workspaces stop; null = true.
    allow_user_ttl: MaybeUndefined<bool>,
    /// Days on which workspaces may start by their schedules; null = all.
    autostart_days: MaybeUndefined<Vec<DayOfWeek>>,
    /// Days at whose end every workspace stops; null = none.
    autostop_days: MaybeUndefined<Vec<DayOfWeek>>,
    /// In every how manieth week `autostopDays` hold, 1–16; null = 1.
    autostop_weeks: MaybeUndefined<i32>,
    /// After how many seconds a workspace whose start failed is stopped; null = never.
    failure_ttl_seconds: MaybeUndefined<i32>,
    /// After how many seconds without use a workspace becomes dormant; null = never.
    dormant_after_seconds: MaybeUndefined<i32>,
    /// After how many seconds a dormant workspace is deleted; null = never.
    dormant_delete_after_seconds: MaybeUndefined<i32>,
    /// Whether workspaces start from the active version alone, but for those who may change the template; null = false.
    require_active_version: MaybeUndefined<bool>,
    /// Whether owners may cancel builds of their workspaces that run; null = true.
    allow_user_cancel: MaybeUndefined<bool>,
    /// How many workspaces of the template a person may own, 1–1000; null = any number. More than that stay where they are.
    max_workspaces_per_user: MaybeUndefined<i32>,
}

impl TemplateSettingsInput {
    /// The same as a change.
    pub(super) fn patch(self) -> Patch {
        let days = |given| field(given).map(|days| days.as_deref().map(DayOfWeek::bits));
        Patch {
            name: None,
            display_name: field(self.display_name),
            description: field(self.description),
            icon: field(self.icon),
            deprecation_message: field(self.deprecation_message),
            default_ttl: field(self.default_ttl_seconds),
            failure_ttl: field(self.failure_ttl_seconds),
            dormant_after: field(self.dormant_after_seconds),
            dormant_delete_after: field(self.dormant_delete_after_seconds),
            autostart_days: days(self.autostart_days),
            autostop_days: days(self.autostop_days),
            autostop_weeks: field(self.autostop_weeks),
            allow_user_ttl: field(self.allow_user_ttl),
            require_active_version: field(self.require_active_version),
            allow_user_cancel: field(self.allow_user_cancel),
            max_workspaces_per_user: field(self.max_workspaces_per_user),
            expected_version: None,
        }
    }
}

/// A field that may be absent, or null.
fn field<T>(given: MaybeUndefined<T>) -> Option<Option<T>> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// Settings; loaded for all templates of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SettingsOf(pub(super) TemplateId);

#[async_trait::async_trait]
impl Loader<SettingsOf> for Loaders {
    type Value = SettingsRow;
    type Error = Error;

    async fn load(&self, keys: &[SettingsOf]) -> Result<HashMap<SettingsOf, SettingsRow>> {
        let templates: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = settings::of(&self.db, &self.actor, &templates).await?;
        Ok(rows.into_iter().map(|row| (SettingsOf(row.id), row)).collect())
    }
}

/// Settings.
pub(crate) struct TemplateSettings(pub(super) SettingsRow);

fn seconds(milliseconds: Option<i64>) -> Option<i64> {
    milliseconds.map(|milliseconds| milliseconds / 1000)
}

/// What holds for workspaces of a template. Visible with the template.
#[Object]
impl TemplateSettings {
    /// After how many seconds a workspace stops where its owner has set nothing else; null = never.
    async fn default_ttl_seconds(&self) -> Option<i64> {
        seconds(self.0.default_ttl_ms)
    }

    /// Whether owners may set when their workspaces stop; else `defaultTtlSeconds` holds for all. True at first.
    async fn allow_user_ttl(&self) -> bool {
        self.0.allow_user_ttl
    }

    /// Days on which workspaces may start by their schedules; all at first, none = no schedule starts anything.
    async fn autostart_days(&self) -> Vec<DayOfWeek> {
        DayOfWeek::of(self.0.autostart_days)
    }

    /// Days on which every workspace stops at the end of the day, so that it takes up what is new; none at first.
    async fn autostop_days(&self) -> Vec<DayOfWeek> {
        DayOfWeek::of(self.0.autostop_days)
    }

    /// In every how manieth week `autostopDays` hold: 1 (every week) at first, at most 16.
    async fn autostop_weeks(&self) -> i32 {
        self.0.autostop_weeks
    }

    /// After how many seconds a workspace whose start failed is stopped; null = never.
    async fn failure_ttl_seconds(&self) -> Option<i64> {
        seconds(self.0.failure_ttl_ms)
    }

    /// After how many seconds without use a workspace becomes dormant; null = never.
    async fn dormant_after_seconds(&self) -> Option<i64> {
        seconds(self.0.dormant_after_ms)
    }

    /// After how many seconds a dormant workspace is deleted; null = never.
    async fn dormant_delete_after_seconds(&self) -> Option<i64> {
        seconds(self.0.dormant_delete_after_ms)
    }

    /// Whether workspaces start from the active version alone, but for those who may change the template. False at first.
    async fn require_active_version(&self) -> bool {
        self.0.require_active_version
    }

    /// Whether owners may cancel builds of their workspaces that run; else only those who may cancel any job of the
    /// organization. True at first.
    async fn allow_user_cancel(&self) -> bool {
        self.0.allow_user_cancel
    }

    /// How many workspaces of the template a person may own; null = any number.
    async fn max_workspaces_per_user(&self) -> Option<i32> {
        self.0.max_workspaces_per_user
    }
}
