//! When members leave an organization.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::member::MemberFilter;
use crate::{Client, ClientError, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// What becomes of the workspaces of somebody who leaves.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceDisposition {
    /// They stay theirs.
    Keep,
    /// They become another member's.
    Transfer,
    /// They stay theirs, and are stopped.
    Stop,
    /// They are destroyed.
    Delete,
}

/// What the removal of a member would change.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct MemberRemovalImpact {
    /// Live workspaces of theirs.
    pub workspaces: i32,
    /// Those that are up.
    pub running_workspaces: i32,
    /// Those that are down.
    pub stopped_workspaces: i32,
    /// Those that are neither: their last build failed or was canceled.
    pub failed_workspaces: i32,
    /// Those with a build under way.
    pub building_workspaces: i32,
    /// What they cost, in credits a day.
    pub daily_cost: i32,
    /// Groups besides that of all members.
    pub groups: i32,
    /// Entries of templates' access lists that name them.
    pub template_access: i32,
}

/// Memberships to end.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct RemoveMembersInput {
    /// Where.
    pub organization_id: Id,
    /// Whose.
    pub user_ids: Vec<Id>,
    /// What becomes of their workspaces; default: they stay theirs.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<WorkspaceDisposition>,
    /// Whose the workspaces become.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub transfer_to_user_id: Option<Id>,
}

/// What came of removing one member.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct RemoveMemberResult {
    /// Whom it is about.
    pub user_id: Id,
    /// Workspaces that were given away, or for which a build was queued.
    pub workspace_ids: Vec<Id>,
    /// Why they were not removed.
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RemovalImpactVariables {
    organization: Id,
    filter: MemberFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "RemovalImpactVariables")]
pub(crate) struct RemovalImpact {
    #[arguments(by: { id: $organization })]
    organization: Option<OrganizationWithImpact>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "RemovalImpactVariables")]
struct OrganizationWithImpact {
    #[arguments(first: 1, filter: $filter)]
    members: ImpactConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "MemberConnection")]
struct ImpactConnection {
    nodes: Vec<MemberWithImpact>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Member")]
struct MemberWithImpact {
    removal_impact: Option<MemberRemovalImpact>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RemoveMembersVariables {
    input: RemoveMembersInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RemoveMembersVariables")]
pub(crate) struct RemoveMembers {
    #[arguments(input: $input)]
    remove_members: Option<RemoveMembersPayload>,
}

#[derive(cynic::QueryFragment)]
struct RemoveMembersPayload {
    results: Vec<RemoveMemberResult>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// What the removal of a member would change.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization and the member, else as [`Client::run`].
    pub async fn removal_impact(
        &self,
        organization: &Id,
        user: &Id,
    ) -> Result<MemberRemovalImpact, ClientError> {
        let filter = MemberFilter { user_id: Some(user.clone()), ..MemberFilter::default() };
        let variables = RemovalImpactVariables { organization: organization.clone(), filter };
        let data = self.run_idempotent(RemovalImpact::build(variables)).await?;
        let members = found(data.organization, "organization", organization.inner())?.members.nodes;
        let member = found(members.into_iter().next(), "member", user.inner())?;
        member.removal_impact.ok_or(ClientError::Incomplete)
    }

    /// Ends memberships; each has a result of its own, in the order asked.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn remove_members(
        &self,
        input: RemoveMembersInput,
    ) -> Result<Vec<RemoveMemberResult>, ClientError> {
        let data = self.run(RemoveMembers::build(RemoveMembersVariables { input })).await?;
        accepted(data.remove_members.map(|payload| (Some(payload.results), payload.user_errors)))
    }
}
