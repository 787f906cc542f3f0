//! Changes to provisioner keys.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::ProvisionerKeyId;
use secrecy::ExposeSecret;

use super::super::{TagInput, pairs};
use super::ProvisionerKey;
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::graphql::once::Made;
use crate::graphql::scalar::DateTime;
use crate::provisioner::KeyRow;
use crate::provisioner::key::{self, NewKey, Patch};

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

/// A key to change; what is absent stays as it is.
#[derive(InputObject)]
struct UpdateProvisionerKeyInput {
    /// The key.
    provisioner_key_id: ID,
    /// A new name: 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the organization.
    name: MaybeUndefined<String>,
    /// All tags that its daemons are to carry, at most 16; none if null. Daemons carry them from their next call on.
    tags: MaybeUndefined<Vec<TagInput>>,
    /// When it stops being accepted; never if null.
    expires_at: MaybeUndefined<DateTime>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateProvisionerKey` answers.
#[derive(SimpleObject)]
struct UpdateProvisionerKeyPayload {
    /// The key as it is now, also when `expectedVersion` is stale; null for other user errors.
    provisioner_key: Option<ProvisionerKey>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A key whose secret is to be replaced.
#[derive(InputObject)]
struct RotateProvisionerKeyInput {
    /// The key.
    provisioner_key_id: ID,
    /// How many minutes the secret that it has now stays accepted, 0–10,080 (a week): long enough to bring the new one to
    /// its daemons. A secret replaced by an earlier rotation is worth nothing from now on.
    #[graphql(default = 60)]
    overlap_minutes: i32,
}

/// What `rotateProvisionerKey` answers.
#[derive(SimpleObject)]
struct RotateProvisionerKeyPayload {
    /// The key; null when there are user errors.
    provisioner_key: Option<ProvisionerKey>,
    /// Its new secret, shown this once; null when there are user errors.
    secret: Option<String>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A key to disable.
#[derive(InputObject)]
struct DisableProvisionerKeyInput {
    /// The key.
    provisioner_key_id: ID,
}

/// What `disableProvisionerKey` answers.
#[derive(SimpleObject)]
struct DisableProvisionerKeyPayload {
    /// The key as it is now; null when there are user errors.
    provisioner_key: Option<ProvisionerKey>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A key to enable.
#[derive(InputObject)]
struct EnableProvisionerKeyInput {
    /// The key.
    provisioner_key_id: ID,
}

/// What `enableProvisionerKey` answers.
#[derive(SimpleObject)]
struct EnableProvisionerKeyPayload {
    /// The key as it is now; null when there are user errors.
    provisioner_key: Option<ProvisionerKey>,
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

    /// Changes a provisioner key's name, tags or end. Needs `PROVISIONER_KEY_UPDATE`.
    async fn update_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: UpdateProvisionerKeyInput,
    ) -> Nullable<UpdateProvisionerKeyPayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.provisioner_key_id.clone();
            let (mut provisioner_key, user_errors) = outcome(update(request, input).await)?;
            if is_stale(&user_errors) {
                // What it is now, past what this request has read before.
                let afresh = request.afresh();
                provisioner_key = resolve(&afresh, &id).await.ok().map(ProvisionerKey::from);
            }
            Ok(Some(UpdateProvisionerKeyPayload { provisioner_key, user_errors }))
        })
        .await
    }

    /// Gives a provisioner key a new secret and shows it this once; the one before stays accepted for a while.
    /// Needs `PROVISIONER_KEY_UPDATE`.
    async fn rotate_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: RotateProvisionerKeyInput,
    ) -> Nullable<RotateProvisionerKeyPayload> {
        nullable(async {
            let (rotated, user_errors) = outcome(rotate(ctx.request(), input).await)?;
            let (provisioner_key, secret) = rotated.unzip();
            Ok(Some(RotateProvisionerKeyPayload { provisioner_key, secret, user_errors }))
        })
        .await
    }

    /// Disables a provisioner key; its daemons are refused from their next call on, which is within a heartbeat.
    /// Needs `PROVISIONER_KEY_UPDATE`.
    async fn disable_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: DisableProvisionerKeyInput,
    ) -> Nullable<DisableProvisionerKeyPayload> {
        nullable(async {
            let (provisioner_key, user_errors) =
                outcome(set_disabled(ctx.request(), &input.provisioner_key_id, true).await)?;
            Ok(Some(DisableProvisionerKeyPayload { provisioner_key, user_errors }))
        })
        .await
    }

    /// Accepts a disabled provisioner key again. Needs `PROVISIONER_KEY_UPDATE`.
    async fn enable_provisioner_key(
        &self,
        ctx: &Context<'_>,
        input: EnableProvisionerKeyInput,
    ) -> Nullable<EnableProvisionerKeyPayload> {
        nullable(async {
            let (provisioner_key, user_errors) =
                outcome(set_disabled(ctx.request(), &input.provisioner_key_id, false).await)?;
            Ok(Some(EnableProvisionerKeyPayload { provisioner_key, user_errors }))
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
    let needed = (Permission::ProvisionerKeyCreate, authz::Object::in_organization(organization));
    let made = request
        .once(input.idempotency_key.as_deref(), "createProvisionerKey", &input, needed, async |db| {
            key::create(&db, &request.actor, organization, new).await
        })
        .await?;
    let (row, secret) = match made {
        Made::Now((id, secret)) => (request.get(id).await?, Some(secret.expose_secret().to_owned())),
        Made::Earlier(subjects) => (request.made_earlier::<ProvisionerKeyId>(&subjects, 0).await?, None),
    };
    Ok((row.into(), secret))
}

async fn update(request: &Request, input: UpdateProvisionerKeyInput) -> Result<ProvisionerKey> {
    let row = resolve(request, &input.provisioner_key_id).await?;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let tags = match input.tags {
        MaybeUndefined::Undefined => None,
        given => Some(pairs(given.take()).collect()),
    };
    let expires_at = match input.expires_at {
        MaybeUndefined::Undefined => None,
        given => Some(given.take().map(|time| time.0)),
    };
    let patch = Patch { name, tags, expires_at, expected_version: input.expected_version };
    key::update(&request.db, &request.actor, &row, patch).await?;
    as_it_is(request, &row).await
}

async fn rotate(request: &Request, input: RotateProvisionerKeyInput) -> Result<(ProvisionerKey, String)> {
    let row = resolve(request, &input.provisioner_key_id).await?;
    let secret = key::rotate(&request.db, &request.actor, &row, input.overlap_minutes).await?;
    Ok((as_it_is(request, &row).await?, secret.expose_secret().to_owned()))
}

async fn set_disabled(request: &Request, id: &ID, disabled: bool) -> Result<ProvisionerKey> {
    let row = resolve(request, id).await?;
    key::set_disabled(&request.db, &request.actor, &row, disabled).await?;
    as_it_is(request, &row).await
}

async fn delete(request: &Request, id: &ID) -> Result<ID> {
    let row = resolve(request, id).await?;
    key::delete(&request.db, &request.actor, &row).await?;
    Ok(id.clone())
}

/// The key that an input names.
///
/// # Errors
/// The same refusal whether it is missing or not visible.
async fn resolve(request: &Request, id: &ID) -> Result<KeyRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["provisionerKeyId"], "provisioner key");
    let key: ProvisionerKeyId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(key).await?.ok_or_else(not_found)?)
}

/// The key after its change.
async fn as_it_is(request: &Request, key: &KeyRow) -> Result<ProvisionerKey> {
    Ok(request.get(key.id).await?.into())
}
