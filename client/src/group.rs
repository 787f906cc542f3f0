//! Groups of an organization's members.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A group of members.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// `grp_…`.
    pub id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Credits a day that each of its members may spend.
    pub quota_allowance: i32,
    /// Who decides on its members.
    pub source: GroupSource,
    /// Whether it is the group of all members.
    pub is_everyone: bool,
    /// Its size; `None` where the token may not see it.
    pub member_count: Option<i32>,
    /// When it was created.
    pub created_at: DateTime,
}

/// Who decides on a group's members.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum GroupSource {
    /// People.
    User,
    /// An identity provider at sign-in.
    Oidc,
    /// An identity provider at any time.
    Scim,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// A new group.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateGroupInput {
    /// Where.
    pub organization_id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// For people; default: the name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Credits a day for each member; default 0.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub quota_allowance: Option<i32>,
}

/// Members to add to a group.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct AddGroupMembersInput {
    /// Which.
    pub group_id: Id,
    /// Whom.
    pub user_ids: Vec<Id>,
}

/// What came of adding one member.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct AddGroupMemberResult {
    /// Whom it is about.
    pub user_id: Id,
    /// Why it was not made.
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct GroupsVariables {
    organization: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GroupsVariables")]
struct Groups {
    #[arguments(by: { id: $organization })]
    organization: Option<GroupsOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "GroupsVariables")]
struct GroupsOfOrganization {
    #[arguments(first: 100, after: $after, filter: { name: $name }, orderBy: NAME_ASC)]
    groups: GroupConnection,
}

connection!(GroupConnection, Group);

#[derive(cynic::QueryVariables)]
struct CreateGroupVariables {
    input: CreateGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateGroupVariables")]
struct CreateGroup {
    #[arguments(input: $input)]
    create_group: Option<CreateGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateGroupPayload {
    group: Option<Group>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct AddGroupMembersVariables {
    input: AddGroupMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AddGroupMembersVariables")]
struct AddGroupMembers {
    #[arguments(input: $input)]
    add_group_members: Option<AddGroupMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct AddGroupMembersPayload {
    results: Vec<AddGroupMemberResult>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The groups of an organization, by name; with `name`, the one called so.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn groups(
        &self,
        organization: &Id,
        name: Option<String>,
        after: Option<String>,
    ) -> Result<Page<Group>, ClientError> {
        let variables = GroupsVariables { organization: organization.clone(), name, after };
        let data = self.run_idempotent(Groups::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.groups.into())
    }

    /// Creates a group.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_group(&self, input: CreateGroupInput) -> Result<Group, ClientError> {
        let data = self.run(CreateGroup::build(CreateGroupVariables { input })).await?;
        accepted(data.create_group.map(|payload| (payload.group, payload.user_errors)))
    }

    /// Adds members to a group; each has a result of their own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn add_group_members(
        &self,
        input: AddGroupMembersInput,
    ) -> Result<Vec<AddGroupMemberResult>, ClientError> {
        let data = self.run(AddGroupMembers::build(AddGroupMembersVariables { input })).await?;
        accepted(data.add_group_members.map(|payload| (Some(payload.results), payload.user_errors)))
    }
}
