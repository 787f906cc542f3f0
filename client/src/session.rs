//! Signing in and out, and who is signed in.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::answer::accepted;
use crate::organization::OrganizationRef;
use crate::role::Role;
use crate::user::User;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// What signing in brings.
#[derive(Debug)]
pub struct Session {
    /// Who signed in.
    pub user: User,
    /// Sent with every further call ([`Client::with_token`]).
    pub token: SecretString,
    /// When the token ends by itself.
    pub expires_at: Option<DateTime>,
}

/// The person whom the first start of a server waits for; becomes owner of the deployment.
pub struct FirstUser<'a> {
    /// Proof of access to the server's data folder, from its file `setup-token`.
    pub setup_token: &'a SecretString,
    /// Slug.
    pub username: &'a str,
    /// Email address.
    pub email: &'a str,
    /// Full name, if given.
    pub name: Option<&'a str>,
    /// The password to sign in with.
    pub password: &'a SecretString,
}

/// The signed-in user.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "User")]
#[serde(rename_all = "camelCase")]
pub struct Viewer {
    /// `user_…`.
    pub id: Id,
    /// Slug, unique in the deployment.
    pub username: String,
    /// Full name; may be empty.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
    /// Roles in the whole deployment.
    pub site_roles: Option<Vec<Role>>,
    /// The organizations the user belongs to; a hundred at most.
    #[arguments(first: 100)]
    pub organizations: ViewerOrganizations,
}

/// Organizations of the signed-in user.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "OrganizationConnection")]
pub struct ViewerOrganizations {
    /// In no order.
    pub nodes: Vec<OrganizationRef>,
}

/// The server.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Version of the server.
    pub version: String,
    /// True until the first owner exists.
    pub setup_required: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct CurrentUser {
    viewer: Option<Viewer>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct DeploymentStatus {
    deployment: Deployment,
}

#[derive(cynic::InputObject)]
struct SignInInput<'a> {
    login: &'a str,
    password: &'a str,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SignInVariables<'a> {
    input: SignInInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SignInVariables")]
pub(crate) struct SignIn {
    #[arguments(input: $input)]
    sign_in: Option<SignInPayload>,
}

#[derive(cynic::QueryFragment)]
struct SignInPayload {
    user: Option<User>,
    token: Option<String>,
    expires_at: Option<DateTime>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct CreateFirstUserInput<'a> {
    setup_token: &'a str,
    username: &'a str,
    email: &'a str,
    #[cynic(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    password: &'a str,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateFirstUserVariables<'a> {
    input: CreateFirstUserInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateFirstUserVariables")]
pub(crate) struct CreateFirstUser {
    #[arguments(input: $input)]
    create_first_user: Option<CreateFirstUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateFirstUserPayload {
    user: Option<User>,
    token: Option<String>,
    expires_at: Option<DateTime>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation")]
pub(crate) struct SignOut {
    sign_out: Option<SignOutPayload>,
}

#[derive(cynic::QueryFragment)]
struct SignOutPayload {
    user_errors: Vec<UserError>,
}

fn session(user: Option<User>, token: Option<String>, expires_at: Option<DateTime>) -> Option<Session> {
    Some(Session { user: user?, token: token?.into(), expires_at })
}

impl Client {
    /// The signed-in user; `None` for a provisioner key.
    ///
    /// # Errors
    /// As [`Client::run`]; code `UNAUTHENTICATED` without a token.
    pub async fn viewer(&self) -> Result<Option<Viewer>, ClientError> {
        Ok(self.run_idempotent(CurrentUser::build(())).await?.viewer)
    }

    /// The server's version, and whether it still waits for its first user.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn deployment(&self) -> Result<Deployment, ClientError> {
        Ok(self.run_idempotent(DeploymentStatus::build(())).await?.deployment)
    }

    /// Signs in with a username or an email address.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn sign_in(&self, login: &str, password: &SecretString) -> Result<Session, ClientError> {
        let input = SignInInput { login, password: password.expose_secret() };
        let data = self.run(SignIn::build(SignInVariables { input })).await?;
        accepted(
            data.sign_in.map(|payload| {
                (session(payload.user, payload.token, payload.expires_at), payload.user_errors)
            }),
        )
    }

    /// Creates the first user of a new server and signs in.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_first_user(&self, user: &FirstUser<'_>) -> Result<Session, ClientError> {
        let input = CreateFirstUserInput {
            setup_token: user.setup_token.expose_secret(),
            username: user.username,
            email: user.email,
            name: user.name,
            password: user.password.expose_secret(),
        };
        let data = self.run(CreateFirstUser::build(CreateFirstUserVariables { input })).await?;
        accepted(
            data.create_first_user.map(|payload| {
                (session(payload.user, payload.token, payload.expires_at), payload.user_errors)
            }),
        )
    }

    /// Ends the session of the token in use.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        let data = self.run(SignOut::build(())).await?;
        accepted(data.sign_out.map(|payload| (Some(()), payload.user_errors)))
    }
}
