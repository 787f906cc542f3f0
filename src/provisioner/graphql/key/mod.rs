//! How provisioner keys look.

mod mutation;

pub(crate) use mutation::KeyMutation;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{Tag, tags};
use crate::db::search::Term;
use crate::error::Result;
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::provisioner::{KeyList, KeyOrder, KeyRow, KeyState};
use crate::user::graphql::User;

/// Whether a key is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "KeyState")]
pub(crate) enum ProvisionerKeyState {
    /// It is.
    Active,
    /// Its `expiresAt` has passed.
    Expired,
    /// Somebody disabled it.
    Disabled,
}

/// A provisioner key.
#[derive(Clone)]
pub(crate) struct ProvisionerKey(KeyRow);

impl From<KeyRow> for ProvisionerKey {
    fn from(row: KeyRow) -> Self {
        Self(row)
    }
}

impl Node for ProvisionerKey {
    type List = KeyList;
    const NAME: &'static str = "ProvisionerKey";

    fn from_row(row: KeyRow, _: &Request) -> Self {
        Self(row)
    }
}

/// What a daemon authenticates with. It decides the organization and the tags. The secret is shown once, when the key is
/// made. Visible to those with `PROVISIONER_KEY_READ`.
#[Object]
impl ProvisionerKey {
    /// `pkey_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Grows by one with every change; pass it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Tags that its daemons carry. A daemon with tags takes only jobs whose tags it carries; one without takes only
    /// jobs without.
    async fn tags(&self) -> Vec<Tag> {
        tags(&self.0.tags)
    }

    /// Who made it; null when the viewer can't see them.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async { Ok(ctx.request().find(self.0.created_by).await?.map(User::from)) }).await
    }

    /// When it stops being accepted; null for never.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime::from)
    }

    /// When a daemon last used it, to a minute and a half.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime::from)
    }

    /// Whether it is accepted, now.
    async fn state(&self, ctx: &Context<'_>) -> ProvisionerKeyState {
        self.0.state(ctx.request().db.clock().now()).into()
    }

    /// Until when the secret that it had before its last rotation is accepted as well; null when it is not.
    async fn previous_secret_expires_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let now = ctx.request().db.clock().now();
        self.0.previous_expires_at.filter(|&at| at > now).map(DateTime::from)
    }

    /// Since when it is disabled; null unless it is.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.0.disabled_at.map(DateTime::from)
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.0.organization_id).await?.into())
    }
}

/// Which keys.
#[derive(Default, InputObject)]
pub(crate) struct ProvisionerKeyFilter {
    /// Exactly this name.
    name: Option<String>,
    /// Text in the name.
    query: Option<String>,
    /// In this state, now.
    state: Option<ProvisionerKeyState>,
}

impl ProvisionerKeyFilter {
    /// The keys asked for, at a time.
    pub(crate) fn list(self, order: KeyOrder, request: &Request) -> Result<KeyList> {
        let now = request.db.clock().now();
        let state = self.state.map(|state| (state.into(), now));
        let query = Term::asked(self.query.as_deref())?;
        Ok(KeyList { name: self.name, query, state, order })
    }
}
