//! How provisioners are kept.

pub(super) mod daemon;
pub(super) mod event;
pub(super) mod health;
pub(super) mod history;
pub(super) mod job;
pub(super) mod key;
pub(super) mod log;
pub(super) mod owner;
pub(super) mod presence;
pub(super) mod queue;
