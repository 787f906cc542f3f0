//! Times for people.

use chrono::{NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use guildhall_client::DateTime;

/// `then` as seen from `now`: "just now", "5m ago", "in 3d"; the date when it is more than a month away.
pub(crate) fn relative(then: DateTime, now: DateTime) -> String {
    let distance = now - then;
    if distance.abs() > TimeDelta::days(30) {
        return then.format("%Y-%m-%d").to_string();
    }
    // What has passed has passed; of what is left, thirty days are not 29 a second later.
    let to_come = distance < TimeDelta::zero();
    match span(distance.abs(), to_come) {
        None => "just now".to_owned(),
        Some(span) if to_come => format!("in {span}"),
        Some(span) => format!("{span} ago"),
    }
}

/// A moment as the API writes it.
pub(crate) fn exact(time: DateTime) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time as people type it: 90m, 4h, 2d. A number alone might be meant in any unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(i32);

impl Span {
    /// In seconds.
    pub(crate) fn seconds(self) -> i32 {
        self.0
    }
}

impl std::str::FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a length of time such as 90m, 4h or 2d";
        let text = text.trim();
        let (number, unit) = match text.chars().last() {
            Some('s') => (&text[..text.len() - 1], 1),
            Some('m') => (&text[..text.len() - 1], 60),
            Some('h') => (&text[..text.len() - 1], 60 * 60),
            Some('d') => (&text[..text.len() - 1], 24 * 60 * 60),
            _ => return Err(EXPECTED),
        };
        let seconds = number.parse::<i32>().ok().and_then(|number| number.checked_mul(unit));
        match seconds {
            Some(seconds @ 1..) => Ok(Self(seconds)),
            _ => Err(EXPECTED),
        }
    }
}

/// What is said of a moment that can't be read; the rest says which spans count from now.
const MOMENT: &str = "expected a time such as 2026-11-24T09:30:00Z, a day such as 2026-11-24 or `today`, `yesterday` or \
    `tomorrow` (each from midnight UTC), or";

/// A moment that has mostly been: a span counts back from now.
pub(crate) fn past(text: &str) -> Result<DateTime, String> {
    moment(text, Utc::now(), -1).ok_or_else(|| format!("{MOMENT} how long ago: 90m, 12h, 2d"))
}

/// A moment that is mostly to come: a span counts from now.
pub(crate) fn future(text: &str) -> Result<DateTime, String> {
    moment(text, Utc::now(), 1).ok_or_else(|| format!("{MOMENT} in how long: 90m, 12h, 30d"))
}

fn moment(text: &str, now: DateTime, sign: i64) -> Option<DateTime> {
    let text = text.trim();
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let today = midnight(now.date_naive());
    match text {
        "now" => return Some(now),
        "today" => return Some(today),
        "yesterday" => return Some(today - TimeDelta::days(1)),
        "tomorrow" => return Some(today + TimeDelta::days(1)),
        _ => {}
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(midnight(day));
    }
    let span = text.parse::<Span>().ok()?;
    Some(now + TimeDelta::seconds(sign * i64::from(span.seconds())))
}

/// The same as people read it, in the largest unit that says it exactly.
pub(crate) fn span_of(seconds: i32) -> String {
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let exact = units.iter().find(|(unit, _)| seconds % unit == 0);
    exact.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// A length in its largest unit, to the nearest of them or as many as are full; `None` is next to nothing.
fn span(length: TimeDelta, nearest: bool) -> Option<String> {
    let milliseconds = length.num_milliseconds();
    let count = |unit: i64| (milliseconds + if nearest { unit * 500 } else { 0 }) / (unit * 1000);
    let (seconds, minutes, hours) = (count(1), count(60), count(60 * 60));
    Some(match (hours, minutes, seconds) {
        (_, _, ..5) => return None,
        (_, _, ..60) => format!("{seconds}s"),
        (_, ..60, _) => format!("{minutes}m"),
        (..24, ..) => format!("{hours}h"),
        _ => format!("{}d", count(24 * 60 * 60)),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90m", 5_400, "90m")]
    #[case("4h", 14_400, "4h")]
    #[case("240m", 14_400, "4h")]
    #[case("2d", 172_800, "2d")]
    #[case("45s", 45, "45s")]
    fn a_span_is_typed_and_read(#[case] typed: &str, #[case] seconds: i32, #[case] read: &str) {
        assert_eq!(typed.parse::<Span>().map(Span::seconds), Ok(seconds));
        assert_eq!(span_of(seconds), read);
    }

    #[rstest]
    fn a_span_has_a_number_and_a_unit(
        #[values("", "h", "45", "-1h", "0", "1w", "1h30m", "99999999d")] typed: &str,
    ) {
        assert!(typed.parse::<Span>().is_err());
    }

    #[rstest]
    #[case("2026-11-24T10:00:00+02:00", "2026-11-24T08:00:00Z")]
    #[case("2026-11-20", "2026-11-20T00:00:00Z")]
    #[case("today", "2026-11-24T00:00:00Z")]
    #[case("yesterday", "2026-11-23T00:00:00Z")]
    #[case("tomorrow", "2026-11-25T00:00:00Z")]
    #[case("now", "2026-11-24T12:30:00Z")]
    #[case("2d", "2026-11-22T12:30:00Z")]
    #[case("90m", "2026-11-24T11:00:00Z")]
    fn a_moment_is_typed_in_several_ways(#[case] typed: &str, #[case] time: &str) {
        let now = "2026-11-24T12:30:00Z".parse().unwrap_or_default();
        assert_eq!(moment(typed, now, -1), time.parse().ok(), "{typed}");
    }

    #[rstest]
    fn another_text_is_refused_with_what_is_accepted(
        #[values("", "soon", "2026", "2026-13-01", "24.11.2026", "2026-11-24T10:00:00")] typed: &str,
    ) {
        let message = past(typed).err().unwrap_or_default();
        assert!(message.contains("2026-11-24") && message.contains("2d"), "{message}");
        assert!(future(typed).is_err());
    }

    #[rstest]
    #[case(0, "just now")]
    #[case(4, "just now")]
    #[case(5, "5s ago")]
    #[case(59, "59s ago")]
    #[case(60, "1m ago")]
    #[case(3_599, "59m ago")]
    #[case(3_600, "1h ago")]
    #[case(86_400, "1d ago")]
    #[case(30 * 86_400, "30d ago")]
    #[case(31 * 86_400, "2023-10-14")]
    #[case(-3_600, "in 1h")]
    #[case(-3_599, "in 1h")]
    #[case(-59, "in 59s")]
    #[case(-89, "in 1m")]
    #[case(-90, "in 2m")]
    #[case(-5_399, "in 1h")]
    #[case(-86_399, "in 1d")]
    #[case(1 - 30 * 86_400, "in 30d")]
    fn the_distance_decides_the_words(#[case] seconds: i64, #[case] words: &str) {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        assert_eq!(relative(now - TimeDelta::seconds(seconds), now), words);
    }
}
