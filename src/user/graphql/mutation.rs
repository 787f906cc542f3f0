//! Changes to users that are about them alone.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::{OrganizationId, UserId};
use secrecy::SecretString;

use super::User;
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::user::{self, NewUser, Patch};

/// A user to be made.
#[derive(InputObject)]
struct CreateUserInput {
    /// The name to sign in with: 1–32 characters of a–z, 0–9 and single hyphens between them.
    username: String,
    /// Email address; unique in the deployment. Only a service account may be without.
    email: Option<String>,
    /// The name as people read it; the username if absent.
    name: Option<String>,
    /// 8 characters to 256 bytes. Without one the user can't sign in by password.
    password: Option<String>,
    /// Whether it is an account for programs: it has no password and can't sign in, its programs carry API tokens.
    #[graphql(default)]
    service_account: bool,
    /// Roles on the site: owner, user-admin, template-admin, auditor.
    site_roles: Option<Vec<String>>,
    /// Organizations to join at once.
    organization_ids: Option<Vec<ID>>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createUser` answers.
#[derive(SimpleObject)]
struct CreateUserPayload {
    /// The new user; null when there are user errors.
    user: Option<User>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What to change about a user. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateUserInput {
    /// The user.
    user_id: ID,
    /// A new name to sign in with. Their old one is free then.
    username: MaybeUndefined<String>,
    /// A new email address; null empties it, for a service account.
    email: MaybeUndefined<String>,
    /// At most 128 characters; null or empty falls back to the username.
    name: MaybeUndefined<String>,
    /// An emoji, `https:` URL or site path; null empties it.
    avatar_url: MaybeUndefined<String>,
    /// Refuse with `StaleVersion` unless they are still at this version.
    expected_version: Option<i32>,
}

/// What `updateUser` answers.
#[derive(SimpleObject)]
struct UpdateUserPayload {
    /// The user as they are now, also when `expectedVersion` is stale; null for other user errors.
    user: Option<User>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Site roles for a user.
#[derive(InputObject)]
struct SetUserSiteRolesInput {
    /// The user.
    user_id: ID,
    /// Exactly these roles from now on: owner, user-admin, template-admin, auditor.
    site_roles: Vec<String>,
}

/// What `setUserSiteRoles` answers.
#[derive(SimpleObject)]
struct SetUserSiteRolesPayload {
    /// The user as they are now; null when there are user errors.
    user: Option<User>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to users that are about them alone.
#[derive(Default)]
pub(crate) struct UserMutation;

#[Object]
impl UserMutation {
    /// Creates a user. Needs `USER_CREATE`.
    async fn create_user(&self, ctx: &Context<'_>, input: CreateUserInput) -> Nullable<CreateUserPayload> {
        nullable(async {
            let request = ctx.request();
            let (user, user_errors) = outcome(create(request, input).await)?;
            Ok(Some(CreateUserPayload { user, user_errors }))
        })
        .await
    }

    /// Changes who a user is. Needs `USER_UPDATE`, which everybody has for themselves; for others, every permission as well
    /// that they hold by roles.
    async fn update_user(&self, ctx: &Context<'_>, input: UpdateUserInput) -> Nullable<UpdateUserPayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.user_id.clone();
            let (mut user, user_errors) = outcome(update(request, input).await)?;
            if let (true, Ok(id)) = (is_stale(&user_errors), id.parse()) {
                user = User::afresh(request, id).await.ok();
            }
            Ok(Some(UpdateUserPayload { user, user_errors }))
        })
        .await
    }

    /// Gives a user exactly these roles on the site. Nobody changes their own, and the last owner who may act stays.
    /// Needs `USER_UPDATE` and `ROLE_ASSIGN`, and every permission that the roles give or take.
    async fn set_user_site_roles(
        &self,
        ctx: &Context<'_>,
        input: SetUserSiteRolesInput,
    ) -> Nullable<SetUserSiteRolesPayload> {
        nullable(async {
            let request = ctx.request();
            let (user, user_errors) = outcome(set_site_roles(request, &input).await)?;
            Ok(Some(SetUserSiteRolesPayload { user, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateUserInput) -> Result<User> {
    request.signed_in()?;
    let organizations = organizations(input.organization_ids.as_deref().unwrap_or_default())?;
    let password = input.password.clone().map(SecretString::from);
    let (email, name) =
        (input.email.as_deref().unwrap_or_default(), input.name.as_deref().unwrap_or_default());
    let new = NewUser::parse(&input.username, email, name, password, input.service_account)?;
    let site_roles = input.site_roles.clone().unwrap_or_default();
    let needed = (Permission::UserCreate, authz::Object::SITE);
    let made = request
        .once(input.idempotency_key.as_deref(), "createUser", &input, needed, async |db| {
            user::create(&db, &request.actor, new, &site_roles, &organizations).await
        })
        .await?;
    Ok(request.made::<UserId>(made).await?.into())
}

fn organizations(ids: &[ID]) -> Result<Vec<OrganizationId>, Refusal> {
    if ids.len() > ORGANIZATIONS_MAX {
        let message = format!("at most {ORGANIZATIONS_MAX} organizations at once, got {}", ids.len());
        return Err(Refusal::invalid(&["organizationIds"], message));
    }
    let parse = |(at, id): (usize, &ID)| {
        id.parse().map_err(|_| Refusal::not_found(&["organizationIds", &at.to_string()], "organization"))
    };
    ids.iter().enumerate().map(parse).collect()
}

/// Organizations that a user may join as they are made.
const ORGANIZATIONS_MAX: usize = 100;

/// A user that the viewer can see.
async fn visible(request: &Request, id: &ID) -> Result<UserId> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["userId"], "user");
    let id: UserId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?.user.id)
}

/// A text to write: null is the empty one.
fn text(field: MaybeUndefined<String>) -> Option<String> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(text) => Some(text),
    }
}

async fn update(request: &Request, input: UpdateUserInput) -> Result<User> {
    let id = visible(request, &input.user_id).await?;
    let patch = Patch {
        username: text(input.username),
        email: text(input.email),
        name: text(input.name),
        avatar_url: text(input.avatar_url),
        expected_version: input.expected_version,
    };
    user::update(&request.db, &request.actor, id, patch).await?;
    User::afresh(request, id).await
}

async fn set_site_roles(request: &Request, input: &SetUserSiteRolesInput) -> Result<User> {
    let id = visible(request, &input.user_id).await?;
    user::set_site_roles(&request.db, &request.actor, id, &input.site_roles).await?;
    User::afresh(request, id).await
}
