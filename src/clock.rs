//! Time, ids and randomness, passed in so that tests decide them. Nothing else in the server asks the system for any of
//! the three (`clippy.toml` forbids it).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// A source of time, ids and random bytes. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

trait Source: Send + Sync {
    fn now(&self) -> DateTime<Utc>;
    fn uuid(&self) -> Uuid;
    fn fill(&self, bytes: &mut [u8]);
    fn keeps_secrets(&self) -> bool;
}

impl Clock {
    /// The system's time, UUIDv7 ids and cryptographic randomness.
    pub fn system() -> Self {
        Self(Arc::new(System { context: std::sync::Mutex::new(ContextV7::new()) }))
    }

    /// A clock that stands still until it is told to move, counting ids and reproducible "randomness".
    /// For tests only: whoever knows the seed knows every secret made from it.
    pub fn fixed(start: DateTime<Utc>, seed: u64) -> (Self, Hand) {
        let fixed = Arc::new(Fixed {
            micros: AtomicI64::new(start.timestamp_micros()),
            counter: AtomicU64::new(0),
            seed,
        });
        (Self(fixed.clone()), Hand(fixed))
    }

    /// Now, in whole microseconds: what both databases can keep.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    /// A new id.
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.0.uuid())
    }

    /// Fills `bytes` with randomness fit for secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    /// Whether what is made of its randomness is worth protecting: not what a fixed clock gives.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.0.keeps_secrets()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Moves a fixed clock.
#[derive(Clone)]
pub struct Hand(Arc<Fixed>);

impl Hand {
    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.0.micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

struct System {
    context: std::sync::Mutex<ContextV7>,
}

impl Source for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    fn uuid(&self) -> Uuid {
        let context = self.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::now(&*context))
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }

    fn keeps_secrets(&self) -> bool {
        true
    }
}

struct Fixed {
    micros: AtomicI64,
    counter: AtomicU64,
    seed: u64,
}

impl Source for Fixed {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::Relaxed)).unwrap_or_default()
    }

    fn uuid(&self) -> Uuid {
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&n.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        // SplitMix64: reproducible, and no secret.
        let mut state =
            self.seed ^ self.counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for chunk in bytes.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ z >> 31).to_le_bytes()[..chunk.len()]);
        }
    }

    fn keeps_secrets(&self) -> bool {
        false
    }
}
