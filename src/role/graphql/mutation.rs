//! Changes to custom roles.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::RoleId;

use super::Role;
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::role::RoleRow;
use crate::role::custom::{self, NewRole, Patch};

/// A role to be made.
#[derive(InputObject)]
struct CreateRoleInput {
    /// The organization.
    organization_id: ID,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the organization, not that of a role that
    /// comes with Guildhall, and never changed.
    name: String,
    /// At most 64 characters; the name if absent.
    display_name: Option<String>,
    /// At most 500 characters.
    description: Option<String>,
    /// What it grants: one or more permissions whose reach is ORGANIZATION, of those that the viewer holds.
    permissions: Vec<Permission>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createRole` answers.
#[derive(SimpleObject)]
struct CreateRolePayload {
    /// The new role; null when there are user errors.
    role: Option<Role>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What to change about a role. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateRoleInput {
    /// The role.
    role_id: ID,
    /// At most 64 characters; null or empty falls back to the name.
    display_name: MaybeUndefined<String>,
    /// At most 500 characters; null empties it.
    description: MaybeUndefined<String>,
    /// Exactly these permissions from now on, for whoever holds the role; what is added or taken must be the viewer's own.
    permissions: MaybeUndefined<Vec<Permission>>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateRole` answers.
#[derive(SimpleObject)]
struct UpdateRolePayload {
    /// The role as it is now, also when `expectedVersion` is stale; null for other user errors.
    role: Option<Role>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A role to delete.
#[derive(InputObject)]
struct DeleteRoleInput {
    /// The role. It is taken from whoever holds it.
    role_id: ID,
}

/// What `deleteRole` answers.
#[derive(SimpleObject)]
struct DeleteRolePayload {
    /// Which was deleted; null when there are user errors.
    deleted_role_id: Option<ID>,
    /// From how many members it was taken; null when there are user errors.
    taken_from: Option<usize>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to roles.
#[derive(Default)]
pub(crate) struct RoleMutation;

#[Object]
impl RoleMutation {
    /// Creates a role of an organization, which may have 100 of its own. Needs `ROLE_CREATE`, and every permission that it
    /// grants.
    async fn create_role(&self, ctx: &Context<'_>, input: CreateRoleInput) -> Nullable<CreateRolePayload> {
        nullable(async {
            let (role, user_errors) = outcome(create(ctx.request(), input).await)?;
            Ok(Some(CreateRolePayload { role, user_errors }))
        })
        .await
    }

    /// Changes a role of an organization. Needs `ROLE_UPDATE`; where members hold it and its permissions change, also
    /// `ROLE_ASSIGN`. Nobody changes the permissions of a role that they hold themselves.
    async fn update_role(&self, ctx: &Context<'_>, input: UpdateRoleInput) -> Nullable<UpdateRolePayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.role_id.clone();
            let (mut role, user_errors) = outcome(update(request, input).await)?;
            if is_stale(&user_errors) {
                // What it is now, past what this request has read before.
                let afresh = request.afresh();
                role = resolve(&afresh, &id).await.ok().map(Role::from);
            }
            Ok(Some(UpdateRolePayload { role, user_errors }))
        })
        .await
    }

    /// Deletes a role of an organization and takes it from whoever holds it. Needs `ROLE_DELETE`; where members hold it,
    /// also `ROLE_ASSIGN` and every permission that it grants. Nobody deletes a role that they hold themselves.
    async fn delete_role(&self, ctx: &Context<'_>, input: DeleteRoleInput) -> Nullable<DeleteRolePayload> {
        nullable(async {
            let request = ctx.request();
            let (deleted, user_errors) = outcome(delete(request, &input.role_id).await)?;
            let (deleted_role_id, taken_from) = deleted.unzip();
            Ok(Some(DeleteRolePayload { deleted_role_id, taken_from, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateRoleInput) -> Result<Role> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let new = NewRole::parse(
        &input.name,
        input.display_name.as_deref(),
        input.description.as_deref(),
        &input.permissions,
    )?;
    let needed = (Permission::RoleCreate, authz::Object::in_organization(organization));
    let made = request
        .once(input.idempotency_key.as_deref(), "createRole", &input, needed, async |db| {
            custom::create(&db, &request.actor, organization, new).await
        })
        .await?;
    Ok(request.made::<RoleId>(made).await?.into())
}

async fn update(request: &Request, input: UpdateRoleInput) -> Result<Role> {
    let current = resolve(request, &input.role_id).await?;
    let text = |field: MaybeUndefined<String>| match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(text) => Some(text),
    };
    let patch = Patch {
        display_name: text(input.display_name),
        description: text(input.description),
        permissions: match input.permissions {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(Vec::new()),
            MaybeUndefined::Value(permissions) => Some(permissions),
        },
        expected_version: input.expected_version,
    };
    custom::update(&request.db, &request.actor, &current, patch).await?;
    Ok(request.get(current.id).await?.into())
}

async fn delete(request: &Request, id: &ID) -> Result<(ID, usize)> {
    let current = resolve(request, id).await?;
    let holders = custom::delete(&request.db, &request.actor, &current).await?;
    Ok((id.clone(), holders))
}

/// The custom role that an input names.
///
/// # Errors
/// The same refusal whether it is missing or not visible; another for a role that comes with Guildhall.
async fn resolve(request: &Request, id: &ID) -> Result<RoleRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["roleId"], "role");
    let id: RoleId = id.parse().map_err(|_| not_found())?;
    match Role::find(request, id).await?.ok_or_else(not_found)? {
        Role::Custom(row) => Ok(row),
        Role::BuiltIn(..) => {
            let message = "roles that come with Guildhall can't be changed; make one of your own";
            Err(Refusal::conflict(&["roleId"], message).into())
        }
    }
}
