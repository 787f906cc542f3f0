//! Changes to budgets.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::{GroupId, OrganizationId};

use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::group;
use crate::group::graphql::Group;
use crate::organization;
use crate::organization::graphql::Organization;

/// A cap for an organization.
#[derive(InputObject)]
struct SetOrganizationQuotaInput {
    /// The organization.
    organization_id: ID,
    /// Credits a day that all its workspaces together may use, 0–1,000,000; null for no cap. One of them must be said.
    cap: MaybeUndefined<i32>,
}

/// What `setOrganizationQuota` answers.
#[derive(SimpleObject)]
struct SetOrganizationQuotaPayload {
    /// The organization as it is now; null when there are user errors.
    organization: Option<Organization>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// An allowance for a group.
#[derive(InputObject)]
struct SetGroupQuotaInput {
    /// The group; Everyone may have an allowance as well.
    group_id: ID,
    /// Credits a day for each member, 0–1,000,000.
    allowance: i32,
}

/// What `setGroupQuota` answers.
#[derive(SimpleObject)]
struct SetGroupQuotaPayload {
    /// The group as it is now; null when there are user errors.
    group: Option<Group>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to budgets.
#[derive(Default)]
pub(crate) struct QuotaMutation;

#[Object]
impl QuotaMutation {
    /// Sets or removes an organization's cap. What is in use stays in use; only builds that cost more are refused.
    /// Needs `QUOTA_UPDATE`.
    async fn set_organization_quota(
        &self,
        ctx: &Context<'_>,
        input: SetOrganizationQuotaInput,
    ) -> Nullable<SetOrganizationQuotaPayload> {
        nullable(async {
            let (organization, user_errors) = outcome(set_cap(ctx.request(), input).await)?;
            Ok(Some(SetOrganizationQuotaPayload { organization, user_errors }))
        })
        .await
    }

    /// Sets what each member of a group may use. What is in use stays in use; only builds that cost more are refused.
    /// Needs `QUOTA_UPDATE`.
    async fn set_group_quota(
        &self,
        ctx: &Context<'_>,
        input: SetGroupQuotaInput,
    ) -> Nullable<SetGroupQuotaPayload> {
        nullable(async {
            let (group, user_errors) = outcome(set_allowance(ctx.request(), input).await)?;
            Ok(Some(SetGroupQuotaPayload { group, user_errors }))
        })
        .await
    }
}

async fn set_cap(request: &Request, input: SetOrganizationQuotaInput) -> Result<Organization> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["organizationId"], "organization");
    let id: OrganizationId = input.organization_id.parse().map_err(|_| not_found())?;
    let row = request.find(id).await?.ok_or_else(not_found)?;
    let cap = match input.cap {
        MaybeUndefined::Undefined => {
            return Err(Refusal::invalid(&["cap"], "say which cap, or null for none").into());
        }
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(cap) => Some(cap),
    };
    organization::set_quota_cap(&request.db, &request.actor, &row, cap).await?;
    Ok(request.get(id).await?.into())
}

async fn set_allowance(request: &Request, input: SetGroupQuotaInput) -> Result<Group> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["groupId"], "group");
    let id: GroupId = input.group_id.parse().map_err(|_| not_found())?;
    let row = request.find(id).await?.ok_or_else(not_found)?;
    group::set_quota_allowance(&request.db, &request.actor, &row, input.allowance).await?;
    Ok(request.get(id).await?.into())
}
