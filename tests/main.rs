//! One test binary: everything goes through the real router, the real policy and real databases.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod claims;
mod contract;
mod crash;
mod docs;
mod files;
mod guide;
mod isolation;
mod layering;
mod live;
mod names;
mod pages;
mod policy;
mod state;
mod statements;
mod support;
mod visibility;
