//! How workspaces are kept.

pub(super) mod build;
pub(super) mod event;
pub(super) mod limit;
pub(super) mod owner;
pub(super) mod state;
pub(super) mod workspace;
