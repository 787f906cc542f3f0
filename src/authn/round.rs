//! When whoever holds a stream open asks again who its reader is.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// When this process began to count.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Waits for the next time to ask. It is the same for everybody in this process, so that few statements answer them all.
pub(crate) async fn time_to_ask_again() {
    let rounds = START.elapsed().as_millis() / EVERY.as_millis() + 1;
    sleep_until(*START + EVERY * u32::try_from(rounds).unwrap_or(u32::MAX)).await;
}
