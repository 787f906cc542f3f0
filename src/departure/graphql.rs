//! How it looks when somebody leaves an organization.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{OrganizationId, UserId};

use super::{Disposition, Impact};
use crate::authz::{self, Permission};
use crate::credits;
use crate::error::{Error, Refusal, Result};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome, outcome_of_item};

/// What the removal of a member would change; nothing of it has happened.
#[derive(Clone, Copy)]
pub(crate) struct MemberRemovalImpact(Impact);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Leaving(OrganizationId, UserId);

#[async_trait::async_trait]
impl Loader<Leaving> for Loaders {
    type Value = Impact;
    type Error = Error;

    async fn load(&self, keys: &[Leaving]) -> Result<HashMap<Leaving, Impact>> {
        let members: Vec<_> = keys.iter().map(|key| (key.0, key.1)).collect();
        let impacts = super::impacts(&self.db, &members).await?;
        Ok(impacts
            .into_iter()
            .map(|((organization, user), impact)| (Leaving(organization, user), impact))
            .collect())
    }
}

impl MemberRemovalImpact {
    /// A member's.
    pub(crate) async fn of(request: &Request, organization: OrganizationId, user: UserId) -> Result<Self> {
        let impact = request.load(Leaving(organization, user)).await?;
        Ok(Self(impact.ok_or_else(|| Error::internal("a loader did not answer one of its keys"))?))
    }
}

/// What the removal of a member would change; nothing of it has happened.
#[Object]
impl MemberRemovalImpact {
    /// How many live workspaces they own in the organization.
    async fn workspaces(&self) -> i64 {
        self.0.workspaces
    }

    /// How many of those are up.
    async fn running_workspaces(&self) -> i64 {
        self.0.running
    }

    /// How many of those are down.
    async fn stopped_workspaces(&self) -> i64 {
        self.0.stopped
    }

    /// How many of those are neither: their last build failed or was canceled.
    async fn failed_workspaces(&self) -> i64 {
        self.0.failed
    }

    /// How many of those have a build under way: `STOP` and `DELETE` are refused until it has ended.
    async fn building_workspaces(&self) -> i64 {
        self.0.building
    }

    /// What they cost, in credits a day: with `TRANSFER`, it must fit into the new owner's budget.
    async fn daily_cost(&self) -> i32 {
        credits::told(self.0.daily_cost)
    }

    /// How many groups besides Everyone they leave.
    async fn groups(&self) -> i64 {
        self.0.groups
    }

    /// How many entries of templates' access lists name them; these do not come back with a new membership.
    async fn template_access(&self) -> i64 {
        self.0.access_entries
    }
}

/// What becomes of the workspaces of somebody who leaves an organization.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum WorkspaceDisposition {
    /// They stay as they are, and theirs: administrators see them, whoever left does not, until they are a member again.
    Keep,
    /// They become another member's, with their jobs. Refused when the new owner has workspaces of the same names, or too
    /// small a budget. Needs `WORKSPACE_UPDATE`.
    Transfer,
    /// Like `KEEP`, and what is not down is stopped. Refused while one of them is being built. Needs `WORKSPACE_STOP`.
    Stop,
    /// They are destroyed. Refused while one of them is being built. Needs `WORKSPACE_DELETE`.
    Delete,
}

/// A member to remove.
#[derive(InputObject)]
struct RemoveMemberInput {
    /// The organization.
    organization_id: ID,
    /// The user.
    user_id: ID,
    /// What becomes of their workspaces; KEEP if absent.
    workspaces: Option<WorkspaceDisposition>,
    /// With TRANSFER, whose they become: another member.
    transfer_to_user_id: Option<ID>,
}

/// What `removeMember` answers.
#[derive(SimpleObject)]
struct RemoveMemberPayload {
    /// Who was removed; null when there are user errors.
    removed_user_id: Option<ID>,
    /// Workspaces that were transferred, or for which a build was queued.
    workspace_ids: Vec<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Members to remove.
#[derive(InputObject)]
struct RemoveMembersInput {
    /// The organization.
    organization_id: ID,
    /// Who, 1–100; each is removed or not for themselves, in a transaction of their own.
    user_ids: Vec<ID>,
    /// What becomes of the workspaces of each; KEEP if absent.
    workspaces: Option<WorkspaceDisposition>,
    /// With TRANSFER, whose they become: a member who stays.
    transfer_to_user_id: Option<ID>,
}

/// What became of one of several members.
#[derive(SimpleObject)]
struct RemoveMemberResult {
    /// The user.
    user_id: ID,
    /// Workspaces that were transferred, or for which a build was queued.
    workspace_ids: Vec<ID>,
    /// What a person can fix; empty when they are a member no more.
    user_errors: Vec<UserError>,
}

/// What `removeMembers` answers.
#[derive(SimpleObject)]
struct RemoveMembersPayload {
    /// One for each user of the input, in its order.
    results: Vec<RemoveMemberResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// Removals of members.
#[derive(Default)]
pub(crate) struct DepartureMutation;

#[Object]
impl DepartureMutation {
    /// Removes a member, their place in groups and their entries in access lists, and does with their workspaces as asked;
    /// `Member.removalImpact` says beforehand what there is. Needs `MEMBER_DELETE`, what they hold there by roles,
    /// and for the workspaces what their disposition says.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveMemberInput,
    ) -> Nullable<RemoveMemberPayload> {
        nullable(async {
            let (removed, user_errors) = outcome(remove(ctx.request(), &input).await)?;
            let removed_user_id = removed.is_some().then_some(input.user_id);
            Ok(Some(RemoveMemberPayload {
                removed_user_id,
                workspace_ids: removed.unwrap_or_default(),
                user_errors,
            }))
        })
        .await
    }

    /// Removes members like `removeMember`, answering for each. Needs `MEMBER_DELETE`, and for the workspaces what their
    /// disposition says.
    async fn remove_members(
        &self,
        ctx: &Context<'_>,
        input: RemoveMembersInput,
    ) -> Nullable<RemoveMembersPayload> {
        nullable(async {
            let (results, user_errors) = outcome(remove_all(ctx.request(), input).await)?;
            Ok(Some(RemoveMembersPayload { results: results.unwrap_or_default(), user_errors }))
        })
        .await
    }
}

const MEMBERS_AT_ONCE: usize = 100;

fn disposition(
    workspaces: Option<WorkspaceDisposition>,
    transfer_to: Option<&ID>,
) -> Result<Disposition, Refusal> {
    let field = &["transferToUserId"];
    let to = transfer_to.map(|id| id.parse().map_err(|_| Refusal::not_found(field, "other member")));
    match (workspaces.unwrap_or(WorkspaceDisposition::Keep), to) {
        (WorkspaceDisposition::Transfer, Some(to)) => Ok(Disposition::Transfer(to?)),
        (WorkspaceDisposition::Transfer, None) => {
            Err(Refusal::invalid(field, "say whose the workspaces become"))
        }
        (_, Some(_)) => Err(Refusal::invalid(field, "only with `workspaces: TRANSFER`")),
        (WorkspaceDisposition::Keep, None) => Ok(Disposition::Keep),
        (WorkspaceDisposition::Stop, None) => Ok(Disposition::Stop),
        (WorkspaceDisposition::Delete, None) => Ok(Disposition::Delete),
    }
}

async fn remove(request: &Request, input: &RemoveMemberInput) -> Result<Vec<ID>> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let disposition = disposition(input.workspaces, input.transfer_to_user_id.as_ref())?;
    remove_one(request, organization, &input.user_id, disposition).await
}

async fn remove_one(
    request: &Request,
    organization: OrganizationId,
    user: &ID,
    disposition: Disposition,
) -> Result<Vec<ID>> {
    let user: UserId = user.parse().map_err(|_| Refusal::not_found(&["userId"], "member"))?;
    let (db, sealer, actor) = (&request.db, &request.app.sealer, &request.actor);
    let touched = super::remove(db, sealer, actor, (organization, user), disposition).await?;
    Ok(touched.into_iter().map(|id| id.to_string().into()).collect())
}

async fn remove_all(request: &Request, input: RemoveMembersInput) -> Result<Vec<RemoveMemberResult>> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let disposition = disposition(input.workspaces, input.transfer_to_user_id.as_ref())?;
    if !(1..=MEMBERS_AT_ONCE).contains(&input.user_ids.len()) {
        let message =
            format!("between 1 and {MEMBERS_AT_ONCE} members at once, got {}", input.user_ids.len());
        return Err(Refusal::invalid(&["userIds"], message).into());
    }
    request.require(Permission::MemberDelete, authz::Object::in_organization(organization))?;
    let mut results = Vec::with_capacity(input.user_ids.len());
    for (at, user_id) in input.user_ids.into_iter().enumerate() {
        let removed = remove_one(request, organization, &user_id, disposition).await;
        let (touched, user_errors) = outcome_of_item(removed, ("userIds", at), &[])?;
        results.push(RemoveMemberResult { user_id, workspace_ids: touched.unwrap_or_default(), user_errors });
    }
    Ok(results)
}
