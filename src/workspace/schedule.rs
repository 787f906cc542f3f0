//! Autostart schedules: a cron expression of five fields, read in a time zone. Where the clocks go forward over a time it
//! comes due as soon as they have; where they go back over it, once.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

use crate::error::Refusal;

/// The longest expression, in bytes.
const CRON_MAX: usize = 100;

/// When a workspace starts by itself.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    cron: Cron,
    text: String,
    zone: Tz,
}

impl Schedule {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// Each rule that it breaks, below `field`.
    pub(crate) fn parse(field: &str, cron: &str, zone: &str) -> Result<Self, Vec<Refusal>> {
        let parsed = parse(cron).map_err(|problem| Refusal::invalid(&[field, "cron"], problem));
        let zone = Tz::from_str(zone.trim()).map_err(|_| {
            let message =
                "there is no such time zone; give its name in the IANA database, e.g. Europe/Berlin";
            Refusal::invalid(&[field, "timeZone"], message)
        });
        match (parsed, zone) {
            (Ok((cron, text)), Ok(zone)) => Ok(Self { cron, text, zone }),
            (cron, zone) => Err([cron.err(), zone.err()].into_iter().flatten().collect()),
        }
    }

    /// What the table keeps. `None` where it holds no schedule.
    pub(crate) fn kept(cron: Option<&str>, zone: Option<&str>) -> Option<Self> {
        let (cron, text) = parse(cron?).ok()?;
        Some(Self { cron, text, zone: Tz::from_str(zone?).ok()? })
    }

    /// The expression.
    pub(crate) fn cron(&self) -> &str {
        &self.text
    }

    /// The name of the time zone.
    pub(crate) fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// When it comes due next, after `now`. `None` for a day that never comes, as the 30th of February.
    pub(crate) fn after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&now.with_timezone(&self.zone), false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// When it came due last, at `now` or before.
    pub(crate) fn latest(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let latest = self.cron.find_previous_occurrence(&now.with_timezone(&self.zone), true).ok()?;
        Some(latest.with_timezone(&Utc))
    }

    /// The day of the week of a moment where the schedule is read, as a bit: Monday is the lowest.
    pub(crate) fn day_bit(&self, moment: DateTime<Utc>) -> i32 {
        use chrono::Datelike as _;
        1 << moment.with_timezone(&self.zone).weekday().num_days_from_monday()
    }
}

fn parse(cron: &str) -> Result<(Cron, String), String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    if cron.len() > CRON_MAX || fields.len() != 5 {
        return Err("a schedule has five fields: minute, hour, day of the month, month, day of the week; \
                    `30 8 * * 1-5` is half past eight from Monday to Friday"
            .into());
    }
    let text = fields.join(" ");
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let parsed = parser.parse(&text).map_err(|error| problem(&parser, &fields, &error))?;
    Ok((parsed, text))
}

/// The fields of an expression, and what may stand in each.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0–59"),
    ("hour", "0–23"),
    ("day of the month", "1–31, or L for the last"),
    ("month", "1–12, or JAN–DEC"),
    ("day of the week", "0–7, or SUN–SAT, where 0 and 7 are Sunday"),
];

/// What is wrong with an expression, in terms of the first field that is wrong by itself.
fn problem(parser: &CronParser, fields: &[&str], error: &CronError) -> String {
    for (at, ((name, takes), field)) in FIELDS.iter().zip(fields).enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[at] = field;
        if parser.parse(&alone.join(" ")).is_err() {
            return format!(
                "`{field}` is no {name}: it takes {takes}; * for each, */2 for every second, 1-5 from and to, 1,3 for some"
            );
        }
    }
    format!("that is no schedule: {error}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule::parse("autostartSchedule", cron, zone).expect("it parses")
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[rstest]
    #[case::plain("30 8 * * *", "UTC", "2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z")]
    #[case::not_the_same_moment("30 8 * * *", "UTC", "2026-11-24T08:30:00Z", "2026-11-25T08:30:00Z")]
    #[case::weekdays("30 8 * * 1-5", "UTC", "2026-11-27T09:00:00Z", "2026-11-30T08:30:00Z")]
    #[case::sunday_is_0_and_7("0 0 * * 7", "UTC", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z")]
    #[case::names("0 9 * DEC MON", "UTC", "2026-11-24T00:00:00Z", "2026-12-07T09:00:00Z")]
    #[case::winter("30 8 * * *", "Europe/Berlin", "2026-11-24T08:00:00Z", "2026-11-25T07:30:00Z")]
    #[case::summer("30 8 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T06:30:00Z")]
    #[case::the_same_wall_clock_after_spring(
        "0 9 * * *",
        "Europe/Berlin",
        "2027-03-27T08:00:00Z",
        "2027-03-28T07:00:00Z"
    )]
    // 02:30 does not exist on the 28th of March 2027: clocks go from 02:00 to 03:00.
    #[case::skipped("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z")]
    #[case::the_day_after_it("30 2 * * *", "Europe/Berlin", "2027-03-28T12:00:00Z", "2027-03-29T00:30:00Z")]
    // 02:30 comes twice on the 25th of October 2026: at 00:30 and at 01:30 UTC.
    #[case::twice("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
    #[case::but_once("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")]
    #[case::half_an_hour("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z")]
    #[case::leap("0 0 29 2 *", "UTC", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z")]
    fn a_schedule_comes_due_by_the_clock_on_the_wall(
        #[case] cron: &str,
        #[case] zone: &str,
        #[case] now: &str,
        #[case] next: &str,
    ) {
        assert_eq!(schedule(cron, zone).after(at(now)), Some(at(next)));
    }

    #[rstest]
    #[case("30 8 * * *", "2026-11-24T08:30:00Z", "2026-11-24T08:30:00Z")]
    #[case("30 8 * * *", "2026-11-24T08:29:59Z", "2026-11-23T08:30:00Z")]
    #[case("*/5 * * * *", "2026-11-24T08:29:59Z", "2026-11-24T08:25:00Z")]
    #[case("0 9 * * 1", "2026-11-24T08:00:00Z", "2026-11-23T09:00:00Z")]
    fn the_latest_time_is_the_one_that_was(#[case] cron: &str, #[case] now: &str, #[case] latest: &str) {
        assert_eq!(schedule(cron, "UTC").latest(at(now)), Some(at(latest)));
    }

    #[test]
    fn some_days_never_come() {
        assert_eq!(schedule("0 0 30 2 *", "UTC").after(at("2026-11-24T00:00:00Z")), None);
    }

    #[rstest]
    #[case("", "UTC", &["cron"])]
    #[case("* * * *", "UTC", &["cron"])]
    #[case("0 * * * * *", "UTC", &["cron"])]
    #[case("@daily", "UTC", &["cron"])]
    #[case("60 * * * *", "UTC", &["cron"])]
    #[case("0 24 * * *", "UTC", &["cron"])]
    #[case("a b c d e", "UTC", &["cron"])]
    #[case("5-1 * * * *", "UTC", &["cron"])]
    #[case("0 8 * * *", "Mars/Olympus", &["timeZone"])]
    #[case("0 8 * * *", "", &["timeZone"])]
    #[case("nonsense", "nowhere", &["cron", "timeZone"])]
    fn a_mistake_is_told_where_it_is(#[case] cron: &str, #[case] zone: &str, #[case] fields: &[&str]) {
        let refusals = Schedule::parse("autostartSchedule", cron, zone).expect_err("it is wrong");
        let told: Vec<_> = refusals.iter().map(|refusal| refusal.field[1].as_str()).collect();
        assert_eq!(told, fields);
    }

    #[rstest]
    #[case("60 * * * *", "`60` is no minute: it takes 0–59; ")]
    #[case("0 24 * * *", "`24` is no hour: it takes 0–23; ")]
    #[case("0 8 32 * *", "`32` is no day of the month: it takes 1–31, ")]
    #[case("0 8 * 13 *", "`13` is no month: it takes 1–12, ")]
    #[case("0 8 * * 8", "`8` is no day of the week: it takes 0–7, ")]
    #[case("0 8 * * MON-", "`MON-` is no day of the week: ")]
    #[case("5-1 * * * *", "`5-1` is no minute: ")]
    #[case("0 8", "a schedule has five fields: ")]
    fn a_mistake_is_told_in_terms_of_its_field(#[case] cron: &str, #[case] told: &str) {
        let refusals = Schedule::parse("autostartSchedule", cron, "UTC").expect_err("it is wrong");
        assert!(refusals[0].message.starts_with(told), "{}", refusals[0].message);
    }

    #[test]
    fn what_is_kept_is_what_was_given() {
        let given = schedule(" 30  8 * * 1-5 ", " Europe/Berlin ");
        assert_eq!((given.cron(), given.zone()), ("30 8 * * 1-5", "Europe/Berlin"));
        let kept = Schedule::kept(Some(given.cron()), Some(given.zone())).expect("it was checked");
        assert_eq!(kept.after(at("2026-11-24T08:00:00Z")), given.after(at("2026-11-24T08:00:00Z")));
        assert!(Schedule::kept(None, Some("UTC")).is_none());
        // The 24th of November 2026 is a Tuesday in Berlin, while it is Monday still in Los Angeles.
        assert_eq!(given.day_bit(at("2026-11-24T05:00:00Z")), 0b10);
        assert_eq!(schedule("0 0 * * *", "America/Los_Angeles").day_bit(at("2026-11-24T05:00:00Z")), 0b1);
    }
}
