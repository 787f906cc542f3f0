//! Tags: which provisioner may run which job.

use serde::Serialize;

use crate::schema;

/// A name and a value that a job asks for and a provisioner carries.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A tag to set.
#[derive(cynic::InputObject, Debug, Clone, PartialEq, Eq)]
pub struct TagInput {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}
