//! How API tokens look, how they are made and revoked.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{ApiTokenId, UserId};
use secrecy::ExposeSecret;

use super::session::whose;
use crate::authn::token::{self, NewToken};
use crate::authn::{TokenList, TokenRow};
use crate::authz::{self, Credential, Identity, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::once::Made;
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::user::graphql::User;

/// An API token.
#[derive(Clone)]
pub(crate) struct ApiToken(TokenRow);

impl From<TokenRow> for ApiToken {
    fn from(row: TokenRow) -> Self {
        Self(row)
    }
}

impl Node for ApiToken {
    type List = TokenList;
    const NAME: &'static str = "ApiToken";

    fn from_row(row: TokenRow, _: &Request) -> Self {
        Self(row)
    }
}

/// What a program carries for a user, as `Authorization: Bearer ghat_…`. It may do what its user may do, less what its
/// scopes and its organization leave out. The secret is shown once, when the token is made. Visible to its user and to those
/// with `TOKEN_READ`.
#[Object]
impl ApiToken {
    /// `atok_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Its name, unique among its user's.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// For whom it is carried.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(ctx.request().get(self.0.user_id).await?.into())
    }

    /// Who made it; null when the viewer can't see them.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async { Ok(ctx.request().find(self.0.created_by).await?.map(User::from)) }).await
    }

    /// The only permissions that it leaves of its user's; null for all of them.
    async fn scopes(&self) -> Option<Vec<Permission>> {
        let names = self.0.scopes.as_ref()?;
        Some(names.0.iter().filter_map(|name| Permission::named(name)).collect())
    }

    /// The only organization in which it may do anything; null for all, and when the viewer can't see it.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        nullable(async {
            match self.0.organization_id {
                Some(id) => Ok(ctx.request().find(id).await?.map(Organization::from)),
                None => Ok(None),
            }
        })
        .await
    }

    /// Whether it is bound to one organization.
    async fn is_bound(&self) -> bool {
        self.0.organization_id.is_some()
    }

    /// When it was last used, to the minute; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime::from)
    }

    /// When it stops being accepted.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }

    /// Whether it is the one of this request.
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        let own = Credential::Token(self.0.id);
        matches!(ctx.request().actor.identity(), Identity::User { credential, .. } if *credential == own)
    }
}

/// Which tokens.
#[derive(Default, InputObject)]
pub(crate) struct ApiTokenFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
}

/// A token to be made.
#[derive(InputObject)]
struct CreateApiTokenInput {
    /// For whom: oneself if absent, or a service account.
    user_id: Option<ID>,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique among the user's tokens.
    name: String,
    /// The only permissions that it leaves of the user's, each with the reading of what it is about; all of them if absent.
    scopes: Option<Vec<Permission>>,
    /// The only organization in which it may do anything; all of the user's if absent.
    organization_id: Option<ID>,
    /// When it stops being accepted, within a year; in 90 days if absent.
    expires_at: Option<DateTime>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createApiToken` answers.
#[derive(SimpleObject)]
struct CreateApiTokenPayload {
    /// The new token; null when there are user errors.
    api_token: Option<ApiToken>,
    /// Its secret, shown this once; null when there are user errors, and when the token was made by an earlier request with
    /// the same `idempotencyKey`: secrets are not kept.
    secret: Option<String>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A token to revoke.
#[derive(InputObject)]
struct RevokeApiTokenInput {
    /// The token.
    api_token_id: ID,
}

/// What `revokeApiToken` answers.
#[derive(SimpleObject)]
struct RevokeApiTokenPayload {
    /// The token that is gone; null when there are user errors.
    revoked_api_token_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to API tokens.
#[derive(Default)]
pub(crate) struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Creates an API token for oneself or for a service account and shows its secret this once. A token makes none that
    /// leaves more than it does itself, or that outlives it. Needs `TOKEN_CREATE`, which everybody has for themselves.
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        input: CreateApiTokenInput,
    ) -> Nullable<CreateApiTokenPayload> {
        nullable(async {
            let (made, user_errors) = outcome(create(ctx.request(), input).await)?;
            let (api_token, secret) = made.map_or((None, None), |(token, secret)| (Some(token), secret));
            Ok(Some(CreateApiTokenPayload { api_token, secret, user_errors }))
        })
        .await
    }

    /// Revokes an API token: it is refused from the next request on, and its open streams end. Needs `TOKEN_DELETE`, which
    /// everybody has for their own.
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        input: RevokeApiTokenInput,
    ) -> Nullable<RevokeApiTokenPayload> {
        nullable(async {
            let (revoked, user_errors) = outcome(revoke(ctx.request(), &input.api_token_id).await)?;
            Ok(Some(RevokeApiTokenPayload { revoked_api_token_id: revoked, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateApiTokenInput) -> Result<(ApiToken, Option<String>)> {
    let owner: UserId = whose(request, input.user_id.as_ref()).await?;
    let organization = match &input.organization_id {
        Some(id) => Some(crate::organization::graphql::resolve(request, id).await?),
        None => None,
    };
    let now = request.db.clock().now();
    let expires_at = input.expires_at.map(|time| time.0);
    let new = NewToken::parse(&input.name, input.scopes.as_deref(), organization, expires_at, now)?;
    let needed = (Permission::TokenCreate, authz::Object::SITE.owned_by(owner));
    let made = request
        .once(input.idempotency_key.as_deref(), "createApiToken", &input, needed, async |db| {
            token::create(&db, &request.actor, owner, new).await
        })
        .await?;
    let (row, secret) = match made {
        Made::Now((id, secret)) => (request.get(id).await?, Some(secret.expose_secret().to_owned())),
        Made::Earlier(subjects) => (request.made_earlier::<ApiTokenId>(&subjects, 0).await?, None),
    };
    Ok((row.into(), secret))
}

async fn revoke(request: &Request, id: &ID) -> Result<ID> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["apiTokenId"], "API token");
    let token: ApiTokenId = id.parse().map_err(|_| not_found())?;
    let row = request.find(token).await?.ok_or_else(not_found)?;
    token::revoke(&request.db, &request.actor, &row).await?;
    Ok(id.clone())
}
