//! People and service accounts.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::role::Role;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A person or a service account.
///
/// The optional fields are `None` where the token may not see them.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// `user_…`.
    pub id: Id,
    /// Slug, unique in the deployment.
    pub username: String,
    /// Full name; may be empty.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
    /// Whether the account is in use.
    pub status: Option<UserStatus>,
    /// How the user signs in.
    pub login_type: Option<LoginType>,
    /// Roles in the whole deployment.
    pub site_roles: Option<Vec<Role>>,
    /// Whether it is a program.
    pub is_service_account: bool,
    /// Last request.
    pub last_seen_at: Option<DateTime>,
    /// Grows with every change.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime,
}

/// A user as other objects name them.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "User")]
pub struct UserRef {
    /// `user_…`.
    pub id: Id,
    /// Slug, unique in the deployment.
    pub username: String,
    /// Full name; may be empty.
    pub name: String,
}

/// Whether an account is in use.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum UserStatus {
    /// In use.
    Active,
    /// Unused for long.
    Dormant,
    /// Without any permission.
    Suspended,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// How a user signs in.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum LoginType {
    /// By password.
    Password,
    /// By an identity provider.
    Oidc,
    /// Not at all: a service account.
    None,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// A new user.
#[derive(Debug)]
pub struct NewUser {
    /// Slug, unique in the deployment.
    pub username: String,
    /// Email address; only a service account may be without.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// The first password; `None` leaves the user without one.
    pub password: Option<SecretString>,
    /// Whether it is a program, which has no password.
    pub service_account: bool,
    /// Names of roles in the whole deployment.
    pub site_roles: Vec<String>,
    /// Organizations to join at once.
    pub organizations: Vec<Id>,
    /// The same key with the same input within a day answers the user who was made the first time.
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject)]
struct CreateUserInput<'a> {
    username: &'a str,
    #[cynic(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    service_account: bool,
    site_roles: &'a [String],
    organization_ids: &'a [Id],
    #[cynic(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UserByUsernameVariables {
    username: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "UserByUsernameVariables")]
pub(crate) struct UserByUsername {
    #[arguments(by: { username: $username })]
    user: Option<User>,
}

/// Which users; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct UserFilter {
    /// Exactly one of these usernames, at most 100.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub usernames: Option<Vec<String>>,
    /// Text in username or name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Whether they are programs.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub is_service_account: Option<bool>,
    /// Whether they may act.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
    /// Who hold this role in the whole deployment.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub site_role: Option<String>,
}

/// An order of users.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOrder {
    /// By username, a to z.
    UsernameAsc,
    /// By username, z to a.
    UsernameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
    /// Who was last seen longest ago comes first.
    LastSeenAtAsc,
    /// Who was last seen comes first.
    LastSeenAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UsersByUsernameVariables {
    filter: UserFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "UsersByUsernameVariables")]
pub(crate) struct UsersByUsername {
    #[arguments(first: 100, filter: $filter)]
    users: UserRefConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "UserConnection")]
struct UserRefConnection {
    nodes: Vec<UserRef>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UsersVariables {
    filter: UserFilter,
    order: UserOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "UsersVariables")]
pub(crate) struct Users {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    users: UserConnection,
}

connection!(UserConnection, User);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateUserVariables<'a> {
    input: CreateUserInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateUserVariables")]
pub(crate) struct CreateUser {
    #[arguments(input: $input)]
    create_user: Option<CreateUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The user called `username`.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when they are missing or not visible, else as [`Client::run`].
    pub async fn user(&self, username: &str) -> Result<User, ClientError> {
        let variables = UserByUsernameVariables { username: username.to_owned() };
        let data = self.run_idempotent(UserByUsername::build(variables)).await?;
        found(data.user, "user", username)
    }

    /// Those of the users called so that the token may see; of at most 100 names.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn users_called(&self, usernames: &[String]) -> Result<Vec<UserRef>, ClientError> {
        let filter = UserFilter { usernames: Some(usernames.to_vec()), ..UserFilter::default() };
        let variables = UsersByUsernameVariables { filter };
        Ok(self.run_idempotent(UsersByUsername::build(variables)).await?.users.nodes)
    }

    /// The users that the token may see.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn users(
        &self,
        filter: &UserFilter,
        order: UserOrder,
        after: Option<String>,
    ) -> Result<Page<User>, ClientError> {
        let variables = UsersVariables { filter: filter.clone(), order, after };
        Ok(self.run_idempotent(Users::build(variables)).await?.users.into())
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_user(&self, user: &NewUser) -> Result<User, ClientError> {
        let input = CreateUserInput {
            username: &user.username,
            email: user.email.as_deref(),
            name: user.name.as_deref(),
            password: user.password.as_ref().map(ExposeSecret::expose_secret),
            service_account: user.service_account,
            site_roles: &user.site_roles,
            organization_ids: &user.organizations,
            idempotency_key: user.idempotency_key.as_deref(),
        };
        let data = self.run(CreateUser::build(CreateUserVariables { input })).await?;
        accepted(data.create_user.map(|payload| (payload.user, payload.user_errors)))
    }
}
