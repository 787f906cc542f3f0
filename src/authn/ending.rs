//! Ending sessions: the one in use, another one, all of them. Their tokens are refused from the next request on, and open
//! streams end.

use guildhall_entity::id::{SessionId, UserId};
use serde_json::json;

use super::{SessionRow, store};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Credential, Denied, Identity, Object, Permission, Resource};
use crate::db::{Db, Tx};
use crate::error::{Refusal, Result};
use crate::user;

/// Ends the session in use.
///
/// # Errors
/// UNAUTHENTICATED without one; a refusal for an actor that is not by a session.
pub(crate) async fn sign_out(db: &Db, actor: &Actor) -> Result<()> {
    let (id, username, session) = match actor.identity() {
        Identity::User { id, username, credential: Credential::Session(session) } => {
            (*id, username, *session)
        }
        Identity::User { .. } => {
            let message = "an API token does not sign out; revoke it with `revokeApiToken`";
            return Err(Refusal::conflict(&[], message).into());
        }
        Identity::Anonymous => return Err(Denied::Anonymous.into()),
        _ => return Err(Refusal::conflict(&[], "only a user's session can be signed out").into()),
    };
    let tx = db.begin(actor.authorize(Permission::TokenDelete, Object::SITE.owned_by(id))?).await?;
    store::session::delete_in(&tx, session).await?;
    let change =
        Change::new(Action::SignOut, Resource::Token, None, session, username, &Facts::new(), &Facts::new());
    tx.commit(change).await
}

/// Ends a session that the actor can see.
///
/// # Errors
/// FORBIDDEN without `TOKEN_DELETE`; refusals for one that has ended, and for somebody with more power.
pub(crate) async fn revoke(db: &Db, actor: &Actor, session: &SessionRow) -> Result<()> {
    let permit = actor.authorize(Permission::TokenDelete, Object::SITE.owned_by(session.user_id))?;
    let tx = db.begin(permit).await?;
    let owner = user::account_in(&tx, session.user_id).await?;
    let owner = owner.ok_or_else(|| Refusal::not_found(&["sessionId"], "session"))?;
    owner.require_power(actor, &["sessionId"])?;
    if !store::session::delete_in(&tx, session.id).await? {
        return Err(Refusal::not_found(&["sessionId"], "session").into());
    }
    let before = facts(json!({ "user": owner.row.username, "expiresAt": session.expires_at }));
    let name = &owner.row.username;
    let change = Change::new(Action::Delete, Resource::Token, None, session.id, name, &before, &Facts::new());
    tx.commit(change).await
}

/// Ends all sessions of a user, the one in use among them unless it is to be kept; answers how many. API tokens stay.
///
/// # Errors
/// FORBIDDEN without `TOKEN_DELETE`; a refusal for somebody with more power.
pub(crate) async fn revoke_all(db: &Db, actor: &Actor, user: UserId, keep_current: bool) -> Result<u64> {
    let permit = actor.authorize(Permission::TokenDelete, Object::SITE.owned_by(user))?;
    let tx = db.begin(permit).await?;
    let owner = user::account_in(&tx, user).await?;
    let owner = owner.ok_or_else(|| Refusal::not_found(&["userId"], "user"))?;
    owner.require_power(actor, &["userId"])?;
    let ended = end_all_in(&tx, user, current(actor).filter(|_| keep_current)).await?;
    let before = facts(json!({ "sessions": ended }));
    let after = facts(json!({ "sessions": 0 }));
    let change =
        Change::new(Action::SignOut, Resource::Token, None, user, owner.row.username, &before, &after);
    tx.commit(change).await?;
    Ok(ended)
}

/// The session in use.
pub(crate) fn current(actor: &Actor) -> Option<SessionId> {
    match actor.identity() {
        Identity::User { credential: Credential::Session(id), .. } => Some(*id),
        _ => None,
    }
}

/// Ends all sessions of a user but one, inside somebody else's transaction; answers how many.
pub(crate) async fn end_all_in(tx: &Tx, user: UserId, except: Option<SessionId>) -> Result<u64> {
    store::session::delete_all_in(tx, user, except).await
}
