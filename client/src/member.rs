//! Who belongs to an organization, and with which roles.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::group::GroupRef;
use crate::role::Role;
use crate::user::{User, UserRef, UserStatus};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A user in an organization.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    pub user: UserRef,
    /// Roles inside the organization, beyond that of every member.
    pub roles: Vec<Role>,
    /// When they joined.
    pub created_at: DateTime,
}

/// A user in an organization, with what there is to know about them.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Member")]
#[serde(rename_all = "camelCase")]
pub struct MemberDetail {
    /// Who.
    pub user: User,
    /// Roles inside the organization, beyond that of every member.
    pub roles: Vec<Role>,
    /// Groups that they are in, as far as the token may know; a hundred at most.
    #[arguments(first: 100)]
    pub groups: GroupsOfMember,
    /// When they joined.
    pub created_at: DateTime,
}

/// The groups of a member.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "GroupConnection")]
pub struct GroupsOfMember {
    /// By name.
    pub nodes: Vec<GroupRef>,
}

/// Users to add to an organization.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct AddMembersInput {
    /// Where to.
    pub organization_id: Id,
    /// Whom.
    pub members: Vec<NewMemberInput>,
}

/// A user to add.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct NewMemberInput {
    /// Who, by exact username: whoever adds may not be able to look them up before.
    pub username: String,
    /// Names of roles beyond that of every member.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// What came of adding one user.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct AddMemberResult {
    /// The membership, if it was made.
    pub member: Option<Member>,
    /// Why it was not made.
    pub user_errors: Vec<UserError>,
}

/// Which members: all of these together.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct MemberFilter {
    /// Text in username, name or, where it may be seen, email.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// This user.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// Who hold this role.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Who are in this group.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Id>,
    /// Who are so.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
}

/// The orders of members.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberOrder {
    /// By username, a to z.
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Who joined first comes first.
    CreatedAtAsc,
    /// Who joined last comes first.
    CreatedAtDesc,
}

/// The roles that members shall have.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct SetMembersRolesInput {
    /// Where.
    pub organization_id: Id,
    /// Who, with which.
    pub members: Vec<MemberRolesInput>,
}

/// The roles that one of several members shall have.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct MemberRolesInput {
    /// Who.
    pub user_id: Id,
    /// Names of all their roles beyond that of every member.
    pub roles: Vec<String>,
}

/// What came of setting the roles of one member.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct SetMemberRolesResult {
    /// Whom it is about.
    pub user_id: Id,
    /// The member with the new roles, if they were set.
    pub member: Option<Member>,
    /// Why they were not.
    pub user_errors: Vec<UserError>,
}

/// The roles that a member shall have.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct SetMemberRolesInput {
    /// Where.
    pub organization_id: Id,
    /// Who.
    pub user_id: Id,
    /// Names of all their roles beyond that of every member.
    pub roles: Vec<String>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct MembersVariables {
    organization: Id,
    filter: MemberFilter,
    order: MemberOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "MembersVariables")]
pub(crate) struct Members {
    #[arguments(by: { id: $organization })]
    organization: Option<MembersOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "MembersVariables")]
struct MembersOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    members: MemberConnection,
}

connection!(MemberConnection, Member);

#[derive(cynic::QueryVariables)]
pub(crate) struct OneMemberVariables {
    organization: Id,
    filter: MemberFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OneMemberVariables")]
pub(crate) struct OneMember {
    #[arguments(by: { id: $organization })]
    organization: Option<OneMemberOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "OneMemberVariables")]
struct OneMemberOfOrganization {
    #[arguments(first: 1, filter: $filter)]
    members: OneMemberConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "MemberConnection")]
struct OneMemberConnection {
    nodes: Vec<MemberDetail>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct AddMembersVariables {
    input: AddMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AddMembersVariables")]
pub(crate) struct AddMembers {
    #[arguments(input: $input)]
    add_members: Option<AddMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct AddMembersPayload {
    results: Vec<AddMemberResult>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetMemberRolesVariables {
    input: SetMemberRolesInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetMemberRolesVariables")]
pub(crate) struct SetMemberRoles {
    #[arguments(input: $input)]
    set_member_roles: Option<SetMemberRolesPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetMemberRolesPayload {
    member: Option<Member>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetMembersRolesVariables {
    input: SetMembersRolesInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetMembersRolesVariables")]
pub(crate) struct SetMembersRoles {
    #[arguments(input: $input)]
    set_members_roles: Option<SetMembersRolesPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetMembersRolesPayload {
    results: Vec<SetMemberRolesResult>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The members of an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn members(
        &self,
        organization: &Id,
        filter: &MemberFilter,
        order: MemberOrder,
        after: Option<String>,
    ) -> Result<Page<Member>, ClientError> {
        let variables =
            MembersVariables { organization: organization.clone(), filter: filter.clone(), order, after };
        let data = self.run_idempotent(Members::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.members.into())
    }

    /// A member of an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization and the member, else as [`Client::run`].
    pub async fn member(&self, organization: &Id, user: &User) -> Result<MemberDetail, ClientError> {
        let filter = MemberFilter { user_id: Some(user.id.clone()), ..MemberFilter::default() };
        let variables = OneMemberVariables { organization: organization.clone(), filter };
        let data = self.run_idempotent(OneMember::build(variables)).await?;
        let members = found(data.organization, "organization", organization.inner())?.members.nodes;
        found(members.into_iter().next(), "member", &user.username)
    }

    /// Adds users to an organization; each has a result of their own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn add_members(&self, input: AddMembersInput) -> Result<Vec<AddMemberResult>, ClientError> {
        let data = self.run(AddMembers::build(AddMembersVariables { input })).await?;
        accepted(data.add_members.map(|payload| (Some(payload.results), payload.user_errors)))
    }

    /// Replaces the roles of a member.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_member_roles(&self, input: SetMemberRolesInput) -> Result<Member, ClientError> {
        let data = self.run(SetMemberRoles::build(SetMemberRolesVariables { input })).await?;
        accepted(data.set_member_roles.map(|payload| (payload.member, payload.user_errors)))
    }

    /// Replaces the roles of members; each has a result of their own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_members_roles(
        &self,
        input: SetMembersRolesInput,
    ) -> Result<Vec<SetMemberRolesResult>, ClientError> {
        let data = self.run(SetMembersRoles::build(SetMembersRolesVariables { input })).await?;
        accepted(data.set_members_roles.map(|payload| (Some(payload.results), payload.user_errors)))
    }
}
