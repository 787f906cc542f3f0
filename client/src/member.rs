//! Who belongs to an organization, and with which roles.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::role::Role;
use crate::user::UserRef;
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

/// A membership to end.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct RemoveMemberInput {
    /// Where.
    pub organization_id: Id,
    /// Whose.
    pub user_id: Id,
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
struct MembersVariables {
    organization: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "MembersVariables")]
struct Members {
    #[arguments(by: { id: $organization })]
    organization: Option<MembersOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "MembersVariables")]
struct MembersOfOrganization {
    #[arguments(first: 100, after: $after, filter: { query: $query }, orderBy: USERNAME_ASC)]
    members: MemberConnection,
}

connection!(MemberConnection, Member);

#[derive(cynic::QueryVariables)]
struct AddMembersVariables {
    input: AddMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "AddMembersVariables")]
struct AddMembers {
    #[arguments(input: $input)]
    add_members: Option<AddMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct AddMembersPayload {
    results: Vec<AddMemberResult>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct RemoveMemberVariables {
    input: RemoveMemberInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RemoveMemberVariables")]
struct RemoveMember {
    #[arguments(input: $input)]
    remove_member: Option<RemoveMemberPayload>,
}

#[derive(cynic::QueryFragment)]
struct RemoveMemberPayload {
    removed_user_id: Option<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct SetMemberRolesVariables {
    input: SetMemberRolesInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetMemberRolesVariables")]
struct SetMemberRoles {
    #[arguments(input: $input)]
    set_member_roles: Option<SetMemberRolesPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetMemberRolesPayload {
    member: Option<Member>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The members of an organization, by username.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn members(
        &self,
        organization: &Id,
        query: Option<String>,
        after: Option<String>,
    ) -> Result<Page<Member>, ClientError> {
        let variables = MembersVariables { organization: organization.clone(), query, after };
        let data = self.run_idempotent(Members::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.members.into())
    }

    /// Adds users to an organization; each has a result of their own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn add_members(&self, input: AddMembersInput) -> Result<Vec<AddMemberResult>, ClientError> {
        let data = self.run(AddMembers::build(AddMembersVariables { input })).await?;
        accepted(data.add_members.map(|payload| (Some(payload.results), payload.user_errors)))
    }

    /// Ends a membership; answers whose.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn remove_member(&self, input: RemoveMemberInput) -> Result<Id, ClientError> {
        let data = self.run(RemoveMember::build(RemoveMemberVariables { input })).await?;
        accepted(data.remove_member.map(|payload| (payload.removed_user_id, payload.user_errors)))
    }

    /// Replaces the roles of a member.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_member_roles(&self, input: SetMemberRolesInput) -> Result<Member, ClientError> {
        let data = self.run(SetMemberRoles::build(SetMemberRolesVariables { input })).await?;
        accepted(data.set_member_roles.map(|payload| (payload.member, payload.user_errors)))
    }
}
