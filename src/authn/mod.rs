//! Who is asking: from a token to an [`Actor`], signing in and out, the tokens of programs. Owns the tables `session`,
//! `api_token` and `sign_in_attempt`. Refuses with the same words whether an account is missing, suspended or has another
//! password.

mod attempt;
pub(crate) mod ending;
pub(crate) mod graphql;
pub(crate) mod job_token;
mod lookup;
pub(crate) mod opening;
pub mod password;
pub mod secret;
pub mod session;
mod store;
pub(crate) mod token;
pub(crate) mod watch;

pub(crate) use store::join_roles;
pub(crate) use store::session::{SessionList, SessionOrder, SessionRow};
pub(crate) use store::token::{TokenList, TokenOrder, TokenRow};

use std::sync::Arc;

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::kind::UserStatus;
use sea_orm::prelude::DateTimeUtc;
use secrecy::{ExposeSecret, SecretString};

use crate::audit_log;
use crate::authz::policy::System;
use crate::authz::{Actor, Credential, Denied, Identity, Membership, Object, Origin, Permission};
use crate::clock::Clock;
use crate::db::{Db, Tx, Unaudited};
use crate::error::{Refusal, Result};
use crate::provisioner;
pub use lookup::Lookups;
use opening::Opened;
use session::SessionKeys;
use store::{Holder, Shown, TokenHash};
pub use watch::Watches;

/// How exactly we note when somebody was last seen.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is no token of ours, or its session was ended.
    #[error("this token is not valid (any more); sign in again")]
    Unknown,
    /// It looks like a provisioner key, and is none (any more).
    #[error("this provisioner key is not valid (any more)")]
    UnknownKey,
    /// It looks like an API token, and is none (any more).
    #[error("this API token is not valid (any more); create another")]
    UnknownApiToken,
    /// It has expired.
    #[error("this token has expired; sign in again")]
    Expired,
    /// It is an API token and has expired.
    #[error("this API token has expired; create another")]
    ExpiredApiToken,
    /// Its owner is suspended.
    #[error("this account is suspended; ask an administrator")]
    Suspended,
}

/// A recognised actor and until when it stays one.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// Who it is.
    pub actor: Actor,
    /// When it must be asked again; `None` for anonymous and built-in actors.
    pub expires_at: Option<DateTimeUtc>,
}

/// The secret of the built-in provisioners: made anew at each start, kept in memory alone.
#[derive(Clone)]
pub struct BuiltinKey {
    secret: SecretString,
    hash: Arc<Vec<u8>>,
    organization: OrganizationId,
}

impl BuiltinKey {
    /// A new secret for daemons of the default organization.
    pub fn generate(clock: &Clock, organization: OrganizationId) -> Self {
        let (secret, hash) = secret::generate(clock, secret::PROVISIONER_KEY);
        Self { secret, hash: Arc::new(hash), organization }
    }

    /// The secret.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

/// Who is asking, from their token; without one, nobody.
///
/// # Errors
/// The outer when the database fails; the inner [`Rejected`] when the token is not accepted.
pub async fn recognise(
    db: &Db,
    lookups: &Lookups,
    keys: &SessionKeys,
    builtin: Option<&BuiltinKey>,
    token: Option<&str>,
    origin: Origin,
) -> Result<std::result::Result<Recognised, Rejected>> {
    let Some(token) = token else {
        return Ok(Ok(Recognised { actor: Actor::anonymous(origin), expires_at: None }));
    };
    if token.starts_with(secret::PROVISIONER_KEY) {
        return daemon(db, builtin, token, origin).await;
    }
    if token.starts_with(secret::API_TOKEN) {
        if !secret::is_well_formed(token, secret::API_TOKEN) {
            return Ok(Err(Rejected::UnknownApiToken));
        }
        let shown = Shown::Secret(TokenHash(secret::hash(token)));
        let Some(holder) = lookups.holder(db, shown).await? else {
            return Ok(Err(Rejected::UnknownApiToken));
        };
        return Ok(user(db, &holder, origin));
    }
    let Some(session) = keys.verify(token) else { return Ok(Err(Rejected::Unknown)) };
    match lookups.holder(db, Shown::Session(session)).await? {
        Some(holder) => Ok(user(db, &holder, origin)),
        None => Ok(Err(Rejected::Unknown)),
    }
}

async fn daemon(
    db: &Db,
    builtin: Option<&BuiltinKey>,
    token: &str,
    origin: Origin,
) -> Result<std::result::Result<Recognised, Rejected>> {
    if !secret::is_well_formed(token, secret::PROVISIONER_KEY) {
        return Ok(Err(Rejected::UnknownKey));
    }
    if let Some(builtin) = builtin.filter(|builtin| secret::matches(&secret::hash(token), &builtin.hash)) {
        let actor = Actor::daemon(None, "built-in".into(), builtin.organization, Tags::default(), origin);
        return Ok(Ok(Recognised { actor, expires_at: None }));
    }
    let Some((key, expires_at)) = provisioner::key::find_by_secret(db, token).await? else {
        return Ok(Err(Rejected::UnknownKey));
    };
    let actor = Actor::daemon(Some(key.id), key.name, key.organization_id, key.tags, origin);
    Ok(Ok(Recognised { actor, expires_at }))
}

/// Somebody who sends a request, which is noted.
fn user(db: &Db, holder: &Holder, origin: Origin) -> std::result::Result<Recognised, Rejected> {
    let now = db.clock().now();
    let recognised = standing(holder, now, origin)?;
    if let Some(first) = holder.rows.first()
        && first.last_used_at.is_none_or(|at| now - at >= SEEN_EVERY)
    {
        note_seen(db.clone(), recognised.actor.origin().clone(), holder.credential, first.user_id);
    }
    Ok(recognised)
}

/// Who the holder of a session or token is, if it is good.
fn standing(holder: &Holder, now: DateTimeUtc, origin: Origin) -> std::result::Result<Recognised, Rejected> {
    let first = holder.rows.first().ok_or(Rejected::Unknown)?;
    if first.expires_at <= now {
        return Err(match holder.credential {
            Credential::Session(_) => Rejected::Expired,
            Credential::Token(_) => Rejected::ExpiredApiToken,
        });
    }
    if first.status == UserStatus::Suspended {
        return Err(Rejected::Suspended);
    }
    let memberships = Membership::of_rows(holder.rows.iter().filter_map(|row| {
        Some((row.organization_id?, row.roles.as_ref()?, row.custom_permissions.as_ref()))
    }));
    let site_roles = first.site_roles.0.iter().map(String::as_str);
    let (id, username, credential) = (first.user_id, first.username.clone(), holder.credential);
    let mut actor = Actor::user(id, username, credential, site_roles, memberships, origin);
    if let Some(limits) = holder.limits {
        actor = actor.within(limits);
    }
    Ok(Recognised { actor, expires_at: Some(first.expires_at) })
}

/// The same actor as things stand now: roles may have been taken since, the session or token ended, the account suspended.
/// Who is no user stays as they are.
///
/// # Errors
/// UNAUTHENTICATED when the session or token no longer holds.
pub(crate) async fn refresh(db: &Db, lookups: &Lookups, actor: &Actor) -> Result<Actor> {
    let Identity::User { credential, .. } = *actor.identity() else { return Ok(actor.clone()) };
    // Many ask at the same time: those who hold a stream open.
    let holder = lookups.holder(db, credential.into()).await?;
    match holder.map(|holder| standing(&holder, db.clock().now(), actor.origin().clone())) {
        Some(Ok(recognised)) => Ok(recognised.actor),
        _ => Err(Denied::Anonymous.into()),
    }
}

/// Notes, beside the request, that somebody was here.
#[expect(
    clippy::disallowed_methods,
    reason = "nobody waits for it, and losing it at shutdown costs a minute's precision"
)]
fn note_seen(db: Db, origin: Origin, credential: Credential, user: UserId) {
    tokio::spawn(async move {
        let noted = async {
            // Not as the actor: a token's scopes may leave out what this needs.
            let system = Actor::system(System::SignIn, origin);
            let tx = db.begin(system.authorize(Permission::TokenCreate, Object::SITE)?).await?;
            store::session::touch_in(&tx, credential, user).await?;
            tx.commit_unaudited(Unaudited::LastUsed).await
        };
        if let Err(error) = noted.await {
            tracing::debug!(%error, "could not note when somebody was last seen");
        }
    });
}

/// Opens a session for who knows the password; `limit` times a minute.
///
/// # Errors
/// One refusal for every reason, and [`Error::TooMany`](crate::error::Error::TooMany).
pub(crate) async fn sign_in(
    db: &Db,
    keys: &SessionKeys,
    limit: u32,
    origin: &Origin,
    login: &str,
    password: SecretString,
) -> Result<Opened> {
    let credentials = store::credentials(db, login).await?;
    // By whichever name it is asked for, it is one account.
    let account = credentials.as_ref().map_or(login, |credentials| &credentials.username);
    attempt::count(db, limit, origin, account).await?;
    let refused = || {
        Refusal::invalid(&["password"], "the username or password is wrong, or the account may not sign in")
    };
    let hash = credentials.as_ref().and_then(|credentials| credentials.password_hash.clone());
    let verified = password::verify(hash, password).await?;
    let may = |credentials: &store::Credentials| verified && credentials.status != UserStatus::Suspended;
    if !credentials.as_ref().is_some_and(may) {
        let account = credentials.as_ref().map(|account| (account.id, account.username.as_str()));
        audit_log::note_failed_sign_in(db, origin, account).await;
    }
    let credentials = credentials.filter(may).ok_or_else(refused)?;
    let opened = opening::open_proven(db, keys, origin, &credentials).await?;
    opened.ok_or_else(|| refused().into())
}

/// That somebody knew their password, at the time.
pub(crate) struct Proof(store::Credentials);

impl Proof {
    /// Whether it is still their password, and they may still sign in; both stay so until the transaction ends.
    pub(crate) async fn still_holds_in(&self, tx: &Tx) -> Result<bool> {
        store::still_hold_in(tx, &self.0).await
    }
}

/// The proof that this is the actor's own password, if it is; `limit` guesses a minute, together with those of signing in.
///
/// # Errors
/// UNAUTHENTICATED for who is no user, and [`Error::TooMany`](crate::error::Error::TooMany).
pub(crate) async fn prove(
    db: &Db,
    limit: u32,
    actor: &Actor,
    password: SecretString,
) -> Result<Option<Proof>> {
    let Identity::User { username, .. } = actor.identity() else { return Err(Denied::Anonymous.into()) };
    attempt::count_own(db, limit, actor.origin(), username).await?;
    let credentials = store::credentials(db, username).await?;
    let hash = credentials.as_ref().and_then(|credentials| credentials.password_hash.clone());
    let verified = password::verify(hash, password).await?;
    Ok(credentials.filter(|_| verified).map(Proof))
}

/// Whether a setup token is the one of this deployment, in constant time.
pub(crate) fn is_setup_token(expected: Option<&SecretString>, given: &str) -> bool {
    expected.is_some_and(|expected| {
        secret::matches(&secret::hash(expected.expose_secret()), &secret::hash(given.trim()))
    })
}
