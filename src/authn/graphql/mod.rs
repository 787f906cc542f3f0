//! Signing in and out, and the first user; sessions and API tokens.

mod session;
mod token;

pub(crate) use session::{EndingMutation, Session, SessionFilter, minute};
pub(crate) use token::{ApiToken, ApiTokenFilter, TokenMutation};

use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::{ExposeSecret, SecretString};

use super::opening::{self, Opened};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::user::graphql::User;
use crate::user::{self, NewUser};

/// Somebody who signs in.
#[derive(InputObject)]
struct SignInInput {
    /// Username or email address, without regard to case.
    login: String,
    /// The password.
    password: String,
}

/// What `signIn` answers.
#[derive(SimpleObject)]
struct SignInPayload {
    /// Who signed in; null when there are user errors.
    user: Option<User>,
    /// The session's token, shown this once: send it as `Authorization: Bearer …`.
    token: Option<String>,
    /// When it ends.
    expires_at: Option<DateTime>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What `signOut` answers.
#[derive(SimpleObject)]
struct SignOutPayload {
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// The first user, who becomes an owner.
#[derive(InputObject)]
struct CreateFirstUserInput {
    /// Printed by the server at its start, and kept in its data folder until there is an owner.
    setup_token: String,
    /// The name to sign in with: 1–32 characters of a–z, 0–9 and single hyphens between them.
    username: String,
    /// Email address.
    email: String,
    /// The name as people read it; the username if absent.
    name: Option<String>,
    /// 8 characters to 256 bytes.
    password: String,
}

/// What `createFirstUser` answers.
#[derive(SimpleObject)]
struct CreateFirstUserPayload {
    /// The new owner, signed in; null when there are user errors.
    user: Option<User>,
    /// The session's token, shown this once: send it as `Authorization: Bearer …`.
    token: Option<String>,
    /// When it ends.
    expires_at: Option<DateTime>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Signing in and out, and the first user.
#[derive(Default)]
pub(crate) struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Creates the first user, an owner, and signs them in. Refused once an owner exists.
    async fn create_first_user(
        &self,
        ctx: &Context<'_>,
        input: CreateFirstUserInput,
    ) -> Nullable<CreateFirstUserPayload> {
        nullable(async {
            let (opened, user_errors) = outcome(create_first(ctx.request(), input).await)?;
            let (user, token, expires_at) = parts(opened);
            Ok(Some(CreateFirstUserPayload { user, token, expires_at, user_errors }))
        })
        .await
    }

    /// Opens a session. So many times a minute for an account and for an address; then `RATE_LIMITED`, with the seconds to
    /// wait in `retryAfter`.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Nullable<SignInPayload> {
        nullable(async {
            let (opened, user_errors) = outcome(sign_in(ctx.request(), input).await)?;
            let (user, token, expires_at) = parts(opened);
            Ok(Some(SignInPayload { user, token, expires_at, user_errors }))
        })
        .await
    }

    /// Ends the session in use: its token is refused from the next request on.
    async fn sign_out(&self, ctx: &Context<'_>) -> Nullable<SignOutPayload> {
        nullable(async {
            let request = ctx.request();
            let (_, user_errors) = outcome(super::ending::sign_out(&request.db, &request.actor).await)?;
            Ok(Some(SignOutPayload { user_errors }))
        })
        .await
    }
}

fn parts(opened: Option<(User, Opened)>) -> (Option<User>, Option<String>, Option<DateTime>) {
    let Some((user, opened)) = opened else { return (None, None, None) };
    (Some(user), Some(opened.token.expose_secret().to_owned()), Some(opened.expires_at.into()))
}

async fn seen(request: &Request, opened: Opened) -> Result<(User, Opened)> {
    // Read as the user themselves, who can see all of their own.
    let request = request.of(opened.actor.clone());
    Ok((request.get(opened.user).await?.into(), opened))
}

async fn sign_in(request: &Request, input: SignInInput) -> Result<(User, Opened)> {
    let password = SecretString::from(input.password);
    let origin = request.actor.origin();
    let app = &request.app;
    let limit = app.sign_ins_per_minute;
    let opened =
        super::sign_in(&request.db, &app.session_keys, limit, origin, &input.login, password).await?;
    seen(request, opened).await
}

async fn create_first(request: &Request, input: CreateFirstUserInput) -> Result<(User, Opened)> {
    if user::an_owner_exists(&request.db).await? {
        return Err(user::an_owner_is_there().into());
    }
    if !super::is_setup_token(request.app.setup_token.as_ref(), &input.setup_token) {
        let message = "this is not the setup token; the server prints it at its start and keeps it in `setup-token` in its data folder";
        return Err(Refusal::invalid(&["setupToken"], message).into());
    }
    let password = SecretString::from(input.password);
    let name = input.name.as_deref().unwrap_or_default();
    let new = NewUser::parse(&input.username, &input.email, name, Some(password), false)?;
    let (app, origin) = (&request.app, request.actor.origin());
    let opened =
        opening::open_first(&request.db, &app.session_keys, origin, new, app.default_organization).await?;
    app.setup_done();
    seen(request, opened).await
}
