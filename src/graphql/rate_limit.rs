//! What the operation may cost, and what its caller may still spend: the front's numbers, for clients that plan ahead.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, Result, SimpleObject};
use guildhall_front::{RateStatus, RequestMeta};

use super::context::Ask as _;
use super::scalar::DateTime;

/// The price of an operation.
#[derive(Default)]
pub(crate) struct RateLimitQuery;

#[Object]
impl RateLimitQuery {
    /// What this operation may cost, and what its caller may still spend: the signed-in user, or the address of who is not.
    /// Costs nothing itself; anybody may ask.
    async fn rate_limit(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            default = false,
            desc = "Whether to run nothing else of this operation: it is checked and priced, not executed, and one point is \
                    paid. An operation dearer than the limit of one operation can be priced so too."
        )]
        dry_run: bool,
    ) -> Result<RateLimit> {
        // The front has left everything else out of a dry run before it came here.
        let _ = dry_run;
        Ok(RateLimit { meta: Arc::clone(ctx.data::<Arc<RequestMeta>>()?) })
    }
}

/// What an operation may cost, and what its caller may still spend.
pub(crate) struct RateLimit {
    meta: Arc<RequestMeta>,
}

impl RateLimit {
    fn status(&self, of: impl FnOnce(RateStatus) -> u64) -> Option<i32> {
        self.meta.rate.map(|status| whole(of(status)))
    }
}

/// What an operation may cost, and what its caller may still spend. Points are those of the section on limits in the
/// documentation: one for each object an answer can hold, a page counting as many as it may have, and ten for each field of
/// a mutation.
#[Object]
impl RateLimit {
    /// Points that this operation may cost at most, without this field. What the answer does not use is given back; the
    /// header `X-Query-Cost` of the answer tells what it did cost. At least 1; 2147483647 stands for any larger number.
    async fn cost(&self) -> i32 {
        whole(self.meta.cost)
    }

    /// Points that may be spent in a minute; null where the deployment, or this caller, has no limit.
    async fn limit(&self) -> Option<i32> {
        self.status(|status| status.limit)
    }

    /// Points that are left now, after this operation's; null without a limit.
    async fn remaining(&self) -> Option<i32> {
        self.status(|status| status.remaining)
    }

    /// Points that are spent and have not come back yet, this operation's among them; null without a limit.
    async fn used(&self) -> Option<i32> {
        self.status(|status| status.limit.saturating_sub(status.remaining))
    }

    /// When all points will have come back, if none are spent; they come back steadily. Null without a limit.
    async fn reset_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let status = self.meta.rate?;
        Some((ctx.request().db.clock().now() + Duration::from_secs(status.reset_s)).into())
    }

    /// The cost by path of the answer, in the order of the document: what to make smaller.
    async fn breakdown(&self) -> Vec<PathCost> {
        let by_path = self.meta.cost_by_path().into_iter();
        by_path.map(|(path, points)| PathCost { path, cost: whole(points) }).collect()
    }
}

/// What one place of an answer may cost.
#[derive(SimpleObject)]
pub(crate) struct PathCost {
    /// The place: response names joined by dots, such as `organizations.nodes.members`.
    path: String,
    /// Points, with those of everything below it.
    cost: i32,
}

fn whole(points: u64) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}
