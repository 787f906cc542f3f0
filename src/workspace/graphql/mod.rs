//! How workspaces look.

mod build;
mod mutation;
mod workspace;

pub(crate) use build::{WorkspaceBuild, WorkspaceTransition};
pub(crate) use mutation::WorkspaceMutation;
pub(crate) use workspace::{Workspace, WorkspaceFilter, WorkspaceQuery};
