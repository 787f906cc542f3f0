//! Changing and deleting templates.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::Template;
use super::settings::DayOfWeek;
use super::template::resolve;
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::template::deletion;
use crate::template::settings::{self, Patch};

/// What to change about a template. An absent field stays as it is. Times are 60 seconds to 365 days.
#[derive(InputObject)]
struct UpdateTemplateInput {
    /// The template.
    template_id: ID,
    /// A new name, unique in the organization.
    name: MaybeUndefined<String>,
    /// At most 64 characters; null or empty falls back to the name.
    display_name: MaybeUndefined<String>,
    /// At most 500 characters; null empties it.
    description: MaybeUndefined<String>,
    /// An emoji, `https:` URL or site path; null empties it.
    icon: MaybeUndefined<String>,
    /// Why nobody should use it any more, at most 500 characters: no new workspace is made of it then, but by those who may
    /// change it. Null or empty takes that back.
    deprecation_message: MaybeUndefined<String>,
    /// After how many seconds a workspace stops where its owner has set nothing else; null = never.
    default_ttl_seconds: MaybeUndefined<i32>,
    /// Whether owners may set when their workspaces stop; null = true.
    allow_user_ttl: MaybeUndefined<bool>,
    /// Days on which workspaces may start by their schedules; null = all.
    autostart_days: MaybeUndefined<Vec<DayOfWeek>>,
    /// Days at whose end every workspace stops; null = none.
    autostop_days: MaybeUndefined<Vec<DayOfWeek>>,
    /// In every how manieth week `autostopDays` hold, 1–16; null = 1.
    autostop_weeks: MaybeUndefined<i32>,
    /// After how many seconds a workspace whose start failed is stopped; null = never.
    failure_ttl_seconds: MaybeUndefined<i32>,
    /// After how many seconds without use a workspace becomes dormant; null = never.
    dormant_after_seconds: MaybeUndefined<i32>,
    /// After how many seconds a dormant workspace is deleted; null = never.
    dormant_delete_after_seconds: MaybeUndefined<i32>,
    /// Whether workspaces start from the active version alone, but for those who may change the template; null = false.
    require_active_version: MaybeUndefined<bool>,
    /// Whether owners may cancel builds of their workspaces that run; null = true.
    allow_user_cancel: MaybeUndefined<bool>,
    /// How many workspaces of the template a person may own, 1–1000; null = any number. More than that stay where they are.
    max_workspaces_per_user: MaybeUndefined<i32>,
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
            let stale = user_errors.iter().any(|error| matches!(error, UserError::StaleVersion(_)));
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

    /// Deletes a template that no workspace is made of; its name is free then. Needs `TEMPLATE_DELETE`.
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

/// A field that has an empty state, which null stands for.
fn emptied(text: MaybeUndefined<String>) -> Option<String> {
    or_null(text, String::new())
}

/// A field that null sets back to what it is at first.
fn or_null<T>(given: MaybeUndefined<T>, at_first: T) -> Option<T> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(at_first),
        MaybeUndefined::Value(value) => Some(value),
    }
}

/// A field that may be null.
fn nullable_field<T>(given: MaybeUndefined<T>) -> Option<Option<T>> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

async fn update(request: &Request, input: UpdateTemplateInput) -> Result<()> {
    let row = resolve(request, &input.template_id).await?;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let days = |given: MaybeUndefined<Vec<DayOfWeek>>, at_first: i32| match given {
        MaybeUndefined::Value(days) => Some(DayOfWeek::bits(&days)),
        MaybeUndefined::Null => Some(at_first),
        MaybeUndefined::Undefined => None,
    };
    let patch = Patch {
        name,
        display_name: emptied(input.display_name),
        description: emptied(input.description),
        icon: emptied(input.icon),
        deprecation_message: emptied(input.deprecation_message),
        default_ttl: nullable_field(input.default_ttl_seconds),
        failure_ttl: nullable_field(input.failure_ttl_seconds),
        dormant_after: nullable_field(input.dormant_after_seconds),
        dormant_delete_after: nullable_field(input.dormant_delete_after_seconds),
        autostart_days: days(input.autostart_days, settings::EVERY_DAY),
        autostop_days: days(input.autostop_days, 0),
        autostop_weeks: or_null(input.autostop_weeks, 1),
        allow_user_ttl: or_null(input.allow_user_ttl, true),
        require_active_version: or_null(input.require_active_version, false),
        allow_user_cancel: or_null(input.allow_user_cancel, true),
        max_workspaces_per_user: nullable_field(input.max_workspaces_per_user),
        expected_version: input.expected_version,
    };
    settings::update(&request.db, &request.actor, &row, patch).await
}

async fn delete(request: &Request, id: ID) -> Result<ID> {
    let row = resolve(request, &id).await?;
    deletion::delete(&request.db, &request.actor, &row).await?;
    Ok(id)
}
