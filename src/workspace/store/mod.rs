//! How workspaces are kept.

pub(super) mod build;
pub(super) mod change;
pub(super) mod due;
pub(super) mod event;
pub(super) mod limit;
pub(super) mod owner;
pub(super) mod reseal;
pub(super) mod restart;
pub(super) mod state;
pub(super) mod workspace;
