//! `templates edit` and `templates delete`.

use std::str::FromStr;

use clap::Args;
use guildhall_client::template_change::{DayOfWeek, OrNull, TemplateSettings, UpdateTemplateInput};
use serde_json::json;

use super::find;
use crate::change::{Expected, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::output::{Value, yes_or_no};

/// The arguments of `guildhall templates edit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are numbers with a unit (30m, 8h, 7d), or `none`. Days are names joined by commas (mon,tue), `all` or `none`.

Examples:
  guildhall templates edit docker-dev --default-ttl 8h --max-workspaces 3
  guildhall templates edit docker-dev --autostart-days mon,tue,wed,thu,fri --dormant-after 14d
  guildhall templates edit docker-dev --deprecate 'use podman-dev'")]
pub struct Edit {
    /// NAME or ORG/NAME
    name: Scoped,
    /// The new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Name for people, at most 64 characters
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// At most 500 characters
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An emoji, an https: URL or a site path
    #[arg(long, value_name = "ICON")]
    icon: Option<String>,
    /// Why nobody should use it any more; an empty text takes that back
    #[arg(long, value_name = "TEXT")]
    deprecate: Option<String>,
    /// Until a workspace stops where its owner has set nothing else
    #[arg(long, value_name = "TIME")]
    default_ttl: Option<Time>,
    /// Whether owners may set when their workspaces stop
    #[arg(long, value_name = "BOOL")]
    allow_user_ttl: Option<bool>,
    /// Days on which workspaces may start by their schedules
    #[arg(long, value_name = "DAYS")]
    autostart_days: Option<Days>,
    /// Days at whose end every workspace stops
    #[arg(long, value_name = "DAYS")]
    autostop_days: Option<Days>,
    /// In every how manieth week they do, 1–16
    #[arg(long, value_name = "N")]
    autostop_weeks: Option<i32>,
    /// Until a workspace whose start failed is stopped
    #[arg(long, value_name = "TIME")]
    failure_ttl: Option<Time>,
    /// Until a workspace nobody uses becomes dormant
    #[arg(long, value_name = "TIME")]
    dormant_after: Option<Time>,
    /// Until a dormant workspace is deleted
    #[arg(long, value_name = "TIME")]
    dormant_delete_after: Option<Time>,
    /// Whether workspaces start from the active version alone
    #[arg(long, value_name = "BOOL")]
    require_active_version: Option<bool>,
    /// Whether owners may cancel builds of their workspaces that run
    #[arg(long, value_name = "BOOL")]
    allow_user_cancel: Option<bool>,
    /// How many workspaces of it a person may own, or `none` for any number
    #[arg(long, value_name = "N")]
    max_workspaces: Option<Limit>,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    expected: Expected,
}

/// Seconds, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(Option<i32>);

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a time such as 30m, 8h or 7d, or `none`";
        if text == "none" {
            return Ok(Self(None));
        }
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(EXPECTED),
        };
        let number: i32 = text[..text.len() - 1].parse().map_err(|_| EXPECTED)?;
        Ok(Self(Some(number.checked_mul(unit).ok_or("the time is too long")?)))
    }
}

/// Some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Days(Vec<DayOfWeek>);

const DAYS: [(&str, DayOfWeek); 7] = [
    ("mon", DayOfWeek::Monday),
    ("tue", DayOfWeek::Tuesday),
    ("wed", DayOfWeek::Wednesday),
    ("thu", DayOfWeek::Thursday),
    ("fri", DayOfWeek::Friday),
    ("sat", DayOfWeek::Saturday),
    ("sun", DayOfWeek::Sunday),
];

impl FromStr for Days {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = |name: &str| {
            let found = DAYS.iter().find(|(day, _)| name.trim().eq_ignore_ascii_case(day));
            found.map(|(_, day)| *day).ok_or("expected days such as mon,tue, or `all` or `none`")
        };
        Ok(Self(match text {
            "all" => DAYS.iter().map(|(_, day)| *day).collect(),
            "none" => Vec::new(),
            names => names.split(',').map(day).collect::<Result<_, _>>()?,
        }))
    }
}

/// A number, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(Option<i32>);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self(None)),
            number => {
                number.parse().map(|number| Self(Some(number))).map_err(|_| "expected a number or `none`")
            }
        }
    }
}

impl Edit {
    /// Whether anything is to change.
    fn changes(&self) -> bool {
        let texts = [&self.rename, &self.display_name, &self.description, &self.icon, &self.deprecate];
        let times = [self.default_ttl, self.failure_ttl, self.dormant_after, self.dormant_delete_after];
        let flags = [self.allow_user_ttl, self.require_active_version, self.allow_user_cancel];
        texts.into_iter().any(Option::is_some)
            || times.into_iter().any(|time| time.is_some())
            || flags.into_iter().any(|flag| flag.is_some())
            || [&self.autostart_days, &self.autostop_days].into_iter().any(Option::is_some)
            || self.autostop_weeks.is_some()
            || self.max_workspaces.is_some()
    }

    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        something(self.changes(), "templates edit")?;
        let client = context.client()?;
        let template = find(&client, &self.name, &self.organization).await?;
        let current = client.template_settings(&template.id).await?;
        let time = |time: Option<Time>| time.map(|Time(seconds)| OrNull(seconds));
        let input = UpdateTemplateInput {
            template_id: template.id.clone(),
            name: self.rename,
            display_name: self.display_name,
            description: self.description,
            icon: self.icon,
            deprecation_message: self.deprecate,
            default_ttl_seconds: time(self.default_ttl),
            allow_user_ttl: self.allow_user_ttl,
            autostart_days: self.autostart_days.map(|days| days.0),
            autostop_days: self.autostop_days.map(|days| days.0),
            autostop_weeks: self.autostop_weeks,
            failure_ttl_seconds: time(self.failure_ttl),
            dormant_after_seconds: time(self.dormant_after),
            dormant_delete_after_seconds: time(self.dormant_delete_after),
            require_active_version: self.require_active_version,
            allow_user_cancel: self.allow_user_cancel,
            max_workspaces_per_user: self.max_workspaces.map(|Limit(limit)| OrNull(limit)),
            expected_version: Some(self.expected.or(current.version)),
        };
        let changed = client.update_template(input).await?;
        let settings = client.template_settings(&changed.id).await?.settings;
        if context.output.is_json() {
            let mut object = json!(changed);
            object["settings"] = json!(settings);
            return context.output.json(&object);
        }
        let rows = super::rows(&changed).into_iter().chain(rows(&settings)).collect();
        context.output.object(&changed, rows)
    }
}

/// The settings, for people.
pub(super) fn rows(settings: &TemplateSettings) -> Vec<(&'static str, Value)> {
    let time = |seconds: Option<i32>| seconds.map_or_else(|| "never".to_owned(), span);
    let limit =
        settings.max_workspaces_per_user.map_or_else(|| "any number".to_owned(), |limit| limit.to_string());
    let autostop = match (settings.autostop_days.as_slice(), settings.autostop_weeks) {
        ([], _) => "none".to_owned(),
        (days, 1) => names(days),
        (days, weeks) => format!("{} of every {weeks} weeks", names(days)),
    };
    vec![
        ("Stops after", time(settings.default_ttl_seconds).into()),
        ("Owners set that", yes_or_no(settings.allow_user_ttl)),
        ("Autostart on", names(&settings.autostart_days).into()),
        ("Stops at the end of", autostop.into()),
        ("Failed stops after", time(settings.failure_ttl_seconds).into()),
        ("Dormant after", time(settings.dormant_after_seconds).into()),
        ("Then deleted after", time(settings.dormant_delete_after_seconds).into()),
        ("Active version only", yes_or_no(settings.require_active_version)),
        ("Owners cancel builds", yes_or_no(settings.allow_user_cancel)),
        ("Workspaces a person", limit.into()),
    ]
}

fn names(days: &[DayOfWeek]) -> String {
    if days.len() == DAYS.len() {
        return "all days".to_owned();
    }
    let name = |day: &DayOfWeek| DAYS.iter().find(|(_, one)| one == day).map_or("", |(name, _)| name);
    if days.is_empty() { "none".to_owned() } else { days.iter().map(name).collect::<Vec<_>>().join(", ") }
}

fn span(seconds: i32) -> String {
    match seconds {
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

pub(super) async fn delete(
    context: &Context,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    context.confirm(&format!("the template {}", template.name), &template.name)?;
    client.delete_template(&template.id).await?;
    context.output.done(&template, &format!("Deleted the template {}.", template.name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("30m", Some(1800))]
    #[case("8h", Some(28_800))]
    #[case("7d", Some(604_800))]
    #[case("90s", Some(90))]
    #[case("none", None)]
    fn times_have_a_unit(#[case] text: &str, #[case] seconds: Option<i32>) {
        assert_eq!(text.parse(), Ok(Time(seconds)));
        if let Some(seconds) = seconds {
            assert_eq!(span(seconds), text);
        }
    }

    #[rstest]
    fn other_times_are_refused(#[values("", "8", "h", "8w", "-", "999999999d", "8ä")] text: &str) {
        assert!(text.parse::<Time>().is_err());
    }

    #[test]
    fn days_have_short_names() {
        assert_eq!("Mon,fri".parse(), Ok(Days(vec![DayOfWeek::Monday, DayOfWeek::Friday])));
        assert_eq!("all".parse::<Days>().map(|days| names(&days.0)), Ok("all days".to_owned()));
        assert_eq!("none".parse(), Ok(Days(Vec::new())));
        assert!("monday".parse::<Days>().is_err());
        assert!("".parse::<Days>().is_err());
    }
}
