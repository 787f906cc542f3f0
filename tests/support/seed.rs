//! What random tests begin with.

/// Repeats a run that failed: the seed that it printed.
const SEED: &str = "GUILDHALL_TEST_SEED";

/// The seed of a random test.
#[expect(clippy::disallowed_methods, reason = "a person repeats a failed run")]
pub(crate) fn seed() -> u64 {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("the random seed is {seed}: {SEED}={seed} repeats this run");
    seed
}
