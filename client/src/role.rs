//! Roles.

use serde::Serialize;

use crate::schema;

/// A named set of permissions.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// E.g. `organization-admin`.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Whether it comes with Guildhall.
    pub built_in: bool,
}
