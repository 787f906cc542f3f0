//! Groups of an organization's members.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A group as other objects name it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Group")]
pub struct GroupRef {
    /// `grp_…`.
    pub id: Id,
    /// Slug, unique in the organization.
    pub name: String,
}

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
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
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

/// Which groups; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct GroupFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Exactly one of these names, at most 100.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Text in name or display name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Whose members are managed so.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub source: Option<GroupSource>,
}

impl GroupFilter {
    /// The one called so.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Those called so; at most 100.
    #[must_use]
    pub fn any_of(names: Vec<String>) -> Self {
        Self { names: Some(names), ..Self::default() }
    }
}

/// An order of groups.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct GroupsVariables {
    organization: Id,
    filter: GroupFilter,
    order: GroupOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GroupsVariables")]
pub(crate) struct Groups {
    #[arguments(by: { id: $organization })]
    organization: Option<GroupsOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "GroupsVariables")]
struct GroupsOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    groups: GroupConnection,
}

connection!(GroupConnection, Group);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateGroupVariables {
    input: CreateGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateGroupVariables")]
pub(crate) struct CreateGroup {
    #[arguments(input: $input)]
    create_group: Option<CreateGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateGroupPayload {
    group: Option<Group>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateGroupVariables {
    input: UpdateGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateGroupVariables")]
pub(crate) struct UpdateGroup {
    #[arguments(input: $input)]
    update_group: Option<UpdateGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateGroupPayload {
    group: Option<Group>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteGroupVariables {
    input: DeleteGroupInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteGroupVariables")]
pub(crate) struct DeleteGroup {
    #[arguments(input: $input)]
    delete_group: Option<DeleteGroupPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteGroupPayload {
    deleted_group_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The groups of an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn groups(
        &self,
        organization: &Id,
        filter: &GroupFilter,
        order: GroupOrder,
        after: Option<String>,
    ) -> Result<Page<Group>, ClientError> {
        let variables =
            GroupsVariables { organization: organization.clone(), filter: filter.clone(), order, after };
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
}
