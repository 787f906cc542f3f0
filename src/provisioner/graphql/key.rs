//! How provisioner keys look.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::ProvisionerKeyId;
use secrecy::ExposeSecret;

use super::{Tag, TagInput, pairs, tags};
use crate::error::{Refusal, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::once::{Made, nth};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::provisioner::key::{self, NewKey};
use crate::provisioner::{KeyList, KeyRow};
use crate::user::graphql::User;

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

    /// When a daemon last registered with it.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime::from)
    }

    /// Since when it is not accepted; null while it is.
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
    pub(crate) name: Option<String>,
}

/// A key to be made.
#[derive(InputObject)]
struct CreateProvisionerKeyInput {
    /// The organization that its daemons serve.
    organization_id: ID,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the organization.
    name: String,
    /// Tags that its daemons carry, at most 16; none if absent.
    tags: Option<Vec<TagInput>>,
    /// When it stops being accepted; never if absent.
    expires_at: Option<DateTime>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createProvisionerKey` answers.
#[derive(SimpleObject)]
struct CreateProvisionerKeyPayload {
    /// The new key; null when there are user errors.
    provisioner_key: Option<ProvisionerKey>,
    /// Its secret, shown this once; null when there are user errors, and when the key was made by an earlier request with
    /// the same `idempotencyKey`: secrets are not kept.
    secret: Option<String>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A key to delete.
#[derive(InputObject)]
struct DeleteProvisionerKeyInput {
    /// The key.
    provisioner_key_id: ID,
}

/// What `deleteProvisionerKey` answers.
#[derive(SimpleObject)]
struct DeleteProvisionerKeyPayload {
    /// The key that is gone; null when there are user errors.
    deleted_provisioner_key_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to provisioner keys.
#[derive(Default)]
pub(crate) struct KeyMutation;

#[Object]
impl KeyMutation {
    /// Creates a provisioner key and shows its secret this once. Needs `PROVISIONER_KEY_CREATE`.
    async fn create_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: CreateProvisionerKeyInput,
    ) -> Nullable<CreateProvisionerKeyPayload> {
        nullable(async {
            let (made, user_errors) = outcome(create(ctx.request(), input).await)?;
            let (provisioner_key, secret) = made.map_or((None, None), |(key, secret)| (Some(key), secret));
            Ok(Some(CreateProvisionerKeyPayload { provisioner_key, secret, user_errors }))
        })
        .await
    }

    /// Deletes a provisioner key; its daemons are refused from their next call on. Needs `PROVISIONER_KEY_DELETE`.
    async fn delete_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: DeleteProvisionerKeyInput,
    ) -> Nullable<DeleteProvisionerKeyPayload> {
        nullable(async {
            let (deleted, user_errors) = outcome(delete(ctx.request(), &input.provisioner_key_id).await)?;
            Ok(Some(DeleteProvisionerKeyPayload { deleted_provisioner_key_id: deleted, user_errors }))
        })
        .await
    }
}

async fn create(
    request: &Request,
    input: CreateProvisionerKeyInput,
) -> Result<(ProvisionerKey, Option<String>)> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let now = request.db.clock().now();
    let new =
        NewKey::parse(&input.name, pairs(input.tags.clone()), input.expires_at.map(|time| time.0), now)?;
    let made = request
        .once(input.idempotency_key.as_deref(), "createProvisionerKey", &input, async |db| {
            key::create(&db, &request.actor, organization, new).await
        })
        .await?;
    let (id, secret) = match made {
        Made::Now((id, secret)) => (id, Some(secret.expose_secret().to_owned())),
        Made::Earlier(subjects) => (nth(&subjects, 0)?, None),
    };
    Ok((request.get(id).await?.into(), secret))
}

async fn delete(request: &Request, id: &ID) -> Result<ID> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["provisionerKeyId"], "provisioner key");
    let key: ProvisionerKeyId = id.parse().map_err(|_| not_found())?;
    let row = request.find(key).await?.ok_or_else(not_found)?;
    key::delete(&request.db, &request.actor, &row).await?;
    Ok(id.clone())
}
