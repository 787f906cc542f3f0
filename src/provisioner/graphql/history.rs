//! How the history of provisioners looks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::SimpleObject;
use async_graphql::dataloader::Loader;
use guildhall_entity::id::OrganizationId;

use super::health::{rate, rounded};
use crate::error::{Error, Result};
use crate::graphql::context::{Loaders, Request};
use crate::graphql::scalar::DateTime;
use crate::provisioner::history::{self, Period, Span};

/// The history of an organization's jobs; loaded for all organizations of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct HistoryOf(OrganizationId, Span);

#[async_trait::async_trait]
impl Loader<HistoryOf> for Loaders {
    type Value = Arc<Vec<Period>>;
    type Error = Error;

    async fn load(&self, keys: &[HistoryOf]) -> Result<HashMap<HistoryOf, Self::Value>> {
        let mut answers = HashMap::with_capacity(keys.len());
        for span in keys.iter().map(|key| key.1).collect::<HashSet<_>>() {
            let asked = keys.iter().filter(|key| key.1 == span);
            let organizations: Vec<_> = asked.map(|key| key.0).collect();
            let all = history::of_organizations(&self.db, &organizations, span).await?;
            answers.extend(all.into_iter().map(|(of, periods)| (HistoryOf(of, span), Arc::new(periods))));
        }
        Ok(answers)
    }
}

/// That of an organization, batched with its neighbours.
pub(super) async fn of(
    request: &Request,
    organization: OrganizationId,
    span: Span,
) -> Result<Vec<ProvisionerHistoryPeriod>> {
    let periods = request.load(HistoryOf(organization, span)).await?.unwrap_or_default();
    Ok(periods.iter().map(ProvisionerHistoryPeriod::from).collect())
}

/// An hour or a day, and how the jobs did that ended in it.
#[derive(SimpleObject)]
pub(super) struct ProvisionerHistoryPeriod {
    /// Its first moment.
    start: DateTime,
    /// The first moment after it.
    end: DateTime,
    /// How many ended well.
    succeeded: i64,
    /// How many ended with an error.
    failed: i64,
    /// How many ended because somebody asked for it.
    canceled: i64,
    /// Of those that succeeded or failed, the share that succeeded, 0–1; null when there are none.
    success_rate: Option<f64>,
    /// Half of them took at most so many seconds, from when a daemon took them; null when no daemon took any.
    duration_p50_seconds: Option<f64>,
    /// The longest took so many seconds, from when a daemon took it; null when no daemon took any.
    duration_max_seconds: Option<f64>,
}

impl From<&Period> for ProvisionerHistoryPeriod {
    fn from(period: &Period) -> Self {
        let ended = &period.ended;
        Self {
            start: period.start.into(),
            end: period.end.into(),
            succeeded: ended.succeeded,
            failed: ended.failed,
            canceled: ended.canceled,
            success_rate: rate(ended.succeeded, ended.failed),
            duration_p50_seconds: ended.p50.map(rounded),
            duration_max_seconds: ended.longest.map(rounded),
        }
    }
}
