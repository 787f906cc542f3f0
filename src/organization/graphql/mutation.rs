//! Changes to organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::OrganizationId;

use super::{Organization, resolve_row};
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::organization::{self, NewOrganization, Patch};

/// An organization to be made.
#[derive(InputObject)]
struct CreateOrganizationInput {
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the deployment.
    name: String,
    /// At most 64 characters; the name if absent.
    display_name: Option<String>,
    /// At most 500 characters.
    description: Option<String>,
    /// An emoji, `https:` URL or site path.
    icon: Option<String>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createOrganization` answers.
#[derive(SimpleObject)]
struct CreateOrganizationPayload {
    /// The new organization; null when there are user errors.
    organization: Option<Organization>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What to change about an organization. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateOrganizationInput {
    /// The organization.
    organization_id: ID,
    /// A new name.
    name: MaybeUndefined<String>,
    /// At most 64 characters; null or empty falls back to the name.
    display_name: MaybeUndefined<String>,
    /// At most 500 characters; null empties it.
    description: MaybeUndefined<String>,
    /// An emoji, `https:` URL or site path; null empties it.
    icon: MaybeUndefined<String>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateOrganization` answers.
#[derive(SimpleObject)]
struct UpdateOrganizationPayload {
    /// The organization as it is now, also when `expectedVersion` is stale; null for other user errors.
    organization: Option<Organization>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// An organization to delete.
#[derive(InputObject)]
struct DeleteOrganizationInput {
    /// The organization. It must be empty; `Organization.deletionImpact` says what is left.
    organization_id: ID,
}

/// What `deleteOrganization` answers.
#[derive(SimpleObject)]
struct DeleteOrganizationPayload {
    /// Which was deleted; null when there are user errors.
    deleted_organization_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to organizations.
#[derive(Default)]
pub(crate) struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Creates an organization; the viewer becomes its organization-admin. Needs `ORGANIZATION_CREATE`.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        input: CreateOrganizationInput,
    ) -> Nullable<CreateOrganizationPayload> {
        nullable(async {
            let (organization, user_errors) = outcome(create(ctx.request(), input).await)?;
            Ok(Some(CreateOrganizationPayload { organization, user_errors }))
        })
        .await
    }

    /// Changes an organization. Needs `ORGANIZATION_UPDATE`.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        input: UpdateOrganizationInput,
    ) -> Nullable<UpdateOrganizationPayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.organization_id.clone();
            let (mut organization, user_errors) = outcome(update(request, input).await)?;
            if is_stale(&user_errors) {
                // What it is now, past what this request has read before.
                let afresh = request.afresh();
                organization = resolve_row(&afresh, &id).await.ok().map(Organization::from);
            }
            Ok(Some(UpdateOrganizationPayload { organization, user_errors }))
        })
        .await
    }

    /// Deletes an empty organization; its name is free then. The default one stays. Needs `ORGANIZATION_DELETE`.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        input: DeleteOrganizationInput,
    ) -> Nullable<DeleteOrganizationPayload> {
        nullable(async {
            let (deleted_organization_id, user_errors) =
                outcome(delete(ctx.request(), input.organization_id).await)?;
            Ok(Some(DeleteOrganizationPayload { deleted_organization_id, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateOrganizationInput) -> Result<Organization> {
    request.require(Permission::OrganizationCreate, authz::Object::SITE)?;
    let new = NewOrganization::parse(
        &input.name,
        input.display_name.as_deref(),
        input.description.as_deref(),
        input.icon.as_deref(),
    )?;
    let needed = (Permission::OrganizationCreate, authz::Object::SITE);
    let made = request
        .once(input.idempotency_key.as_deref(), "createOrganization", &input, needed, async |db| {
            organization::create(&db, &request.actor, new).await
        })
        .await?;
    // The creator's membership is newer than the actor that this request was authenticated as: read it as made.
    Ok(request.made::<OrganizationId>(made).await?.into())
}

async fn update(request: &Request, input: UpdateOrganizationInput) -> Result<Organization> {
    let row = resolve_row(request, &input.organization_id).await?;
    let id = row.id;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let emptied = |text: MaybeUndefined<String>| match text {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(text) => Some(text),
    };
    let patch = Patch {
        name,
        display_name: emptied(input.display_name),
        description: emptied(input.description),
        icon: emptied(input.icon),
        expected_version: input.expected_version,
    };
    organization::update(&request.db, &request.actor, id, patch).await?;
    Ok(request.get(id).await?.into())
}

async fn delete(request: &Request, id: ID) -> Result<ID> {
    let row = resolve_row(request, &id).await?;
    organization::delete(&request.db, &request.actor, &row).await?;
    Ok(id)
}
