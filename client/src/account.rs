//! What happens to users: changes, passwords, sessions, their end.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::user::User;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A place where somebody is signed in.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// `ses_…`.
    pub id: Id,
    /// The address they signed in from; may be empty.
    pub ip: String,
    /// What they signed in with; may be empty.
    pub user_agent: String,
    /// When they signed in.
    pub created_at: DateTime,
    /// When it was last used, to the minute.
    pub last_used_at: DateTime,
    /// When it ends by itself.
    pub expires_at: DateTime,
    /// Whether it is the one in use.
    pub is_current: bool,
}

/// What to change about a user; what is `None` stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateUserInput {
    /// Who.
    pub user_id: Id,
    /// The name to sign in with.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Email address.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Full name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An emoji, `https:` URL or site path.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

#[derive(cynic::InputObject)]
struct SetUserSiteRolesInput {
    user_id: Id,
    site_roles: Vec<String>,
}

#[derive(cynic::InputObject)]
struct SuspendUserInput {
    user_id: Id,
}

#[derive(cynic::InputObject)]
struct ActivateUserInput {
    user_id: Id,
}

#[derive(cynic::InputObject)]
struct DeleteUserInput {
    user_id: Id,
}

#[derive(cynic::InputObject)]
struct ChangePasswordInput {
    current_password: String,
    new_password: String,
}

#[derive(cynic::InputObject)]
struct ResetPasswordInput {
    user_id: Id,
    password: String,
}

#[derive(cynic::InputObject)]
struct RevokeSessionInput {
    session_id: Id,
}

#[derive(cynic::InputObject)]
struct RevokeAllSessionsInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    user_id: Option<Id>,
    keep_current: bool,
}

#[derive(cynic::QueryVariables)]
struct UpdateUserVariables {
    input: UpdateUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateUserVariables")]
struct UpdateUser {
    #[arguments(input: $input)]
    update_user: Option<UpdateUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct SetUserSiteRolesVariables {
    input: SetUserSiteRolesInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetUserSiteRolesVariables")]
struct SetUserSiteRoles {
    #[arguments(input: $input)]
    set_user_site_roles: Option<SetUserSiteRolesPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetUserSiteRolesPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct SuspendUserVariables {
    input: SuspendUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SuspendUserVariables")]
struct SuspendUser {
    #[arguments(input: $input)]
    suspend_user: Option<SuspendUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct SuspendUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct ActivateUserVariables {
    input: ActivateUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ActivateUserVariables")]
struct ActivateUser {
    #[arguments(input: $input)]
    activate_user: Option<ActivateUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct ActivateUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct ChangePasswordVariables {
    input: ChangePasswordInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ChangePasswordVariables")]
struct ChangePassword {
    #[arguments(input: $input)]
    change_password: Option<ChangePasswordPayload>,
}

#[derive(cynic::QueryFragment)]
struct ChangePasswordPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct ResetPasswordVariables {
    input: ResetPasswordInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ResetPasswordVariables")]
struct ResetPassword {
    #[arguments(input: $input)]
    reset_password: Option<ResetPasswordPayload>,
}

#[derive(cynic::QueryFragment)]
struct ResetPasswordPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct DeleteUserVariables {
    input: DeleteUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteUserVariables")]
struct DeleteUser {
    #[arguments(input: $input)]
    delete_user: Option<DeleteUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteUserPayload {
    deleted_user_id: Option<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct SessionsVariables {
    username: String,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "SessionsVariables")]
struct Sessions {
    #[arguments(by: { username: $username })]
    user: Option<UserWithSessions>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "User", variables = "SessionsVariables")]
struct UserWithSessions {
    #[arguments(first: 100, after: $after)]
    sessions: Option<SessionConnection>,
}

connection!(SessionConnection, Session);

#[derive(cynic::QueryVariables)]
struct RevokeSessionVariables {
    input: RevokeSessionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RevokeSessionVariables")]
struct RevokeSession {
    #[arguments(input: $input)]
    revoke_session: Option<RevokeSessionPayload>,
}

#[derive(cynic::QueryFragment)]
struct RevokeSessionPayload {
    revoked_session_id: Option<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
struct RevokeAllSessionsVariables {
    input: RevokeAllSessionsInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RevokeAllSessionsVariables")]
struct RevokeAllSessions {
    #[arguments(input: $input)]
    revoke_all_sessions: Option<RevokeAllSessionsPayload>,
}

#[derive(cynic::QueryFragment)]
struct RevokeAllSessionsPayload {
    revoked_count: Option<i32>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// Changes who a user is.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_user(&self, input: UpdateUserInput) -> Result<User, ClientError> {
        let data = self.run(UpdateUser::build(UpdateUserVariables { input })).await?;
        accepted(data.update_user.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Gives a user exactly these roles in the whole deployment.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn set_user_site_roles(&self, user: &Id, site_roles: Vec<String>) -> Result<User, ClientError> {
        let data = self
            .run(SetUserSiteRoles::build(SetUserSiteRolesVariables {
                input: SetUserSiteRolesInput { user_id: user.clone(), site_roles },
            }))
            .await?;
        accepted(data.set_user_site_roles.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Takes every permission from a user.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn suspend_user(&self, user: &Id) -> Result<User, ClientError> {
        let data = self
            .run(SuspendUser::build(SuspendUserVariables {
                input: SuspendUserInput { user_id: user.clone() },
            }))
            .await?;
        accepted(data.suspend_user.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Lets a user act again.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn activate_user(&self, user: &Id) -> Result<User, ClientError> {
        let data = self
            .run(ActivateUser::build(ActivateUserVariables {
                input: ActivateUserInput { user_id: user.clone() },
            }))
            .await?;
        accepted(data.activate_user.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Changes the password of the signed-in user and ends their other sessions.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn change_password(
        &self,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<User, ClientError> {
        let (current, new) = (current.expose_secret().to_owned(), new.expose_secret().to_owned());
        let input = ChangePasswordInput { current_password: current, new_password: new };
        let data = self.run(ChangePassword::build(ChangePasswordVariables { input })).await?;
        accepted(data.change_password.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Gives somebody else a new password and ends their sessions.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn reset_password(&self, user: &Id, password: &SecretString) -> Result<User, ClientError> {
        let password = password.expose_secret().to_owned();
        let input = ResetPasswordInput { user_id: user.clone(), password };
        let data = self.run(ResetPassword::build(ResetPasswordVariables { input })).await?;
        accepted(data.reset_password.map(|payload| (payload.user, payload.user_errors)))
    }

    /// Deletes a user who owns no workspace; answers their id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn delete_user(&self, user: &Id) -> Result<Id, ClientError> {
        let input = DeleteUserInput { user_id: user.clone() };
        let data = self.run(DeleteUser::build(DeleteUserVariables { input })).await?;
        accepted(data.delete_user.map(|payload| (payload.deleted_user_id, payload.user_errors)))
    }

    /// Where a user is signed in, the latest first; none where the token may not see them.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when the user is missing or not visible, else as [`Client::run`].
    pub async fn sessions(
        &self,
        username: &str,
        after: Option<String>,
    ) -> Result<Page<Session>, ClientError> {
        let variables = SessionsVariables { username: username.to_owned(), after };
        let data = self.run_idempotent(Sessions::build(variables)).await?;
        let sessions = found(data.user, "user", username)?.sessions;
        let none = Page { nodes: Vec::new(), has_next: false, end_cursor: None };
        Ok(sessions.map_or(none, Page::from))
    }

    /// Ends a session; answers its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn revoke_session(&self, session: &Id) -> Result<Id, ClientError> {
        let input = RevokeSessionInput { session_id: session.clone() };
        let data = self.run(RevokeSession::build(RevokeSessionVariables { input })).await?;
        accepted(data.revoke_session.map(|payload| (payload.revoked_session_id, payload.user_errors)))
    }

    /// Ends all sessions of a user, of the signed-in one where none is named; answers how many.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn revoke_all_sessions(
        &self,
        user: Option<&Id>,
        keep_current: bool,
    ) -> Result<i32, ClientError> {
        let input = RevokeAllSessionsInput { user_id: user.cloned(), keep_current };
        let data = self.run(RevokeAllSessions::build(RevokeAllSessionsVariables { input })).await?;
        accepted(data.revoke_all_sessions.map(|payload| (payload.revoked_count, payload.user_errors)))
    }
}
