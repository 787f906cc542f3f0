use std::fmt;

use serde::Serialize;

use crate::{Permission, schema};

/// Something about the input that a person can fix.
#[derive(cynic::InlineFragments, Serialize, Debug, Clone)]
#[serde(untagged)]
pub enum UserError {
    /// The actor lacks permissions that it tried to hand on.
    MissingPermissions(MissingPermissions),
    /// Somebody else changed the object first.
    StaleVersion(StaleVersion),
    /// Every other case: what matters is in the message, the code and the field.
    #[cynic(fallback)]
    Other(AnyUserError),
}

/// What every user error carries.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "UserError")]
pub struct AnyUserError {
    /// What was wrong and what to do.
    pub message: String,
    /// Kind of error.
    pub code: UserErrorCode,
    /// Path of the input field, e.g. `["input", "name"]`.
    pub field: Option<Vec<String>>,
}

/// Nobody gives away what they don't have.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct MissingPermissions {
    /// What was wrong and what to do.
    pub message: String,
    /// Kind of error.
    pub code: UserErrorCode,
    /// Path of the input field.
    pub field: Option<Vec<String>>,
    /// The permissions that the actor lacks.
    pub permissions: Vec<Permission>,
}

/// The `expectedVersion` is not the current one.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct StaleVersion {
    /// What was wrong and what to do.
    pub message: String,
    /// Kind of error.
    pub code: UserErrorCode,
    /// Path of the input field.
    pub field: Option<Vec<String>>,
    /// The version to look at before trying again.
    pub current_version: i32,
}

/// Kinds of user errors that a program may want to tell apart.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum UserErrorCode {
    /// The object named by the input is missing or not visible.
    NotFound,
    /// Any other, by its name.
    #[cynic(fallback)]
    Other(String),
}

impl UserErrorCode {
    /// Its name in the schema.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Other(name) => name,
        }
    }
}

impl UserError {
    /// What was wrong and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::MissingPermissions(error) => &error.message,
            Self::StaleVersion(error) => &error.message,
            Self::Other(error) => &error.message,
        }
    }

    /// Kind of error.
    #[must_use]
    pub fn code(&self) -> &UserErrorCode {
        match self {
            Self::MissingPermissions(error) => &error.code,
            Self::StaleVersion(error) => &error.code,
            Self::Other(error) => &error.code,
        }
    }

    /// The input field, without the leading `input`, joined by dots: `name`, `members.0.roles`.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        let field = match self {
            Self::MissingPermissions(error) => &error.field,
            Self::StaleVersion(error) => &error.field,
            Self::Other(error) => &error.field,
        };
        let path = field.as_deref()?;
        let path = path.strip_prefix(["input".to_owned()].as_slice()).unwrap_or(path);
        (!path.is_empty()).then(|| path.join("."))
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field() {
            write!(out, "{field}: ")?;
        }
        out.write_str(self.message())?;
        match self {
            Self::MissingPermissions(error) if !error.permissions.is_empty() => {
                let names = error.permissions.iter().map(ToString::to_string).collect::<Vec<_>>();
                write!(out, " (missing: {})", names.join(", "))
            }
            _ => Ok(()),
        }
    }
}
