use std::time::Duration;

/// How often and how patiently a call is repeated.
///
/// Calls that never reached the server are repeated whatever they do; others only when the caller says that
/// doing them twice is the same as doing them once ([`Client::run_idempotent`](crate::Client::run_idempotent)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all; 1 = no repetition.
    pub attempts: u32,
    /// Wait before the second attempt; doubled for each further one.
    pub first_wait: Duration,
    /// Longest wait between two attempts.
    pub longest_wait: Duration,
}

impl Retry {
    /// One attempt.
    pub const NONE: Self = Self { attempts: 1, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

    /// The wait after `attempt` failed attempts, somewhere between half of the doubled wait and all of it, so that
    /// many clients that lost the same server don't come back in the same instant. `None` = give up.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        Some(doubled.min(self.longest_wait).mul_f64(rand::random_range(0.5..=1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let retry = Retry {
            attempts: 5,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_millis(300),
        };
        for (attempt, most) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
            let wait = retry.wait_after(attempt).expect("attempts are left");
            assert!(wait <= Duration::from_millis(most), "{attempt}: {wait:?}");
            assert!(wait >= Duration::from_millis(most / 2), "{attempt}: {wait:?}");
        }
        assert_eq!(retry.wait_after(5), None);
        assert_eq!(Retry::NONE.wait_after(1), None);
    }
}
