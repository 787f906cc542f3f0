//! Provisioner keys: a daemon's only identity. The secret is shown once; its SHA-256 is kept.

use guildhall_entity::id::{OrganizationId, ProvisionerKeyId};
use guildhall_entity::json::Tags;
use sea_orm::prelude::DateTimeUtc;
use secrecy::SecretString;
use serde_json::json;

use super::store::key as store;
use super::{KeyRow, parse_tags};
use crate::audit::{Action, Change, Facts, facts};
use crate::authn::secret;
use crate::authz::{Actor, Denied, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::Slug;

/// A key to be made.
#[derive(Debug)]
pub(crate) struct NewKey {
    name: Slug,
    tags: Tags,
    expires_at: Option<DateTimeUtc>,
}

impl NewKey {
    /// Checks what somebody typed.
    pub(crate) fn parse(
        name: &str,
        tags: impl IntoIterator<Item = (String, String)>,
        expires_at: Option<DateTimeUtc>,
        now: DateTimeUtc,
    ) -> Result<Self, Refusal> {
        let name = Slug::parse(&["name"], name)?;
        let tags = parse_tags(&["tags"], tags)?;
        if expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::invalid(&["expiresAt"], "a key expires in the future"));
        }
        Ok(Self { name, tags, expires_at })
    }
}

/// Creates a key; answers its secret, which can't be had again.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_CREATE`; a refusal for a name in use.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    new: NewKey,
) -> Result<(ProvisionerKeyId, SecretString)> {
    let permit = actor.authorize(Permission::ProvisionerKeyCreate, Object::in_organization(organization))?;
    let created_by = actor.user_id().ok_or(Denied::Lacking(Permission::ProvisionerKeyCreate))?;
    let (secret, secret_hash) = secret::generate(db.clock(), secret::PROVISIONER_KEY);
    let tx = db.begin(permit).await?;
    let id: ProvisionerKeyId = tx.clock().id();
    let name = String::from(new.name);
    let after = facts(json!({ "name": name, "tags": new.tags, "expiresAt": new.expires_at }));
    let row = store::NewRow {
        id,
        organization,
        name: name.clone(),
        tags: new.tags,
        secret_hash,
        created_by,
        expires_at: new.expires_at,
    };
    store::insert_in(&tx, row).await.on_violation("uq_provisioner_key_name", || {
        Refusal::name_taken(&["name"], "provisioner key", &name)
    })?;
    let change = Change::new(
        Action::Create,
        Resource::ProvisionerKey,
        Some(organization),
        id,
        name,
        &Facts::new(),
        &after,
    );
    tx.commit(change).await?;
    Ok((id, secret))
}

/// Deletes a key; its daemons are refused from their next call on.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_DELETE`.
pub(crate) async fn delete(db: &Db, actor: &Actor, key: &KeyRow) -> Result<()> {
    let organization = key.organization_id;
    let permit = actor.authorize(Permission::ProvisionerKeyDelete, Object::in_organization(organization))?;
    let tx = db.begin(permit).await?;
    if !store::delete_in(&tx, key.id).await? {
        return Err(Refusal::not_found(&["provisionerKeyId"], "provisioner key").into());
    }
    let before = facts(json!({ "name": key.name, "tags": key.tags, "expiresAt": key.expires_at }));
    let change = Change::new(
        Action::Delete,
        Resource::ProvisionerKey,
        Some(organization),
        key.id,
        &key.name,
        &before,
        &Facts::new(),
    );
    tx.commit(change).await
}

/// The key that a secret belongs to, if it may be used now.
pub(crate) async fn find_by_secret(db: &Db, text: &str) -> Result<Option<KeyRow>> {
    let key = store::by_secret_hash(db, &secret::hash(text)).await?;
    let now = db.clock().now();
    Ok(key.filter(|key| key.disabled_at.is_none() && key.expires_at.is_none_or(|at| at > now)))
}

/// Notes that a key was used, inside a daemon's transaction.
pub(super) async fn touch_in(tx: &Tx, key: ProvisionerKeyId) -> Result<()> {
    store::touch_in(tx, key).await
}
