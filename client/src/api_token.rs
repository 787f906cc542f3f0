//! Tokens that programs carry for a user.

use secrecy::SecretString;
use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::organization::OrganizationRef;
use crate::user::UserRef;
use crate::{
    Client, ClientError, DateTime, Id, MutationBuilder, Page, Permission, QueryBuilder, UserError, schema,
};

/// A token; its secret is kept by nobody but who carries it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// `atok_…`.
    pub id: Id,
    /// Slug, unique among its user's.
    pub name: String,
    /// For whom it is carried.
    pub user: UserRef,
    /// The only permissions that it leaves; `None` for all of its user's.
    pub scopes: Option<Vec<Permission>>,
    /// The only organization in which it may do anything.
    pub organization: Option<OrganizationRef>,
    /// When it was created.
    pub created_at: DateTime,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime>,
    /// When it ends by itself.
    pub expires_at: DateTime,
}

/// A token that was just made, with its secret.
#[derive(Debug)]
pub struct NewApiToken {
    /// The token.
    pub token: ApiToken,
    /// Never to be seen again; `None` where an earlier request with the same idempotency key made it.
    pub secret: Option<SecretString>,
}

/// A new token.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateApiTokenInput {
    /// For whom; default: the signed-in user.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// Slug, unique among the user's tokens.
    pub name: String,
    /// The only permissions that it leaves; default: all of the user's.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Permission>>,
    /// The only organization in which it may do anything; default: all of the user's.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Id>,
    /// When it ends by itself; default: in 90 days.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime>,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject)]
struct RevokeApiTokenInput {
    api_token_id: Id,
}

/// Which tokens; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct ApiTokenFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl ApiTokenFilter {
    /// The one called so.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: Some(name.to_owned()) }
    }
}

/// An order of tokens.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTokenOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ApiTokensVariables {
    username: String,
    filter: ApiTokenFilter,
    order: ApiTokenOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ApiTokensVariables")]
pub(crate) struct ApiTokens {
    #[arguments(by: { username: $username })]
    user: Option<UserWithTokens>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "User", variables = "ApiTokensVariables")]
struct UserWithTokens {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    api_tokens: Option<ApiTokenConnection>,
}

connection!(ApiTokenConnection, ApiToken);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateApiTokenVariables {
    input: CreateApiTokenInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateApiTokenVariables")]
pub(crate) struct CreateApiToken {
    #[arguments(input: $input)]
    create_api_token: Option<CreateApiTokenPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateApiTokenPayload {
    api_token: Option<ApiToken>,
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RevokeApiTokenVariables {
    input: RevokeApiTokenInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RevokeApiTokenVariables")]
pub(crate) struct RevokeApiToken {
    #[arguments(input: $input)]
    revoke_api_token: Option<RevokeApiTokenPayload>,
}

#[derive(cynic::QueryFragment)]
struct RevokeApiTokenPayload {
    revoked_api_token_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The tokens of a user; none where the token in use may not see them.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when the user is missing or not visible, else as [`Client::run`].
    pub async fn api_tokens(
        &self,
        username: &str,
        filter: &ApiTokenFilter,
        order: ApiTokenOrder,
        after: Option<String>,
    ) -> Result<Page<ApiToken>, ClientError> {
        let variables =
            ApiTokensVariables { username: username.to_owned(), filter: filter.clone(), order, after };
        let data = self.run_idempotent(ApiTokens::build(variables)).await?;
        let tokens = found(data.user, "user", username)?.api_tokens;
        let none = Page { nodes: Vec::new(), has_next: false, end_cursor: None };
        Ok(tokens.map_or(none, Page::from))
    }

    /// Creates a token.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_api_token(&self, input: CreateApiTokenInput) -> Result<NewApiToken, ClientError> {
        let data = self.run(CreateApiToken::build(CreateApiTokenVariables { input })).await?;
        accepted(data.create_api_token.map(|payload| {
            let secret = payload.secret.map(SecretString::from);
            (payload.api_token.map(|token| NewApiToken { token, secret }), payload.user_errors)
        }))
    }

    /// Revokes a token; answers its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn revoke_api_token(&self, token: &Id) -> Result<Id, ClientError> {
        let input = RevokeApiTokenInput { api_token_id: token.clone() };
        let data = self.run(RevokeApiToken::build(RevokeApiTokenVariables { input })).await?;
        accepted(data.revoke_api_token.map(|payload| (payload.revoked_api_token_id, payload.user_errors)))
    }
}
