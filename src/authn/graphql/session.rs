//! How sessions look, and how they end.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::DurationRound as _;
use guildhall_entity::id::{SessionId, UserId};
use sea_orm::prelude::DateTimeUtc;

use crate::authn::{SessionList, SessionRow, ending};
use crate::error::{Refusal, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::user::graphql::User;

/// A session.
#[derive(Clone)]
pub(crate) struct Session(SessionRow);

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self(row)
    }
}

impl Node for Session {
    type List = SessionList;
    const NAME: &'static str = "Session";

    fn from_row(row: SessionRow, _: &Request) -> Self {
        Self(row)
    }
}

/// The minute it is: which sessions have expired is asked once a request, not once a list.
pub(crate) fn minute(request: &Request) -> DateTimeUtc {
    let now = request.db.clock().now();
    now.duration_trunc(chrono::TimeDelta::minutes(1)).unwrap_or(now)
}

/// A place where somebody is signed in. Visible to themselves and to those with `TOKEN_READ`.
#[Object]
impl Session {
    /// `ses_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When they signed in.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Whose it is.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(ctx.request().get(self.0.user_id).await?.into())
    }

    /// The address they signed in from; empty when it was not known.
    async fn ip(&self) -> &str {
        &self.0.ip
    }

    /// What they signed in with, at most 200 characters; empty when it did not say.
    async fn user_agent(&self) -> &str {
        &self.0.user_agent
    }

    /// When it was last used, to the minute.
    async fn last_used_at(&self) -> DateTime {
        self.0.last_used_at.into()
    }

    /// When it ends by itself: seven days after signing in.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }

    /// Whether it is the one of this request.
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        ending::current(&ctx.request().actor) == Some(self.0.id)
    }
}

/// Which sessions.
#[derive(Default, InputObject)]
pub(crate) struct SessionFilter {
    /// Signed in from exactly this address.
    pub(crate) ip: Option<String>,
}

/// A session to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// The session.
    session_id: ID,
}

/// What `revokeSession` answers.
#[derive(SimpleObject)]
struct RevokeSessionPayload {
    /// The session that has ended; null when there are user errors.
    revoked_session_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Whose sessions to end.
#[derive(InputObject)]
struct RevokeAllSessionsInput {
    /// Whose; the viewer's if absent.
    user_id: Option<ID>,
    /// Whether the session in use goes on.
    #[graphql(default)]
    keep_current: bool,
}

/// What `revokeAllSessions` answers.
#[derive(SimpleObject)]
struct RevokeAllSessionsPayload {
    /// How many have ended; null when there are user errors.
    revoked_count: Option<u64>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Sessions that end.
#[derive(Default)]
pub(crate) struct EndingMutation;

#[Object]
impl EndingMutation {
    /// Ends a session: its token is refused from the next request on, and its open streams end. Needs `TOKEN_DELETE`, which
    /// everybody has for their own.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        input: RevokeSessionInput,
    ) -> Nullable<RevokeSessionPayload> {
        nullable(async {
            let (revoked, user_errors) = outcome(revoke(ctx.request(), &input.session_id).await)?;
            Ok(Some(RevokeSessionPayload { revoked_session_id: revoked, user_errors }))
        })
        .await
    }

    /// Ends all sessions of a user, so that they are signed out everywhere. API tokens stay. Needs `TOKEN_DELETE`, which
    /// everybody has for their own.
    async fn revoke_all_sessions(
        &self,
        ctx: &Context<'_>,
        input: RevokeAllSessionsInput,
    ) -> Nullable<RevokeAllSessionsPayload> {
        nullable(async {
            let (revoked_count, user_errors) = outcome(revoke_all(ctx.request(), &input).await)?;
            Ok(Some(RevokeAllSessionsPayload { revoked_count, user_errors }))
        })
        .await
    }
}

async fn revoke(request: &Request, id: &ID) -> Result<ID> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["sessionId"], "session");
    let session: SessionId = id.parse().map_err(|_| not_found())?;
    let row = request.find(session).await?.ok_or_else(not_found)?;
    ending::revoke(&request.db, &request.actor, &row).await?;
    Ok(id.clone())
}

async fn revoke_all(request: &Request, input: &RevokeAllSessionsInput) -> Result<u64> {
    let user = whose(request, input.user_id.as_ref()).await?;
    ending::revoke_all(&request.db, &request.actor, user, input.keep_current).await
}

/// The user that an input means: one that the viewer can see, or the viewer.
pub(super) async fn whose(request: &Request, id: Option<&ID>) -> Result<UserId> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["userId"], "user");
    match id {
        Some(id) => {
            let id: UserId = id.parse().map_err(|_| not_found())?;
            Ok(request.find(id).await?.ok_or_else(not_found)?.user.id)
        }
        None => request.actor.user_id().ok_or_else(|| {
            Refusal::invalid(&["userId"], "say whose: the one in use belongs to no user").into()
        }),
    }
}
