//! Who may use or administer a template.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::group::GroupRef;
use crate::user::UserRef;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// What an access list gives.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateRole {
    /// Nothing.
    None,
    /// See the template and create workspaces from it.
    Use,
    /// Also change it.
    Admin,
}

/// Whom an access list names.
#[derive(cynic::InlineFragments, Serialize, Debug, Clone)]
#[cynic(graphql_type = "TemplateAccessSubject")]
#[serde(untagged)]
pub enum Subject {
    /// A member of the organization.
    User(UserRef),
    /// A group of the organization.
    Group(GroupRef),
    /// Somebody that this client does not know.
    #[cynic(fallback)]
    Unknown,
}

/// An entry of an access list.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAccess {
    /// Whom it names.
    pub subject: Option<Subject>,
    /// What it gives them.
    pub role: TemplateRole,
    /// Since when they are on the list.
    pub created_at: DateTime,
}

/// Changes to an access list.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct SetTemplateAccessInput {
    /// Of which template.
    pub template_id: Id,
    /// What to change.
    pub entries: Vec<TemplateAccessInput>,
}

/// What somebody shall have: a user or a group.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct TemplateAccessInput {
    /// The user.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// The group.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Id>,
    /// What to give them; NONE takes it away.
    pub role: TemplateRole,
}

/// What came of one entry.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct SetTemplateAccessResult {
    /// Whom it is about.
    pub subject_id: Option<Id>,
    /// What they have now.
    pub role: Option<TemplateRole>,
    /// Why nothing was changed.
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct TemplateAccessVariables {
    template: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplateAccessVariables")]
struct TemplateAccessList {
    #[arguments(id: $template)]
    node: Option<AccessOfNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "TemplateAccessVariables")]
enum AccessOfNode {
    Template(AccessOfTemplate),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Template", variables = "TemplateAccessVariables")]
struct AccessOfTemplate {
    #[arguments(first: 100, after: $after)]
    access: Option<TemplateAccessConnection>,
}

connection!(TemplateAccessConnection, TemplateAccess);

#[derive(cynic::QueryVariables)]
struct SetTemplateAccessVariables {
    input: SetTemplateAccessInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetTemplateAccessVariables")]
struct SetTemplateAccess {
    #[arguments(input: $input)]
    set_template_access: Option<SetTemplateAccessPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetTemplateAccessPayload {
    results: Vec<SetTemplateAccessResult>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The access list of a template, oldest entry first.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the template, else as [`Client::run`].
    pub async fn template_access(
        &self,
        template: &Id,
        after: Option<String>,
    ) -> Result<Page<TemplateAccess>, ClientError> {
        let variables = TemplateAccessVariables { template: template.clone(), after };
        let data = self.run_idempotent(TemplateAccessList::build(variables)).await?;
        let template = match found(data.node, "template", template.inner())? {
            AccessOfNode::Template(template) => Some(template),
            AccessOfNode::Other => None,
        };
        Ok(template.and_then(|template| template.access).ok_or(ClientError::Incomplete)?.into())
    }

    /// Changes the access list of a template; each entry has a result of its own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_template_access(
        &self,
        input: SetTemplateAccessInput,
    ) -> Result<Vec<SetTemplateAccessResult>, ClientError> {
        let data = self.run(SetTemplateAccess::build(SetTemplateAccessVariables { input })).await?;
        accepted(data.set_template_access.map(|payload| (Some(payload.results), payload.user_errors)))
    }
}
