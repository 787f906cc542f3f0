//! Passwords: one's own, with the current one; somebody else's, with the power over them. Never by an API token, which would
//! become its owner so.

use guildhall_entity::id::UserId;
use guildhall_entity::kind::LoginType;
use sea_orm::sea_query::LockType;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::audit::facts;
use crate::authn::{self, password};
use crate::authz::{Actor, Denied, Object, Permission};
use crate::db::Db;
use crate::error::{Refusal, Result};
use crate::user;

/// Changes the actor's own password and ends their other sessions. `limit` guesses at the current one a minute.
///
/// # Errors
/// UNAUTHENTICATED without a session; refusals for a wrong current password, a new one that breaks a rule, an account
/// without a password, and an API token.
pub(crate) async fn change_password(
    db: &Db,
    limit: u32,
    actor: &Actor,
    current: SecretString,
    new: SecretString,
) -> Result<()> {
    let id = actor.user_id().ok_or(Denied::Anonymous)?;
    let permit = actor.authorize(Permission::UserUpdate, Object::SITE.owned_by(id))?;
    refuse_tokens(actor)?;
    password::check(&["newPassword"], &new)?;
    password::check_unlike(&["newPassword"], &new, actor.name())?;
    if current.expose_secret() == new.expose_secret() {
        let message = "this is what `currentPassword` is; choose another";
        return Err(Refusal::invalid(&["newPassword"], message).into());
    }
    let wrong = || Refusal::invalid(&["currentPassword"], "this is not your password");
    let proof = authn::prove(db, limit, actor, current).await?.ok_or_else(wrong)?;
    let hash = password::hash(db.clock(), new).await?;
    let tx = db.begin(permit).await?;
    let account = user::locked_in(&tx, id, LockType::NoKeyUpdate).await?.ok_or(Denied::Anonymous)?;
    // An administrator may have been faster, and then theirs is the word that counts.
    if !proof.still_holds_in(&tx).await? {
        return Err(wrong().into());
    }
    let ended = authn::ending::end_all_in(&tx, id, authn::ending::current(actor)).await?;
    let after = facts(json!({ "passwordChanged": true, "sessionsEnded": ended }));
    let change = user::set_password_in(&tx, &account, hash, &after).await?;
    tx.commit(change).await
}

/// Gives somebody a new password and ends all their sessions.
///
/// # Errors
/// FORBIDDEN without `USER_UPDATE`; refusals for oneself, somebody with more power, who does not sign in with a password,
/// a password that breaks a rule, and an API token.
pub(crate) async fn reset_password(db: &Db, actor: &Actor, id: UserId, new: SecretString) -> Result<()> {
    let permit = actor.authorize(Permission::UserUpdate, Object::SITE)?;
    refuse_tokens(actor)?;
    password::check(&["password"], &new)?;
    let hash = password::hash(db.clock(), new.clone()).await?;
    let tx = db.begin(permit).await?;
    let oneself = "change your own password with `changePassword`, which asks for the current one";
    let account = user::decided_over_in(&tx, actor, id, LockType::NoKeyUpdate, oneself).await?;
    if account.row.is_service_account || account.row.login_type == LoginType::Oidc {
        let message = "they don't sign in with a password kept here";
        return Err(Refusal::conflict(&["userId"], message).into());
    }
    password::check_unlike(&["password"], &new, &account.row.username)?;
    let ended = authn::ending::end_all_in(&tx, id, None).await?;
    let after = facts(json!({ "passwordChanged": true, "sessionsEnded": ended }));
    let change = user::set_password_in(&tx, &account, hash, &after).await?;
    tx.commit(change).await
}

fn refuse_tokens(actor: &Actor) -> Result<(), Refusal> {
    if actor.limits().is_none() {
        return Ok(());
    }
    let message = "an API token changes no password; sign in";
    Err(Refusal::conflict(&[], message))
}
