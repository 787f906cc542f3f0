//! Requirements of single fields, declared where the field is and printed into the schema as `@requires`.

use async_graphql::TypeDirective;

use super::context::Request;
use crate::authz::{Denied, Identity, Object, Permission};
use crate::error::Result;

/// The field needs this permission on what it is about; FORBIDDEN without.
#[TypeDirective(location = "FieldDefinition")]
pub(crate) fn requires(resource: String, action: String) {}

impl Request {
    /// Somebody is signed in.
    ///
    /// # Errors
    /// UNAUTHENTICATED when not.
    pub(crate) fn signed_in(&self) -> Result<()> {
        match self.actor.identity() {
            Identity::Anonymous => Err(Denied::Anonymous.into()),
            _ => Ok(()),
        }
    }

    /// The actor may.
    ///
    /// # Errors
    /// FORBIDDEN when not.
    pub(crate) fn require(&self, permission: Permission, object: Object) -> Result<()> {
        Ok(self.actor.require(permission, object)?)
    }
}
