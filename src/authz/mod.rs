//! Who may do what: the actor, the policy's two questions ("may I?" and "which rows?"), and the permit that every
//! write needs. Pure: no database, no await.

mod actor;
mod explain;
mod permission;
pub mod policy;

pub use actor::{Actor, Credential, Identity, Limits, Membership, Origin, Standing};
pub use explain::{Explanation, Ground, Held, Named, Subject, Through};
pub use permission::{Permission, PermissionSet, Resource};

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::kind::AclRole;

/// What a question is about: where it is and whose it is. `None` for what belongs to no organization or to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The organization it is in.
    pub organization: Option<OrganizationId>,
    /// Whose it is.
    pub owner: Option<UserId>,
    /// What its access list gives the actor, where it has one that names them.
    pub listed: Option<AclRole>,
}

impl Object {
    /// Something of the deployment.
    pub const SITE: Self = Self { organization: None, owner: None, listed: None };

    /// Something inside an organization.
    pub fn in_organization(organization: OrganizationId) -> Self {
        Self { organization: Some(organization), ..Self::SITE }
    }

    /// The same, somebody's.
    #[must_use]
    pub fn owned_by(self, owner: UserId) -> Self {
        Self { owner: Some(owner), ..self }
    }
}

/// Which rows a permission covers. The SQL condition of every tenant read is made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All rows.
    Everything,
    /// Rows of these organizations, and the actor's own in those.
    Some {
        /// Organizations in which the permission covers every row.
        organizations: Vec<OrganizationId>,
        /// Organizations in which it covers what `owner` owns.
        own_in: Vec<OrganizationId>,
        /// The actor.
        owner: Option<UserId>,
    },
}

/// Proof that an actor may do something. Only [`Actor::authorize`] makes one, and no write transaction begins without.
#[derive(Debug)]
pub struct Permit {
    actor: Actor,
    permission: Permission,
    organization: Option<OrganizationId>,
}

impl Permit {
    /// Who may.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// In which organization.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }
}

/// Why an actor may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody is signed in.
    #[error("sign in first: send the header `Authorization: Bearer <token>`")]
    Anonymous,
    /// The actor lacks this.
    #[error("this needs the permission {0}")]
    Lacking(Permission),
    /// The actor lacks this in an organization.
    #[error("this needs the permission {0}")]
    LackingIn(Permission, OrganizationId),
    /// The actor's API token leaves out what this leads to.
    #[error(
        "the API token in use leaves out what this leads to; select less, or use a token with more scopes"
    )]
    BeyondToken,
}

impl Denied {
    /// What somebody who is signed in lacks, and where, as far as that is known.
    pub fn lacking(&self) -> Option<(Permission, Option<OrganizationId>)> {
        match self {
            Self::Anonymous | Self::BeyondToken => None,
            Self::Lacking(permission) => Some((*permission, None)),
            Self::LackingIn(permission, organization) => Some((*permission, Some(*organization))),
        }
    }
}
