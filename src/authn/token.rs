//! API tokens: what programs carry for a user. The secret is shown once; its SHA-256 is kept. A token leaves of its owner
//! what its scopes name, and, when it is bound, what is of one organization; it never adds anything.

use chrono::TimeDelta;
use guildhall_entity::id::{ApiTokenId, OrganizationId, UserId};
use sea_orm::prelude::DateTimeUtc;
use secrecy::SecretString;
use serde_json::json;

use super::store::token as store;
use super::{TokenRow, secret};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Denied, Limits, Object, Permission, PermissionSet, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Deed, Refusal, Result};
use crate::name::Slug;
use crate::{organization, user};

/// How long a token lasts where nothing else is asked for.
const LASTS: TimeDelta = TimeDelta::days(90);
/// The longest that a token lasts.
const LASTS_AT_MOST: TimeDelta = TimeDelta::days(366);

/// A token to be made.
#[derive(Debug)]
pub(crate) struct NewToken {
    name: Slug,
    /// `None` for all that the owner may.
    scopes: Option<PermissionSet>,
    /// Those that were asked for by name.
    named: PermissionSet,
    organization: Option<OrganizationId>,
    expires_at: DateTimeUtc,
}

impl NewToken {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub(crate) fn parse(
        name: &str,
        scopes: Option<&[Permission]>,
        organization: Option<OrganizationId>,
        expires_at: Option<DateTimeUtc>,
        now: DateTimeUtc,
    ) -> Result<Self, Refusal> {
        let name = Slug::parse(&["name"], name)?;
        if scopes.is_some_and(<[_]>::is_empty) {
            let message = "name at least one permission, or leave the scopes out for all that the owner may";
            return Err(Refusal::invalid(&["scopes"], message));
        }
        let expires_at = expires_at.unwrap_or(now + LASTS);
        if expires_at <= now || expires_at > now + LASTS_AT_MOST {
            return Err(Refusal::invalid(&["expiresAt"], "a token expires in the future, within a year"));
        }
        let named = PermissionSet::of(scopes.unwrap_or_default());
        Ok(Self { name, scopes: scopes.map(with_reading), named, organization, expires_at })
    }

    fn limits(&self) -> Limits {
        Limits { scopes: self.scopes.unwrap_or(PermissionSet::ALL), organization: self.organization }
    }
}

/// Who may change a thing is answered with the thing, so a scope brings along the reading of what it is about.
fn with_reading(scopes: &[Permission]) -> PermissionSet {
    let reading = Permission::ALL.iter().copied().filter(|permission| {
        permission.action() == "READ" && scopes.iter().any(|scope| scope.resource() == permission.resource())
    });
    PermissionSet::of(scopes).with(PermissionSet::of(&reading.collect::<Vec<_>>()))
}

/// Creates a token for oneself or for a service account; answers its secret, which can't be had again.
///
/// # Errors
/// FORBIDDEN without `TOKEN_CREATE`; refusals for a name in use, for another person, for a service account with more power,
/// for scopes that the owner can't use, and for a token that would leave more than the one in use.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    owner: UserId,
    new: NewToken,
) -> Result<(ApiTokenId, SecretString)> {
    let permit = actor.authorize(Permission::TokenCreate, Object::SITE.owned_by(owner))?;
    let created_by = actor.user_id().ok_or(Denied::Lacking(Permission::TokenCreate))?;
    within_the_one_in_use(db, actor, &new).await?;
    let (secret, secret_hash) = secret::generate(db.clock(), secret::API_TOKEN);
    let tx = db.begin(permit).await?;
    let account = user::account_in(&tx, owner).await?;
    let account = account.ok_or_else(|| Refusal::not_found(&["userId"], "user"))?;
    if owner != created_by && !account.row.is_service_account {
        let message = "a person makes their own tokens; for programs, create a service account";
        return Err(Refusal::conflict(&["userId"], message).into());
    }
    account.require_power(actor, &["userId"])?;
    let useless = new.named.without(account.reachable(new.organization));
    if !useless.is_empty() {
        return Err(Refusal::out_of_reach(&["scopes"], &useless.iter().collect::<Vec<_>>()).into());
    }
    let bound_to = match new.organization {
        Some(id) => Some(named(&organization::kept_in(&tx, id).await?, id)),
        None => None,
    };
    let id: ApiTokenId = tx.clock().id();
    let name = String::from(new.name);
    let scopes: Option<Vec<String>> =
        new.scopes.map(|scopes| scopes.iter().map(|permission| permission.to_string()).collect());
    let after = facts(json!({
        "user": account.row.username, "name": name, "scopes": scopes, "expiresAt": new.expires_at,
        "organization": bound_to,
    }));
    let row = store::NewRow {
        id,
        user: owner,
        name: name.clone(),
        secret_hash,
        scopes,
        organization: new.organization,
        created_by,
        expires_at: new.expires_at,
    };
    store::insert_in(&tx, row)
        .await
        .on_violation("uq_api_token_name", || Refusal::name_taken(&["name"], "API token", &name))?;
    let change = Change::new(Action::Create, Resource::Token, None, id, name, &Facts::new(), &after);
    tx.commit(change).await?;
    Ok((id, secret))
}

/// A token makes no token with more than it has itself, nor one that outlives it.
async fn within_the_one_in_use(db: &Db, actor: &Actor, new: &NewToken) -> Result<()> {
    let Some(own) = actor.limits() else { return Ok(()) };
    let asked = new.limits();
    if !asked.within(&own) {
        let missing: Vec<_> = asked.scopes.without(own.scopes).iter().collect();
        let refusal = if missing.is_empty() {
            let message = "the token in use is bound to an organization; bind the new one to the same";
            Refusal::invalid(&["organizationId"], message)
        } else {
            Refusal::missing_permissions(&["scopes"], Deed::Give, missing)
        };
        return Err(refusal.into());
    }
    let ends = super::store::holder_expiry(db, actor).await?;
    if ends.is_none_or(|ends| new.expires_at > ends) {
        let message = "a token makes no token that outlives it; give an earlier time, or sign in";
        return Err(Refusal::invalid(&["expiresAt"], message).into());
    }
    Ok(())
}

/// Revokes a token that the actor can see: it is refused from the next request on.
///
/// # Errors
/// FORBIDDEN without `TOKEN_DELETE`; refusals for one that is gone, and for somebody with more power.
pub(crate) async fn revoke(db: &Db, actor: &Actor, token: &TokenRow) -> Result<()> {
    let permit = actor.authorize(Permission::TokenDelete, Object::SITE.owned_by(token.user_id))?;
    let tx = db.begin(permit).await?;
    let owner = user::account_in(&tx, token.user_id).await?;
    let owner = owner.ok_or_else(|| Refusal::not_found(&["apiTokenId"], "API token"))?;
    owner.require_power(actor, &["apiTokenId"])?;
    if !store::delete_in(&tx, token.id).await? {
        return Err(Refusal::not_found(&["apiTokenId"], "API token").into());
    }
    let bound_to = match token.organization_id {
        Some(id) => Some(named(&organization::name_of(db, id).await?, id)),
        None => None,
    };
    let before = facts(json!({
        "user": owner.row.username, "name": token.name, "scopes": token.scopes, "expiresAt": token.expires_at,
        "organization": bound_to,
    }));
    let change =
        Change::new(Action::Delete, Resource::Token, None, token.id, &token.name, &before, &Facts::new());
    tx.commit(change).await
}

/// Revokes all tokens of a user, inside somebody else's transaction; answers how many.
pub(crate) async fn revoke_all_in(tx: &Tx, user: UserId) -> Result<u64> {
    store::delete_all_in(tx, user).await
}
