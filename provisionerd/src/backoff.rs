//! Waiting before trying again.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// Waits that double up to 15 s, each shortened by chance to between half and all of it, so that many daemons that
/// lost the same server don't come back in the same instant.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    deadline: Option<Instant>,
}

impl Backoff {
    pub(crate) fn endless() -> Self {
        Self { next: FIRST, deadline: None }
    }

    /// Gives up `patience` from now.
    pub(crate) fn until(patience: Duration) -> Self {
        Self { next: FIRST, deadline: Some(Instant::now() + patience) }
    }

    /// How long to wait now; `None` once the patience is used up.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        let wait = self.next.mul_f64(rand::random_range(0.5..=1.0));
        self.next = (self.next * 2).min(LONGEST);
        Some(wait)
    }

    /// Waits; `false` without waiting once the patience is used up.
    pub(crate) async fn wait(&mut self) -> bool {
        match self.next() {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn doubles_up_to_the_longest() {
        let mut backoff = Backoff::endless();
        let waits = std::iter::from_fn(|| backoff.next()).take(10).collect::<Vec<_>>();
        assert!(waits[0] <= Duration::from_millis(250) && waits[0] >= Duration::from_millis(125));
        assert!(waits[9] <= Duration::from_secs(15) && waits[9] >= Duration::from_millis(7500));
    }

    #[test]
    fn gives_up_when_its_patience_ends() {
        assert!(Backoff::until(Duration::from_secs(60)).next().is_some());
        assert!(Backoff::until(Duration::ZERO).next().is_none());
    }
}
