//! How workspaces look.

mod build;
mod change;
mod mutation;
mod restart;
mod workspace;

pub(crate) use build::{WorkspaceBuild, WorkspaceTransition};
pub(crate) use change::WorkspaceChangeMutation;
pub(crate) use mutation::WorkspaceMutation;
pub(crate) use restart::WorkspaceRestartMutation;
pub(crate) use workspace::{AutomaticUpdates, Workspace, WorkspaceFilter, WorkspaceQuery};
