//! Groups of an organization's members.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::user::UserRef;
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
    /// URL of a picture; may be empty.
    pub avatar_url: String,
    /// Credits a day that each of its members may spend.
    pub quota_allowance: i32,
    /// Who decides on its members.
    pub source: GroupSource,
    /// Whether it is the group of all members.
    pub is_everyone: bool,
    /// Its size; `None` where the token may not see it.
    pub member_count: Option<i32>,
    /// Pass it back to change it only if nobody else has.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime,
}

/// Somebody's place in a group.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// Who.
    pub user: UserRef,
    /// Since when.
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

/// Changes to a group; what is `None` stays as it is.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateGroupInput {
    /// Which.
    pub group_id: Id,
    /// Slug, unique in the organization.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// An emoji, an https: URL or a site path.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Credits a day for each member.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub quota_allowance: Option<i32>,
    /// Change nothing unless the group still has this version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

/// A group to delete.
#[derive(cynic::InputObject, Debug, Clone)]
struct DeleteGroupInput {
    group_id: Id,
}

/// Members to take out of a group.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct RemoveGroupMembersInput {
    /// Which.
    pub group_id: Id,
    /// Whom.
    pub user_ids: Vec<Id>,
}

/// What came of taking one member out.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct RemoveGroupMemberResult {
    /// Whom it is about.
    pub user_id: Id,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
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
struct GroupMembersVariables {
    group: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GroupMembersVariables")]
struct GroupMembers {
    #[arguments(id: $group)]
    node: Option<NodeWithMembers>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node", variables = "GroupMembersVariables")]
enum NodeWithMembers {
    Group(MembersOfGroup),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Group", variables = "GroupMembersVariables")]
struct MembersOfGroup {
    #[arguments(first: 100, after: $after)]
    members: Option<GroupMemberConnection>,
}

connection!(GroupMemberConnection, GroupMember);

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
struct UpdateGroupVariables {
    input: UpdateGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateGroupVariables")]
struct UpdateGroup {
    #[arguments(input: $input)]
    update_group: Option<UpdateGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateGroupPayload {
    group: Option<Group>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct DeleteGroupVariables {
    input: DeleteGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteGroupVariables")]
struct DeleteGroup {
    #[arguments(input: $input)]
    delete_group: Option<DeleteGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteGroupPayload {
    deleted_group_id: Option<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct RemoveGroupMembersVariables {
    input: RemoveGroupMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RemoveGroupMembersVariables")]
struct RemoveGroupMembers {
    #[arguments(input: $input)]
    remove_group_members: Option<RemoveGroupMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct RemoveGroupMembersPayload {
    results: Vec<RemoveGroupMemberResult>,
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

    /// Changes a group.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_group(&self, input: UpdateGroupInput) -> Result<Group, ClientError> {
        let data = self.run(UpdateGroup::build(UpdateGroupVariables { input })).await?;
        accepted(data.update_group.map(|payload| (payload.group, payload.user_errors)))
    }

    /// Deletes a group; answers which.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for the group of all members, else as [`Client::run`].
    pub async fn delete_group(&self, group: &Id) -> Result<Id, ClientError> {
        let input = DeleteGroupInput { group_id: group.clone() };
        let data = self.run(DeleteGroup::build(DeleteGroupVariables { input })).await?;
        accepted(data.delete_group.map(|payload| (payload.deleted_group_id, payload.user_errors)))
    }

    /// The members of a group, by username.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the group, else as [`Client::run`].
    pub async fn group_members(
        &self,
        group: &Id,
        after: Option<String>,
    ) -> Result<Page<GroupMember>, ClientError> {
        let variables = GroupMembersVariables { group: group.clone(), after };
        let data = self.run_idempotent(GroupMembers::build(variables)).await?;
        let members = match data.node {
            Some(NodeWithMembers::Group(group)) => group.members,
            Some(NodeWithMembers::Other) | None => None,
        };
        Ok(found(members, "group", group.inner())?.into())
    }

    /// Takes members out of a group; each has a result of their own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn remove_group_members(
        &self,
        input: RemoveGroupMembersInput,
    ) -> Result<Vec<RemoveGroupMemberResult>, ClientError> {
        let data = self.run(RemoveGroupMembers::build(RemoveGroupMembersVariables { input })).await?;
        accepted(data.remove_group_members.map(|payload| (Some(payload.results), payload.user_errors)))
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
