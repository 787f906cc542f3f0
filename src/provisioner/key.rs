//! Provisioner keys: a daemon's only identity. The secret is shown once; its SHA-256 is kept, and for a while that of the
//! secret before it. Whoever shows a secret that is not good any more is refused from their next call on.

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, ProvisionerKeyId};
use guildhall_entity::json::Tags;
use sea_orm::prelude::DateTimeUtc;
use secrecy::SecretString;
use serde_json::json;

use super::daemon;
use super::store::{key as store, presence};
use super::{KeyRow, KeyState, parse_tags};
use crate::audit::{Action, Change, Facts, facts};
use crate::authn::secret;
use crate::authz::{Actor, Denied, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::events::EventKind;
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
        let expires_at = check_end(expires_at, now)?;
        Ok(Self { name, tags, expires_at })
    }
}

fn check_end(expires_at: Option<DateTimeUtc>, now: DateTimeUtc) -> Result<Option<DateTimeUtc>, Refusal> {
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::invalid(&["expiresAt"], "a key expires in the future"));
    }
    Ok(expires_at)
}

/// What is to change of a key; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    pub(crate) tags: Option<Vec<(String, String)>>,
    /// `Some(None)`: never.
    pub(crate) expires_at: Option<Option<DateTimeUtc>>,
    pub(crate) expected_version: Option<i32>,
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

/// Changes a key. Its daemons carry its tags from their next call on.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_UPDATE`; refusals for a stale version, values that break the rules and a name in use.
pub(crate) async fn update(db: &Db, actor: &Actor, key: &KeyRow, patch: Patch) -> Result<()> {
    let (mut tx, current) = begin_update(db, actor, key).await?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    let mut next = current.clone();
    if let Some(name) = patch.name {
        next.name = Slug::parse(&["name"], &name)?.into();
    }
    if let Some(tags) = patch.tags {
        next.tags = parse_tags(&["tags"], tags)?;
    }
    if let Some(expires_at) = patch.expires_at {
        next.expires_at = check_end(expires_at, tx.clock().now())?;
    }
    let change = updated(&next, &described(&current), &described(&next));
    if change.alters() {
        store::update_in(&tx, &next).await.on_violation("uq_provisioner_key_name", || {
            Refusal::name_taken(&["name"], "provisioner key", &next.name)
        })?;
        tell_daemons_in(&mut tx, &next).await?;
    }
    tx.commit(change).await
}

/// The longest that a replaced secret stays good: a week.
const OVERLAP_MAX: i32 = 7 * 24 * 60;

/// Gives a key a new secret, which can't be had again; the one that it had stays good for so many minutes. One that was
/// replaced before that is worth nothing any more.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_UPDATE`; refusals for a key that is not accepted and for an overlap out of bounds.
pub(crate) async fn rotate(
    db: &Db,
    actor: &Actor,
    key: &KeyRow,
    overlap_minutes: i32,
) -> Result<SecretString> {
    let (tx, current) = begin_update(db, actor, key).await?;
    if !(0..=OVERLAP_MAX).contains(&overlap_minutes) {
        let message = format!("between 0 and {OVERLAP_MAX} minutes (a week), got {overlap_minutes}");
        return Err(Refusal::invalid(&["overlapMinutes"], message).into());
    }
    let now = tx.clock().now();
    match current.state(now) {
        KeyState::Active => {}
        KeyState::Disabled => {
            let message = "the key is disabled: enable it first, or delete it and make another";
            return Err(Refusal::conflict(&["provisionerKeyId"], message).into());
        }
        KeyState::Expired => {
            let message = "the key has expired: give it a later end first, or delete it and make another";
            return Err(Refusal::conflict(&["provisionerKeyId"], message).into());
        }
    }
    let until = (overlap_minutes > 0).then(|| now + TimeDelta::minutes(overlap_minutes.into()));
    let (secret, secret_hash) = secret::generate(tx.clock(), secret::PROVISIONER_KEY);
    store::rotate_in(&tx, current.id, secret_hash, until).await?;
    let after = facts(json!({ "rotatedAt": now, "previousSecretExpiresAt": until }));
    let before = facts(json!({ "rotatedAt": null, "previousSecretExpiresAt": current.previous_expires_at }));
    tx.commit(updated(&current, &before, &after)).await?;
    Ok(secret)
}

/// Disables a key, whose daemons are refused from their next call on, or enables it again.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_UPDATE`; a refusal for a key that is so already.
pub(crate) async fn set_disabled(db: &Db, actor: &Actor, key: &KeyRow, disabled: bool) -> Result<()> {
    let (mut tx, current) = begin_update(db, actor, key).await?;
    if current.disabled_at.is_some() == disabled {
        let message = if disabled { "the key is disabled already" } else { "the key is not disabled" };
        return Err(Refusal::conflict(&["provisionerKeyId"], message).into());
    }
    let since = disabled.then(|| tx.clock().now());
    store::disable_in(&tx, current.id, since).await?;
    tell_daemons_in(&mut tx, &current).await?;
    let fact = |at: Option<DateTimeUtc>| facts(json!({ "disabledAt": at }));
    tx.commit(updated(&current, &fact(current.disabled_at), &fact(since))).await
}

/// Begins a change of a key, which nobody else changes meanwhile; answers it as it is.
async fn begin_update(db: &Db, actor: &Actor, key: &KeyRow) -> Result<(Tx, KeyRow)> {
    let object = Object::in_organization(key.organization_id);
    let tx = db.begin(actor.authorize(Permission::ProvisionerKeyUpdate, object)?).await?;
    let current = store::lock_in(&tx, key.id).await?.ok_or_else(gone)?;
    Ok((tx, current))
}

/// A key's daemons carry its name and tags, and are offline when it is not accepted.
async fn tell_daemons_in(tx: &mut Tx, key: &KeyRow) -> Result<()> {
    for id in presence::note_of_key_in(tx, key.id).await? {
        tx.emit(daemon::event(EventKind::DaemonChanged, key.organization_id, id)).await?;
    }
    Ok(())
}

fn gone() -> Refusal {
    Refusal::not_found(&["provisionerKeyId"], "provisioner key")
}

fn described(key: &KeyRow) -> Facts {
    facts(json!({ "name": key.name, "tags": key.tags, "expiresAt": key.expires_at }))
}

fn updated(key: &KeyRow, before: &Facts, after: &Facts) -> Change {
    let organization = Some(key.organization_id);
    Change::new(Action::Update, Resource::ProvisionerKey, organization, key.id, &key.name, before, after)
}

/// Deletes a key; its daemons are refused from their next call on.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_KEY_DELETE`.
pub(crate) async fn delete(db: &Db, actor: &Actor, key: &KeyRow) -> Result<()> {
    let organization = key.organization_id;
    let permit = actor.authorize(Permission::ProvisionerKeyDelete, Object::in_organization(organization))?;
    let mut tx = db.begin(permit).await?;
    for id in store::delete_in(&tx, key.id).await?.ok_or_else(gone)? {
        tx.emit(daemon::event(EventKind::DaemonGone, organization, id)).await?;
    }
    let change = Change::new(
        Action::Delete,
        Resource::ProvisionerKey,
        Some(organization),
        key.id,
        &key.name,
        &described(key),
        &Facts::new(),
    );
    tx.commit(change).await
}

/// The key that a secret belongs to, if it may be used now, and until when.
pub(crate) async fn find_by_secret(db: &Db, text: &str) -> Result<Option<(KeyRow, Option<DateTimeUtc>)>> {
    let hash = secret::hash(text);
    let Some((key, hashes)) = store::by_secret_hash(db, &hash).await? else { return Ok(None) };
    let now = db.clock().now();
    if key.state(now) != KeyState::Active {
        return Ok(None);
    }
    // Both are compared, whichever the index found: how long it takes tells nothing of either.
    let is_current = secret::matches(&hash, &hashes.current);
    let is_previous = hashes.previous.is_some_and(|previous| secret::matches(&hash, &previous));
    if is_current {
        let expires_at = key.expires_at;
        return Ok(Some((key, expires_at)));
    }
    let until = key.previous_expires_at.filter(|&until| is_previous && until > now);
    Ok(until.map(|until| {
        let until = key.expires_at.map_or(until, |end| end.min(until));
        (key, Some(until))
    }))
}

/// Notes that a key was used, inside a daemon's transaction.
pub(super) async fn touch_in(tx: &Tx, key: ProvisionerKeyId) -> Result<()> {
    store::touch_in(tx, key).await
}
