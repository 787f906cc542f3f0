//! How quotas look.

mod mutation;
mod preview;

pub(crate) use mutation::QuotaMutation;
pub(crate) use preview::QuotaQuery;

use std::collections::HashMap;

use async_graphql::Object;
use async_graphql::dataloader::Loader;
use guildhall_entity::id::{OrganizationId, UserId};

use super::Standing;
use crate::credits;
use crate::error::{Error, Result};
use crate::graphql::context::{Loaders, Request};

/// A budget and what is used of it.
pub(crate) struct Quota(Standing);

impl Quota {
    /// A member's.
    pub(crate) async fn of_member(
        request: &Request,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Self> {
        let standing = request.load(Member(organization, user)).await?;
        Ok(Self(standing.ok_or_else(|| Error::internal("a loader did not answer one of its keys"))?))
    }

    /// An organization's.
    pub(crate) async fn of_organization(
        request: &Request,
        organization: OrganizationId,
        cap: Option<i32>,
    ) -> Result<Self> {
        let used = request.load(Organization(organization)).await?.unwrap_or_default();
        Ok(Self(Standing { budget: cap.map(i64::from), used }))
    }
}

/// A budget and what is used of it, in credits a day.
#[Object]
impl Quota {
    /// What may be used: of a member, the sum of their groups' allowances; of an organization, its cap. Null where there
    /// is no limit: the organization has no cap, or none of its groups has an allowance. Of this and the next, what is more
    /// than 2,147,483,647 is told as that.
    async fn budget(&self) -> Option<i32> {
        self.0.budget.map(credits::told)
    }

    /// What the latest builds of live workspaces cost.
    async fn used(&self) -> i32 {
        credits::told(self.0.used)
    }

    /// What is left; below 0 where the budget was cut. Null where there is no limit.
    async fn remaining(&self) -> Option<i32> {
        self.0.remaining().map(credits::told)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Member(OrganizationId, UserId);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Organization(OrganizationId);

#[async_trait::async_trait]
impl Loader<Member> for Loaders {
    type Value = Standing;
    type Error = Error;

    async fn load(&self, keys: &[Member]) -> Result<HashMap<Member, Standing>> {
        let members: Vec<_> = keys.iter().map(|key| (key.0, key.1)).collect();
        let standings = super::of_members(&self.db, &members).await?;
        Ok(standings.into_iter().map(|((organization, user), of)| (Member(organization, user), of)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<Organization> for Loaders {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[Organization]) -> Result<HashMap<Organization, i64>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let used = super::used_in_organizations(&self.db, &ids).await?;
        Ok(used.into_iter().map(|(id, used)| (Organization(id), used)).collect())
    }
}
