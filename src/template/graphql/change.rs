//! Changing and deleting templates.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::Template;
use super::settings::TemplateSettingsInput;
use super::template::resolve;
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::template::deletion;
use crate::template::settings::{self, Patch};

/// What to change about a template. An absent field stays as it is. Times are 60 seconds to 365 days.
#[derive(InputObject)]
struct UpdateTemplateInput {
    /// The template.
    template_id: ID,
    /// A new name, unique in the organization.
    name: MaybeUndefined<String>,
    #[graphql(flatten)]
    settings: TemplateSettingsInput,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateTemplate` answers.
#[derive(SimpleObject)]
struct UpdateTemplatePayload {
    /// The template as it is now, also when `expectedVersion` is stale; null for other user errors.
    template: Option<Template>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A template to delete.
#[derive(InputObject)]
struct DeleteTemplateInput {
    /// The template.
    template_id: ID,
}

/// What `deleteTemplate` answers.
#[derive(SimpleObject)]
struct DeleteTemplatePayload {
    /// Which was deleted; null when there are user errors.
    deleted_template_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to templates that are there.
#[derive(Default)]
pub(crate) struct TemplateChangeMutation;

#[Object]
impl TemplateChangeMutation {
    /// Changes a template and its settings. Needs `TEMPLATE_UPDATE`.
    async fn update_template(
        &self,
        ctx: &Context<'_>,
        input: UpdateTemplateInput,
    ) -> Nullable<UpdateTemplatePayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.template_id.clone();
            let (changed, user_errors) = outcome(update(request, input).await)?;
            let stale = is_stale(&user_errors);
            let template = if changed.is_some() || stale {
                // What it is now, past what this request has read before.
                let afresh = request.afresh();
                resolve(&afresh, &id).await.ok().map(Template::from)
            } else {
                None
            };
            Ok(Some(UpdateTemplatePayload { template, user_errors }))
        })
        .await
    }

    /// Deletes a template that no workspace is made of; its name is free then. Imports and dry runs of its versions that have
    /// not ended are canceled. Needs `TEMPLATE_DELETE`.
    async fn delete_template(
        &self,
        ctx: &Context<'_>,
        input: DeleteTemplateInput,
    ) -> Nullable<DeleteTemplatePayload> {
        nullable(async {
            let (deleted_template_id, user_errors) = outcome(delete(ctx.request(), input.template_id).await)?;
            Ok(Some(DeleteTemplatePayload { deleted_template_id, user_errors }))
        })
        .await
    }
}

async fn update(request: &Request, input: UpdateTemplateInput) -> Result<()> {
    let row = resolve(request, &input.template_id).await?;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let patch = Patch { name, expected_version: input.expected_version, ..input.settings.patch() };
    settings::update(&request.db, &request.actor, &row, patch).await
}

async fn delete(request: &Request, id: ID) -> Result<ID> {
    let row = resolve(request, &id).await?;
    deletion::delete(&request.db, &request.actor, &row).await?;
    Ok(id)
}
