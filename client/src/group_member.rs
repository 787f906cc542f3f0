//! Who is in a group.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::user::UserRef;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// Somebody's place in a group.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// Who.
    pub user: UserRef,
    /// Since when.
    pub created_at: DateTime,
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

/// Which members of a group; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct GroupMemberFilter {
    /// Text in username or name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// An order of members of a group.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupMemberOrder {
    /// By username, a to z.
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct GroupMembersVariables {
    group: Id,
    filter: GroupMemberFilter,
    order: GroupMemberOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GroupMembersVariables")]
pub(crate) struct GroupMembers {
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
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    members: Option<GroupMemberConnection>,
}

connection!(GroupMemberConnection, GroupMember);

#[derive(cynic::QueryVariables)]
pub(crate) struct RemoveGroupMembersVariables {
    input: RemoveGroupMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RemoveGroupMembersVariables")]
pub(crate) struct RemoveGroupMembers {
    #[arguments(input: $input)]
    remove_group_members: Option<RemoveGroupMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct RemoveGroupMembersPayload {
    results: Vec<RemoveGroupMemberResult>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AddGroupMembersVariables {
    input: AddGroupMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AddGroupMembersVariables")]
pub(crate) struct AddGroupMembers {
    #[arguments(input: $input)]
    add_group_members: Option<AddGroupMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct AddGroupMembersPayload {
    results: Vec<AddGroupMemberResult>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The members of a group.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the group, else as [`Client::run`].
    pub async fn group_members(
        &self,
        group: &Id,
        filter: &GroupMemberFilter,
        order: GroupMemberOrder,
        after: Option<String>,
    ) -> Result<Page<GroupMember>, ClientError> {
        let variables = GroupMembersVariables { group: group.clone(), filter: filter.clone(), order, after };
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
