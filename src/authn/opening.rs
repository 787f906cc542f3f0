//! Opening sessions: for who proved who they are, and for the first user as they are made.

use chrono::TimeDelta;
use guildhall_entity::id::{OrganizationId, SessionId, UserId};
use sea_orm::prelude::DateTimeUtc;
use secrecy::SecretString;
use serde_json::json;

use super::session::SessionKeys;
use super::store;
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::policy::System;
use crate::authz::{Actor, Credential, Object, Origin, Permission, Permit, Resource};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::user::{self, FirstUser, NewUser};

/// How long a session lasts.
const LASTS: TimeDelta = TimeDelta::days(7);

/// A session that was just opened.
pub(crate) struct Opened {
    pub(crate) user: UserId,
    pub(crate) actor: Actor,
    pub(crate) token: SecretString,
    pub(crate) expires_at: DateTimeUtc,
}

/// A session to be opened.
struct NewSession {
    id: SessionId,
    token: SecretString,
    expires_at: DateTimeUtc,
    user: UserId,
    username: String,
    origin: Origin,
}

impl NewSession {
    fn sign(db: &Db, keys: &SessionKeys, origin: &Origin, user: UserId, username: &str) -> Result<Self> {
        let (id, expires_at) = (db.clock().id::<SessionId>(), db.clock().now() + LASTS);
        let token = keys.sign(id, expires_at.timestamp())?;
        Ok(Self { id, token, expires_at, user, username: username.to_owned(), origin: origin.clone() })
    }

    /// Who signs in acts themselves: that is how the audit log finds it.
    fn permit(&self) -> Result<Permit> {
        let who = Actor::user(
            self.user,
            self.username.clone(),
            Credential::Session(self.id),
            std::iter::empty(),
            Vec::new(),
            self.origin.clone(),
        );
        Ok(who.authorize(Permission::TokenCreate, Object::SITE.owned_by(self.user))?)
    }

    async fn insert_in(&self, tx: &Tx) -> Result<Change> {
        let ip = self.origin.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let agent = self.origin.user_agent.chars().filter(|c| !c.is_control()).take(200).collect();
        store::session::insert_in(tx, self.id, self.user, (ip, agent), self.expires_at).await?;
        store::session::forget_expired_in(tx, self.user).await?;
        let (name, after) =
            (&self.username, facts(json!({ "user": self.username, "expiresAt": self.expires_at })));
        Ok(Change::new(Action::SignIn, Resource::Token, None, self.id, name, &Facts::new(), &after))
    }

    /// It is there, with the actor as the next request will see them.
    async fn opened(self, db: &Db) -> Result<Opened> {
        let Self { id, user, token, expires_at, origin, .. } = self;
        let holder = store::holder(db, Credential::Session(id)).await?;
        let actor = match holder.map(|holder| super::user(db, &holder, origin.clone())) {
            Some(Ok(recognised)) => recognised.actor,
            _ => Actor::anonymous(origin),
        };
        Ok(Opened { user, actor, token, expires_at })
    }
}

/// Opens a session for a user who proved who they are, if that still holds: to verify a password takes a while, in which it
/// may have been changed, and the account suspended or deleted.
pub(super) async fn open_proven(
    db: &Db,
    keys: &SessionKeys,
    origin: &Origin,
    credentials: &store::Credentials,
) -> Result<Option<Opened>> {
    let session = NewSession::sign(db, keys, origin, credentials.id, &credentials.username)?;
    let tx = db.begin(session.permit()?).await?;
    if !store::still_hold_in(&tx, credentials).await? {
        return Ok(None);
    }
    let change = session.insert_in(&tx).await?;
    tx.commit(change).await?;
    session.opened(db).await.map(Some)
}

/// Opens a session for a user of whom the caller knows who they are.
pub(crate) async fn open(
    db: &Db,
    keys: &SessionKeys,
    origin: &Origin,
    user: UserId,
    username: &str,
) -> Result<Opened> {
    let session = NewSession::sign(db, keys, origin, user, username)?;
    let tx = db.begin(session.permit()?).await?;
    let change = session.insert_in(&tx).await?;
    tx.commit(change).await?;
    session.opened(db).await
}

/// Creates the first user, an owner, and opens a session for them: both, or neither. The caller has checked the setup
/// token.
///
/// # Errors
/// A refusal once an owner exists.
pub(crate) async fn open_first(
    db: &Db,
    keys: &SessionKeys,
    origin: &Origin,
    new: NewUser,
    default_organization: OrganizationId,
) -> Result<Opened> {
    let first = FirstUser::prepare(db, new).await?;
    let session = NewSession::sign(db, keys, origin, first.id(), first.username())?;
    let setup = Actor::system(System::Setup, origin.clone());
    let tx = db.begin(setup.authorize(Permission::UserCreate, Object::SITE)?).await?;
    let mut changes = user::insert_first_in(&tx, first, default_organization).await?;
    changes.push(session.insert_in(&tx).await?.under(session.permit()?));
    tx.commit_all(changes).await?;
    session.opened(db).await
}
