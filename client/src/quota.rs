//! Quotas.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::{Client, ClientError, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// A budget and what is used of it, in credits a day.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone, Copy)]
pub struct Quota {
    /// What may be used; `None` for no limit.
    pub budget: Option<i32>,
    /// What is used.
    pub used: i32,
    /// What is left.
    pub remaining: Option<i32>,
}

/// A member with their quota.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "Member")]
pub struct MemberQuota {
    /// Who.
    pub user: QuotaUser,
    /// Their quota; `None` when the token may not see it.
    pub quota: Option<Quota>,
}

/// The user of a quota.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "User")]
pub struct QuotaUser {
    /// The name to sign in with.
    pub username: String,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct MemberQuotaVariables {
    organization: Id,
    username: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "MemberQuotaVariables")]
pub(crate) struct MemberQuotas {
    #[arguments(by: { id: $organization })]
    organization: Option<QuotaMembers>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "MemberQuotaVariables")]
struct QuotaMembers {
    #[arguments(first: 100, filter: { query: $username })]
    members: QuotaMemberConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "MemberConnection")]
struct QuotaMemberConnection {
    nodes: Vec<MemberQuota>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct OrganizationQuotaVariables {
    organization: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OrganizationQuotaVariables")]
pub(crate) struct OrganizationQuota {
    #[arguments(by: { id: $organization })]
    organization: Option<QuotaOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization")]
struct QuotaOfOrganization {
    quota: Option<Quota>,
}

#[derive(cynic::InputObject)]
struct SetOrganizationQuotaInput {
    organization_id: Id,
    cap: Option<i32>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetOrganizationQuotaVariables {
    input: SetOrganizationQuotaInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetOrganizationQuotaVariables")]
pub(crate) struct SetOrganizationQuota {
    #[arguments(input: $input)]
    set_organization_quota: Option<SetQuotaOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "SetOrganizationQuotaPayload")]
struct SetQuotaOfOrganization {
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct SetGroupQuotaInput {
    group_id: Id,
    allowance: i32,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetGroupQuotaVariables {
    input: SetGroupQuotaInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetGroupQuotaVariables")]
pub(crate) struct SetGroupQuota {
    #[arguments(input: $input)]
    set_group_quota: Option<SetQuotaOfGroup>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "SetGroupQuotaPayload")]
struct SetQuotaOfGroup {
    user_errors: Vec<UserError>,
}

impl Client {
    /// A member's quota in an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such member, else as [`Client::run`].
    pub async fn member_quota(&self, organization: &Id, username: &str) -> Result<MemberQuota, ClientError> {
        let variables =
            MemberQuotaVariables { organization: organization.clone(), username: username.to_owned() };
        let data = self.run_idempotent(MemberQuotas::build(variables)).await?;
        let members = found(data.organization, "organization", organization.inner())?.members.nodes;
        let member = members.into_iter().find(|one| one.user.username.eq_ignore_ascii_case(username));
        found(member, "member", username)
    }

    /// An organization's quota.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn organization_quota(&self, organization: &Id) -> Result<Quota, ClientError> {
        let variables = OrganizationQuotaVariables { organization: organization.clone() };
        let data = self.run_idempotent(OrganizationQuota::build(variables)).await?;
        let of = found(data.organization, "organization", organization.inner())?;
        of.quota.ok_or(ClientError::Incomplete)
    }

    /// Sets an organization's cap; `None` removes it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_organization_quota(
        &self,
        organization: &Id,
        cap: Option<i32>,
    ) -> Result<(), ClientError> {
        let input = SetOrganizationQuotaInput { organization_id: organization.clone(), cap };
        let data = self.run(SetOrganizationQuota::build(SetOrganizationQuotaVariables { input })).await?;
        accepted(data.set_organization_quota.map(|payload| (Some(()), payload.user_errors)))
    }

    /// Sets what each member of a group may use.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_group_quota(&self, group: &Id, allowance: i32) -> Result<(), ClientError> {
        let input = SetGroupQuotaInput { group_id: group.clone(), allowance };
        let data = self.run(SetGroupQuota::build(SetGroupQuotaVariables { input })).await?;
        accepted(data.set_group_quota.map(|payload| (Some(()), payload.user_errors)))
    }
}
