//! How the settings of templates look.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Enum, Object};
use guildhall_entity::id::TemplateId;

use crate::error::{Error, Result};
use crate::graphql::context::Loaders;
use crate::template::{SettingsRow, settings};

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

    pub(super) fn bits(days: &[Self]) -> i32 {
        days.iter().fold(0, |bits, day| bits | day.bit())
    }
}

/// Settings; loaded for all templates of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SettingsOf(pub(super) TemplateId);

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
