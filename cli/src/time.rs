//! Times for people.

use chrono::TimeDelta;
use guildhall_client::DateTime;

/// `then` as seen from `now`: "just now", "5m ago", "in 3d"; the date when it is more than a month away.
pub(crate) fn relative(then: DateTime, now: DateTime) -> String {
    let distance = now - then;
    if distance.abs() > TimeDelta::days(30) {
        return then.format("%Y-%m-%d").to_string();
    }
    match span(distance.abs()) {
        None => "just now".to_owned(),
        Some(span) if distance < TimeDelta::zero() => format!("in {span}"),
        Some(span) => format!("{span} ago"),
    }
}

/// A length of time as people type it: 90m, 4h, 2d; 45 alone is seconds.
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
        let text = text.trim();
        let (number, unit) = match text.chars().last() {
            Some('s') => (&text[..text.len() - 1], 1),
            Some('m') => (&text[..text.len() - 1], 60),
            Some('h') => (&text[..text.len() - 1], 60 * 60),
            Some('d') => (&text[..text.len() - 1], 24 * 60 * 60),
            _ => (text, 1),
        };
        let seconds = number.parse::<i32>().ok().and_then(|number| number.checked_mul(unit));
        match seconds {
            Some(seconds @ 1..) => Ok(Self(seconds)),
            _ => Err("expected a length of time such as 90m, 4h or 2d"),
        }
    }
}

/// The same as people read it, in the largest unit that says it exactly.
pub(crate) fn span_of(seconds: i32) -> String {
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let exact = units.iter().find(|(unit, _)| seconds % unit == 0);
    exact.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

fn span(length: TimeDelta) -> Option<String> {
    let (seconds, minutes, hours, days) =
        (length.num_seconds(), length.num_minutes(), length.num_hours(), length.num_days());
    match (days, hours, minutes, seconds) {
        (0, 0, 0, ..5) => None,
        (0, 0, 0, seconds) => Some(format!("{seconds}s")),
        (0, 0, minutes, _) => Some(format!("{minutes}m")),
        (0, hours, ..) => Some(format!("{hours}h")),
        (days, ..) => Some(format!("{days}d")),
    }
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
    #[case("45", 45, "45s")]
    fn a_span_is_typed_and_read(#[case] typed: &str, #[case] seconds: i32, #[case] read: &str) {
        assert_eq!(typed.parse::<Span>().map(Span::seconds), Ok(seconds));
        assert_eq!(span_of(seconds), read);
    }

    #[rstest]
    fn a_span_has_a_number(#[values("", "h", "-1h", "0", "1w", "1h30m", "99999999d")] typed: &str) {
        assert!(typed.parse::<Span>().is_err());
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
    fn the_distance_decides_the_words(#[case] seconds: i64, #[case] words: &str) {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        assert_eq!(relative(now - TimeDelta::seconds(seconds), now), words);
    }
}
