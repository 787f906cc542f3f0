//! Points a key may spend: a bucket per key that refills steadily.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use crate::{Limits, host::RateKey};

/// What a key may still spend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateStatus {
    /// Points of a full bucket.
    pub limit: u64,
    /// Points left.
    pub remaining: u64,
    /// Seconds until the bucket is full again.
    pub reset_s: u64,
}

/// The buckets of all keys. The least used are forgotten when there are too many, and a forgotten bucket is full.
pub(crate) struct RateLimiter {
    per_minute: u64,
    buckets: Cache<RateKey, Arc<Mutex<Bucket>>>,
}

struct Bucket {
    /// May be negative: an operation dearer than a full bucket runs, and is paid off before the next.
    points: f64,
    at: Instant,
}

impl RateLimiter {
    /// `None` where rate limits are off.
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        let per_minute = limits.rate_points_per_minute;
        (per_minute > 0).then(|| Self { per_minute, buckets: Cache::new(limits.rate_keys.max(1)) })
    }

    /// Takes `cost` points, or says how many seconds to wait.
    ///
    /// # Errors
    /// The status and the seconds until the operation can be paid.
    pub(crate) fn take(
        &self,
        key: RateKey,
        cost: u64,
        now: Instant,
    ) -> Result<RateStatus, (RateStatus, u64)> {
        self.with(key, now, |bucket, per_minute| {
            let price = cost as f64;
            let needed = price.min(per_minute);
            if bucket.points < needed {
                let wait = (needed - bucket.points) * 60.0 / per_minute;
                return Err((bucket.status(per_minute), whole(wait.ceil()).max(1)));
            }
            bucket.points -= price;
            Ok(bucket.status(per_minute))
        })
    }

    /// Takes points whether they are there or not: the price of a request that was refused.
    pub(crate) fn charge(&self, key: RateKey, cost: u64, now: Instant) {
        self.with(key, now, |bucket, per_minute| {
            bucket.points = (bucket.points - cost as f64).max(-per_minute)
        });
    }

    /// Gives back what an operation did not use.
    pub(crate) fn refund(&self, key: RateKey, points: u64, now: Instant) -> RateStatus {
        self.with(key, now, |bucket, per_minute| {
            bucket.points = (bucket.points + points as f64).min(per_minute);
            bucket.status(per_minute)
        })
    }

    fn with<T>(&self, key: RateKey, now: Instant, f: impl FnOnce(&mut Bucket, f64) -> T) -> T {
        let per_minute = self.per_minute as f64;
        let fresh = || {
            Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Bucket { points: per_minute, at: now })))
        };
        let Ok(bucket) = self.buckets.get_or_insert_with(&key, fresh);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(bucket.at);
        bucket.points = (bucket.points + refill(elapsed, per_minute)).min(per_minute);
        bucket.at = bucket.at.max(now);
        f(&mut bucket, per_minute)
    }
}

impl Bucket {
    fn status(&self, per_minute: f64) -> RateStatus {
        let missing = per_minute - self.points;
        RateStatus {
            limit: whole(per_minute),
            remaining: whole(self.points),
            reset_s: whole((missing * 60.0 / per_minute).ceil()),
        }
    }
}

fn refill(elapsed: Duration, per_minute: f64) -> f64 {
    elapsed.as_secs_f64() / 60.0 * per_minute
}

/// A non-negative number without its fraction; casts of floats saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped and the cast saturates"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> RateLimiter {
        RateLimiter::new(&Limits { rate_points_per_minute: 60, ..Limits::default() }).unwrap()
    }

    #[test]
    fn a_bucket_empties_and_refills() {
        let (limiter, key, start) = (limiter(), RateKey::of(&1), Instant::now());
        assert_eq!(limiter.take(key, 50, start), Ok(RateStatus { limit: 60, remaining: 10, reset_s: 50 }));
        let (status, wait) = limiter.take(key, 15, start).unwrap_err();
        assert_eq!((status.remaining, wait), (10, 5));
        assert!(limiter.take(key, 15, start + Duration::from_secs(5)).is_ok());
        assert_eq!(limiter.refund(key, 1_000, start + Duration::from_secs(5)).remaining, 60);
    }

    #[test]
    fn keys_pay_for_themselves() {
        let (limiter, now) = (limiter(), Instant::now());
        assert!(limiter.take(RateKey::of(&1), 60, now).is_ok());
        assert!(limiter.take(RateKey::of(&1), 1, now).is_err());
        assert!(limiter.take(RateKey::of(&2), 60, now).is_ok());
    }

    #[test]
    fn an_operation_dearer_than_the_bucket_runs_and_is_paid_off() {
        let (limiter, key, now) = (limiter(), RateKey::of(&1), Instant::now());
        assert!(limiter.take(key, 90, now).is_ok());
        let (status, wait) = limiter.take(key, 1, now).unwrap_err();
        assert_eq!((status.remaining, wait), (0, 31));
    }

    #[test]
    fn zero_switches_limits_off() {
        assert!(RateLimiter::new(&Limits { rate_points_per_minute: 0, ..Limits::default() }).is_none());
    }
}
