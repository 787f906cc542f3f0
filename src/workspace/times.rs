//! For how long workspaces run: what their owner says, within what their template says.

use chrono::{DateTime, Datelike as _, Days, NaiveTime, TimeDelta, Utc};
use guildhall_entity::id::WorkspaceId;
use sea_orm::prelude::DateTimeUtc;

use super::WorkspaceRow;
use super::store::change as store;
use super::store::due::{self, TimesRow};
use crate::db::Tx;
use crate::error::{Refusal, Result};
use crate::template::access;

/// When a workspace that has just started is stopped by itself; `None` for never.
pub(super) async fn deadline_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<DateTimeUtc>> {
    let Some((row, times)) = find_in(tx, workspace).await? else { return Ok(None) };
    Ok(times.deadline(row.ttl_ms, tx.clock().now()))
}

/// When what is left of a start that failed is stopped by itself; `None` for never.
pub(super) async fn end_of_failure_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<DateTimeUtc>> {
    let Some((_, times)) = find_in(tx, workspace).await? else { return Ok(None) };
    Ok(times.failure_ttl_ms.map(|ttl| tx.clock().now() + TimeDelta::milliseconds(ttl)))
}

async fn find_in(tx: &Tx, workspace: WorkspaceId) -> Result<Option<(WorkspaceRow, TimesRow)>> {
    let Some(row) = store::lock_in(tx, workspace).await? else { return Ok(None) };
    let times = due::times_in(tx, row.template_id).await?;
    Ok(times.map(|times| (row, times)))
}

/// Asks whether the transaction's actor may decide for how long a workspace runs; answers until when at most. Those who may
/// change the template are not held by it.
///
/// # Errors
/// A refusal where the template decides it for all.
pub(super) async fn admit_in(tx: &Tx, workspace: &WorkspaceRow, field: &str) -> Result<Option<DateTimeUtc>> {
    if access::may_change_in(tx, workspace.organization_id, workspace.template_id).await? {
        return Ok(None);
    }
    let Some(times) = due::times_in(tx, workspace.template_id).await? else { return Ok(None) };
    if !times.allow_user_ttl {
        let message = "the template decides for how long its workspaces run; ask who may change the template";
        return Err(Refusal::conflict(&[field], message).into());
    }
    Ok(times.end_of_stop_day(tx.clock().now()))
}

impl TimesRow {
    /// When what starts now is stopped: after its own time, where that is its owner's to say, and no later than the next
    /// day on which every workspace stops.
    fn deadline(&self, own_ttl_ms: Option<i64>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ttl = own_ttl_ms.filter(|_| self.allow_user_ttl).or(self.default_ttl_ms);
        let by_ttl = ttl.map(|ttl| now + TimeDelta::milliseconds(ttl));
        by_ttl.into_iter().chain(self.end_of_stop_day(now)).min()
    }

    /// The end, in UTC, of the next day on which every workspace stops. Weeks are counted from that of the 1st of January
    /// 1970, so that all servers count alike.
    fn end_of_stop_day(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = now.date_naive();
        let weeks = i64::from(self.autostop_weeks.max(1));
        let stops = |day: &chrono::NaiveDate| {
            // The 1st of January 1970 was a Thursday, the fourth day of its week.
            let week = (i64::from(day.to_epoch_days()) + 3).div_euclid(7);
            let bit = 1 << day.weekday().num_days_from_monday();
            self.autostop_days & bit != 0 && week % weeks == 0
        };
        let span = u64::try_from(weeks).unwrap_or(1) * 7 + 7;
        let day = (0..span).filter_map(|n| today.checked_add_days(Days::new(n))).find(stops)?;
        Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOUR: i64 = 3_600_000;
    const TUESDAY: i32 = 0b10;
    const SUNDAY: i32 = 0b100_0000;

    fn times(default_ttl_ms: Option<i64>, autostop_days: i32, autostop_weeks: i32) -> TimesRow {
        TimesRow {
            active_version_id: None,
            default_ttl_ms,
            failure_ttl_ms: None,
            autostart_days: 127,
            autostop_days,
            autostop_weeks,
            allow_user_ttl: true,
            require_active_version: false,
        }
    }

    /// A Tuesday, at eight.
    fn now() -> DateTime<Utc> {
        "2026-11-24T08:00:00Z".parse().expect("a time")
    }

    #[rstest]
    #[case::never(None, None, 0, None)]
    #[case::its_own(Some(HOUR), Some(8 * HOUR), 0, Some("2026-11-24T09:00:00Z"))]
    #[case::the_templates(None, Some(8 * HOUR), 0, Some("2026-11-24T16:00:00Z"))]
    #[case::the_day_ends(None, None, TUESDAY, Some("2026-11-25T00:00:00Z"))]
    #[case::what_comes_first(Some(HOUR), None, TUESDAY, Some("2026-11-24T09:00:00Z"))]
    #[case::no_later_than_the_day(Some(100 * HOUR), None, TUESDAY, Some("2026-11-25T00:00:00Z"))]
    #[case::sunday(None, None, SUNDAY, Some("2026-11-30T00:00:00Z"))]
    fn a_start_ends(
        #[case] own: Option<i64>,
        #[case] default: Option<i64>,
        #[case] days: i32,
        #[case] end: Option<&str>,
    ) {
        let end: Option<DateTime<Utc>> = end.map(|end| end.parse().expect("a time"));
        assert_eq!(times(default, days, 1).deadline(own, now()), end);
    }

    #[test]
    fn an_owner_decides_where_the_template_lets_them() {
        let strict = TimesRow { allow_user_ttl: false, ..times(Some(2 * HOUR), 0, 1) };
        assert_eq!(strict.deadline(Some(HOUR), now()), Some(now() + TimeDelta::hours(2)));
        let silent = TimesRow { default_ttl_ms: None, ..strict };
        assert_eq!(silent.deadline(Some(HOUR), now()), None);
    }

    #[test]
    fn weeks_between_stop_days_are_left_out() {
        // Of two weeks in a row one counts, and it counts every other week.
        let ends = [0, 7, 14, 21].map(|days| {
            times(None, TUESDAY, 2).end_of_stop_day(now() + TimeDelta::days(days)).expect("it stops some day")
        });
        assert_eq!(ends[0] + TimeDelta::days(14), ends[2]);
        assert!(ends[0] == ends[1] || ends[1] == ends[2], "{ends:?}");
        assert!(
            ends.iter().all(|end| end.weekday().num_days_from_monday() == 2),
            "a Tuesday ends on Wednesday"
        );
    }
}
