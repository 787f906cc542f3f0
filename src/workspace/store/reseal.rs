//! What of workspaces is sealed, each for the build that its row names.

use crate::db::Sealed;

/// The states.
pub(in crate::workspace) const STATES: Sealed =
    Sealed { table: "terraform_state", id: "workspace_build_id", column: "sealed" };

/// The sensitive values of builds, those for one build alone, and both of the starts that are promised.
pub(in crate::workspace) const VALUES: [Sealed; 4] = [
    Sealed { table: "workspace_build", id: "id", column: "sealed_parameters" },
    Sealed { table: "workspace_build", id: "id", column: "ephemeral_parameters" },
    Sealed { table: "workspace_restart", id: "next_build_id", column: "sealed_parameters" },
    Sealed { table: "workspace_restart", id: "next_build_id", column: "ephemeral_parameters" },
];
