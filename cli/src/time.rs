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
