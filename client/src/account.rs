//! What happens to users: changes, passwords, their end.

use secrecy::{ExposeSecret, SecretString};

use crate::answer::accepted;
use crate::user::User;
use crate::{Client, ClientError, Id, MutationBuilder, UserError, schema};

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
    /// Change nothing unless it still has this version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
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

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateUserVariables {
    input: UpdateUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateUserVariables")]
pub(crate) struct UpdateUser {
    #[arguments(input: $input)]
    update_user: Option<UpdateUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SetUserSiteRolesVariables {
    input: SetUserSiteRolesInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SetUserSiteRolesVariables")]
pub(crate) struct SetUserSiteRoles {
    #[arguments(input: $input)]
    set_user_site_roles: Option<SetUserSiteRolesPayload>,
}

#[derive(cynic::QueryFragment)]
struct SetUserSiteRolesPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SuspendUserVariables {
    input: SuspendUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SuspendUserVariables")]
pub(crate) struct SuspendUser {
    #[arguments(input: $input)]
    suspend_user: Option<SuspendUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct SuspendUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ActivateUserVariables {
    input: ActivateUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ActivateUserVariables")]
pub(crate) struct ActivateUser {
    #[arguments(input: $input)]
    activate_user: Option<ActivateUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct ActivateUserPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ChangePasswordVariables {
    input: ChangePasswordInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ChangePasswordVariables")]
pub(crate) struct ChangePassword {
    #[arguments(input: $input)]
    change_password: Option<ChangePasswordPayload>,
}

#[derive(cynic::QueryFragment)]
struct ChangePasswordPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ResetPasswordVariables {
    input: ResetPasswordInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ResetPasswordVariables")]
pub(crate) struct ResetPassword {
    #[arguments(input: $input)]
    reset_password: Option<ResetPasswordPayload>,
}

#[derive(cynic::QueryFragment)]
struct ResetPasswordPayload {
    user: Option<User>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteUserVariables {
    input: DeleteUserInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteUserVariables")]
pub(crate) struct DeleteUser {
    #[arguments(input: $input)]
    delete_user: Option<DeleteUserPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteUserPayload {
    deleted_user_id: Option<Id>,
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
}
