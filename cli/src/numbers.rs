//! Numbers as people type them, and what is said of others.

/// How many to show: none would say nothing.
pub(crate) fn some(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|number| *number > 0).ok_or("expected a number, 1 or more")
}

/// A number of credits or a version.
pub(crate) fn natural(text: &str) -> Result<i32, &'static str> {
    text.parse().ok().filter(|number| *number >= 0).ok_or("expected a number, 0 or more")
}
