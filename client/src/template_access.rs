//! Who may use or administer a template.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::explain::AccessExplanation;
use crate::group::GroupRef;
use crate::template::TemplateRef;
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
pub(crate) struct TemplateAccessVariables {
    template: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TemplateAccessVariables")]
pub(crate) struct TemplateAccessList {
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

/// Somebody who could be put on an access list.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct TemplateAccessCandidate {
    /// A member or a group of the organization.
    pub subject: Option<Subject>,
}

/// Which candidates; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct TemplateAccessCandidateFilter {
    /// Text in name or display name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AccessCandidatesVariables {
    template: Id,
    filter: TemplateAccessCandidateFilter,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "AccessCandidatesVariables")]
pub(crate) struct AccessCandidates {
    #[arguments(id: $template)]
    node: Option<CandidatesOfNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "AccessCandidatesVariables")]
enum CandidatesOfNode {
    Template(CandidatesOfTemplate),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Template", variables = "AccessCandidatesVariables")]
struct CandidatesOfTemplate {
    #[arguments(first: 100, after: $after, filter: $filter)]
    access_candidates: Option<TemplateAccessCandidateConnection>,
}

connection!(TemplateAccessCandidateConnection, TemplateAccessCandidate);

#[derive(cynic::QueryVariables)]
pub(crate) struct AccessOfVariables {
    template: Id,
    user: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "AccessOfVariables")]
pub(crate) struct AccessOf {
    #[arguments(id: $template)]
    node: Option<AccessOfSomebody>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "AccessOfVariables")]
enum AccessOfSomebody {
    Template(ExplainedTemplate),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Template", variables = "AccessOfVariables")]
struct ExplainedTemplate {
    #[arguments(userId: $user)]
    access_of: Option<Vec<AccessExplanation>>,
}

/// What the members of a group may do with a template.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct GroupTemplateAccess {
    /// The stronger of what the group's own entry and that of all members give.
    pub role: TemplateRole,
    /// The template.
    pub template: TemplateRef,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct GroupTemplatesVariables {
    group: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GroupTemplatesVariables")]
pub(crate) struct GroupTemplates {
    #[arguments(id: $group)]
    node: Option<TemplatesOfNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "GroupTemplatesVariables")]
enum TemplatesOfNode {
    Group(TemplatesOfGroup),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Group", variables = "GroupTemplatesVariables")]
struct TemplatesOfGroup {
    #[arguments(first: 100, after: $after)]
    templates: GroupTemplateAccessConnection,
}

connection!(GroupTemplateAccessConnection, GroupTemplateAccess);

#[derive(cynic::QueryVariables)]
pub(crate) struct SetTemplateAccessVariables {
    input: SetTemplateAccessInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetTemplateAccessVariables")]
pub(crate) struct SetTemplateAccess {
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

    /// Members and groups that the access list of a template does not name, by name.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the template, else as [`Client::run`].
    pub async fn template_access_candidates(
        &self,
        template: &Id,
        filter: &TemplateAccessCandidateFilter,
        after: Option<String>,
    ) -> Result<Page<TemplateAccessCandidate>, ClientError> {
        let variables =
            AccessCandidatesVariables { template: template.clone(), filter: filter.clone(), after };
        let data = self.run_idempotent(AccessCandidates::build(variables)).await?;
        let candidates = match found(data.node, "template", template.inner())? {
            CandidatesOfNode::Template(template) => template.access_candidates,
            CandidatesOfNode::Other => None,
        };
        Ok(candidates.ok_or(ClientError::Incomplete)?.into())
    }

    /// What a user may do to a template and why, permission by permission; `None` is whoever asks.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the template, else as [`Client::run`].
    pub async fn template_access_of(
        &self,
        template: &Id,
        user: Option<Id>,
    ) -> Result<Vec<AccessExplanation>, ClientError> {
        let variables = AccessOfVariables { template: template.clone(), user };
        let data = self.run_idempotent(AccessOf::build(variables)).await?;
        let explained = match found(data.node, "template", template.inner())? {
            AccessOfSomebody::Template(template) => template.access_of,
            AccessOfSomebody::Other => None,
        };
        explained.ok_or(ClientError::Incomplete)
    }

    /// What the members of a group may do with templates, by name.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the group, else as [`Client::run`].
    pub async fn group_templates(
        &self,
        group: &Id,
        after: Option<String>,
    ) -> Result<Page<GroupTemplateAccess>, ClientError> {
        let variables = GroupTemplatesVariables { group: group.clone(), after };
        let data = self.run_idempotent(GroupTemplates::build(variables)).await?;
        let templates = match data.node {
            Some(TemplatesOfNode::Group(group)) => Some(group.templates),
            Some(TemplatesOfNode::Other) | None => None,
        };
        Ok(found(templates, "group", group.inner())?.into())
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
