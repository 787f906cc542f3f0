//! How an organization's jobs have ended over time.

use std::collections::HashMap;

use guildhall_entity::id::OrganizationId;
use guildhall_entity::kind::JobType;
use sea_orm::prelude::DateTimeUtc;

use super::store::history as store;
pub(crate) use super::store::history::{Ended, Width};
use crate::db::Db;
use crate::error::{Error, Result};

/// How many periods are told where nobody says.
const PERIODS: i32 = 24;
/// How many at most.
const PERIODS_MAX: i32 = 100;

/// What is asked for: the latest periods, up to the one that goes on, of one type of jobs or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    width: Width,
    periods: i32,
    kind: Option<JobType>,
}

impl Span {
    /// # Errors
    /// When it has too many periods, or none.
    pub(crate) fn new(width: Option<Width>, last: Option<i32>, kind: Option<JobType>) -> Result<Self> {
        let periods = last.unwrap_or(PERIODS);
        if !(1..=PERIODS_MAX).contains(&periods) {
            let message = format!("`last` must be between 1 and {PERIODS_MAX}, got {periods}");
            return Err(Error::BadInput { argument: "last", message });
        }
        Ok(Self { width: width.unwrap_or_default(), periods, kind })
    }
}

/// An hour or a day, and how the jobs did that ended in it.
#[derive(Clone, Debug)]
pub(crate) struct Period {
    pub(crate) start: DateTimeUtc,
    pub(crate) end: DateTimeUtc,
    pub(crate) ended: Ended,
}

/// The histories of some organizations, the oldest period first, in one statement for all of them. The caller may read
/// the jobs of each.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_organizations(
    db: &Db,
    organizations: &[OrganizationId],
    span: Span,
) -> Result<HashMap<OrganizationId, Vec<Period>>> {
    let (width, length) = (span.width, span.width.length());
    let since = width.start(db.clock().now()) - length * (span.periods - 1);
    let found = store::periods(db, organizations, width, since, span.kind).await?;
    let mut ended: HashMap<(OrganizationId, DateTimeUtc), Ended> =
        found.into_iter().map(|row| ((row.organization, width.start(row.first)), row.ended)).collect();
    let mut history = |organization| {
        let starts = (0..span.periods).map(|number| since + length * number);
        let period = |start| Period {
            start,
            end: start + length,
            ended: ended.remove(&(organization, start)).unwrap_or_default(),
        };
        (organization, starts.map(period).collect())
    };
    Ok(organizations.iter().map(|&organization| history(organization)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_with_its_first_moment() {
        let at = |text: &str| text.parse::<DateTimeUtc>().unwrap_or_default();
        for (width, time, start) in [
            (Width::Hour, "2026-11-24T09:59:59.999999Z", "2026-11-24T09:00:00Z"),
            (Width::Hour, "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
            (Width::Day, "2026-11-24T23:59:59.999999Z", "2026-11-24T00:00:00Z"),
            (Width::Day, "2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z"),
        ] {
            assert_eq!(width.start(at(time)), at(start), "{time}");
        }
    }

    #[test]
    fn a_span_is_bounded() {
        for last in [0, -1, 101] {
            assert!(Span::new(None, Some(last), None).is_err(), "{last}");
        }
        assert!(Span::new(None, Some(100), None).is_ok());
    }
}
