//! How roles look.

use async_graphql::Object;

use crate::authz::Permission;
use crate::authz::policy::{BuiltinRole, Scope};

/// What somebody was given to do.
#[derive(Clone)]
pub(crate) struct Role {
    name: String,
    scope: Scope,
}

impl Role {
    /// A role held in an organization.
    pub(crate) fn in_organization(name: &str) -> Self {
        Self { name: name.to_owned(), scope: Scope::Organization }
    }

    /// A role held on the site.
    pub(crate) fn on_site(name: &str) -> Self {
        Self { name: name.to_owned(), scope: Scope::Site }
    }

    fn builtin(&self) -> Option<BuiltinRole> {
        BuiltinRole::assignable(&self.name, self.scope)
    }
}

/// A role: permissions under a name.
#[Object]
impl Role {
    /// Its name, as it is typed.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Its name, as it is read.
    async fn display_name(&self) -> &str {
        self.builtin().map_or(self.name.as_str(), |role| role.display_name())
    }

    /// Whether it comes with Guildhall.
    async fn built_in(&self) -> bool {
        self.builtin().is_some()
    }

    /// What it grants, in the order of the permission matrix.
    async fn permissions(&self) -> Vec<Permission> {
        self.builtin().map_or_else(Vec::new, |role| {
            let grant = role.grant();
            grant.site.with(grant.organization).with(grant.own).iter().collect()
        })
    }
}
