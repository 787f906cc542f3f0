//! Why somebody may do something, or what they lack.

use serde::Serialize;

use crate::answer::found;
use crate::group::GroupRef;
use crate::role::Role;
use crate::template_access::TemplateRole;
use crate::{Client, ClientError, Id, Permission, QueryBuilder, schema};

/// How something reaches an object.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum AccessReach {
    /// A role of the site.
    Site,
    /// A role of the organization.
    Organization,
    /// A role that reaches what its holder owns.
    Own,
    /// The template's access list.
    AccessList,
    /// One that this client does not know.
    #[cynic(fallback)]
    Other(String),
}

/// Something that grants a permission.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct AccessReason {
    /// How it reaches the object.
    pub reach: AccessReach,
    /// The role; `None` for an access list.
    pub role: Option<Role>,
    /// What the access list gives; `None` for a role.
    pub template_role: Option<TemplateRole>,
    /// The group that the access list names.
    pub group: Option<GroupRef>,
}

/// Whether somebody may do something, and why.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct AccessExplanation {
    /// What.
    pub permission: Permission,
    /// Whether they may.
    pub allowed: bool,
    /// What grants it.
    pub reasons: Vec<AccessReason>,
    /// Roles that take it away.
    pub denied_by: Vec<Role>,
    /// Whether they are suspended.
    pub suspended: bool,
    /// What they lack; `None` when something grants it.
    pub missing: Option<Permission>,
    /// Roles that would grant it.
    pub granted_by: Vec<Role>,
    /// What an entry of the template's access list would have to give at least, if one would do.
    pub granted_by_template_role: Option<TemplateRole>,
    /// Whether belonging to the organization would do.
    pub granted_by_membership: bool,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ExplainAccessVariables {
    user: Id,
    permission: Permission,
    object: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ExplainAccessVariables")]
pub(crate) struct ExplainAccess {
    #[arguments(userId: $user, permission: $permission, objectId: $object)]
    explain_access: Option<AccessExplanation>,
}

impl Client {
    /// Whether a user may do something to an object, or to the deployment, and why.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn explain_access(
        &self,
        user: &Id,
        permission: Permission,
        object: Option<Id>,
    ) -> Result<AccessExplanation, ClientError> {
        let variables = ExplainAccessVariables { user: user.clone(), permission, object };
        let data = self.run_idempotent(ExplainAccess::build(variables)).await?;
        found(data.explain_access, "user or object", user.inner())
    }
}
