//! Changes to accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::UserId;
use secrecy::SecretString;

use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::user::graphql::User;

macro_rules! payload {
    ($name:literal, $payload:ident) => {
        #[doc = concat!("What `", $name, "` answers.")]
        #[derive(SimpleObject)]
        struct $payload {
            /// The user as they are now; null when there are user errors.
            user: Option<User>,
            /// What a person can fix.
            user_errors: Vec<UserError>,
        }
    };
}

payload!("suspendUser", SuspendUserPayload);
payload!("activateUser", ActivateUserPayload);
payload!("changePassword", ChangePasswordPayload);
payload!("resetPassword", ResetPasswordPayload);

/// Somebody to suspend.
#[derive(InputObject)]
struct SuspendUserInput {
    /// The user.
    user_id: ID,
}

/// Somebody to let act again.
#[derive(InputObject)]
struct ActivateUserInput {
    /// The user.
    user_id: ID,
}

/// A new password of one's own.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password as it is.
    current_password: String,
    /// 8 characters to 256 bytes.
    new_password: String,
}

/// A new password for somebody else.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// The user.
    user_id: ID,
    /// 8 characters to 256 bytes.
    password: String,
}

/// A user to delete.
#[derive(InputObject)]
struct DeleteUserInput {
    /// The user. They must own no workspace.
    user_id: ID,
}

/// What `deleteUser` answers.
#[derive(SimpleObject)]
struct DeleteUserPayload {
    /// Who was deleted; null when there are user errors.
    deleted_user_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to accounts.
#[derive(Default)]
pub(crate) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Takes every permission from a user: their sessions end, their tokens are refused from the next request on, open
    /// streams end. The last owner who may act stays. Needs `USER_UPDATE`, and every permission that they hold by roles.
    async fn suspend_user(&self, ctx: &Context<'_>, input: SuspendUserInput) -> Nullable<SuspendUserPayload> {
        nullable(async {
            let work = async |request: &Request, id| super::suspend(&request.db, &request.actor, id).await;
            let (user, user_errors) = outcome(changed(ctx.request(), &input.user_id, work).await)?;
            Ok(Some(SuspendUserPayload { user, user_errors }))
        })
        .await
    }

    /// Lets a suspended or dormant user act again. Needs `USER_UPDATE`, and every permission that they hold by roles.
    async fn activate_user(
        &self,
        ctx: &Context<'_>,
        input: ActivateUserInput,
    ) -> Nullable<ActivateUserPayload> {
        nullable(async {
            let work = async |request: &Request, id| super::activate(&request.db, &request.actor, id).await;
            let (user, user_errors) = outcome(changed(ctx.request(), &input.user_id, work).await)?;
            Ok(Some(ActivateUserPayload { user, user_errors }))
        })
        .await
    }

    /// Changes one's own password and ends one's other sessions; API tokens stay. Guesses at the current one count like
    /// those of signing in. Not by an API token. Needs `USER_UPDATE`, which everybody has for themselves.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Nullable<ChangePasswordPayload> {
        nullable(async {
            let (user, user_errors) = outcome(change(ctx.request(), input).await)?;
            Ok(Some(ChangePasswordPayload { user, user_errors }))
        })
        .await
    }

    /// Gives somebody a new password and ends all their sessions; API tokens stay. Not by an API token. Needs `USER_UPDATE`,
    /// and every permission that they hold by roles.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        input: ResetPasswordInput,
    ) -> Nullable<ResetPasswordPayload> {
        nullable(async {
            let password = SecretString::from(input.password);
            let work = async |request: &Request, id| {
                super::reset_password(&request.db, &request.actor, id, password).await
            };
            let (user, user_errors) = outcome(changed(ctx.request(), &input.user_id, work).await)?;
            Ok(Some(ResetPasswordPayload { user, user_errors }))
        })
        .await
    }

    /// Deletes a user: their memberships, sessions and API tokens go, their names are free then, what they made stays. Refused
    /// while they own workspaces. Needs `USER_DELETE`, and every permission that they hold by roles.
    async fn delete_user(&self, ctx: &Context<'_>, input: DeleteUserInput) -> Nullable<DeleteUserPayload> {
        nullable(async {
            let (deleted, user_errors) = outcome(delete(ctx.request(), &input.user_id).await)?;
            Ok(Some(DeleteUserPayload { deleted_user_id: deleted, user_errors }))
        })
        .await
    }
}

/// A user that the viewer can see.
async fn visible(request: &Request, id: &ID) -> Result<UserId> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["userId"], "user");
    let id: UserId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?.user.id)
}

/// The user after a change, as the viewer sees them then.
async fn changed(
    request: &Request,
    id: &ID,
    work: impl AsyncFnOnce(&Request, UserId) -> Result<()>,
) -> Result<User> {
    let id = visible(request, id).await?;
    work(request, id).await?;
    User::afresh(request, id).await
}

async fn change(request: &Request, input: ChangePasswordInput) -> Result<User> {
    request.signed_in()?;
    let (current, new) = (SecretString::from(input.current_password), SecretString::from(input.new_password));
    super::change_password(&request.db, request.app.sign_ins_per_minute, &request.actor, current, new)
        .await?;
    let id = request.actor.user_id().ok_or_else(|| Refusal::not_found(&[], "user"))?;
    User::afresh(request, id).await
}

async fn delete(request: &Request, id: &ID) -> Result<ID> {
    let user = visible(request, id).await?;
    super::delete(&request.db, &request.actor, user).await?;
    Ok(id.clone())
}
