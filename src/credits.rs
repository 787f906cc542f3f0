//! Credits a day: what workspaces cost, and what budgets allow. Bounded, so that what is told of them fits into the numbers
//! that clients read.

use crate::error::Refusal;

/// The most that an allowance, a cap or a cost may be.
pub(crate) const MOST: i32 = 1_000_000;

/// Checks what somebody typed, or what a daemon reports.
///
/// # Errors
/// A refusal that names the bounds.
pub(crate) fn checked(field: &[&str], credits: i32) -> Result<i32, Refusal> {
    if (0..=MOST).contains(&credits) {
        return Ok(credits);
    }
    Err(Refusal::invalid(field, format!("between 0 and {MOST} credits a day, got {credits}")))
}

/// A sum of credits as it is told: where more than a client can read has come together, the most that it can.
pub(crate) fn told(sum: i64) -> i32 {
    i32::try_from(sum).unwrap_or(if sum < 0 { i32::MIN } else { i32::MAX })
}
