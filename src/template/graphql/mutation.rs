//! Making templates and versions.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{FileId, TemplateId, TemplateVersionId};

use super::settings::TemplateSettingsInput;
use super::template::resolve;
use super::version_change::resolve_version;
use super::{Template, TemplateVersion};
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome};
use crate::graphql::once::Made;
use crate::name::{Slug, description};
use crate::provisioner::graphql::{TagInput, pairs};
use crate::provisioner::parse_tags;
use crate::template::settings::Patch;
use crate::template::{self, NewVersion, access, version};

/// A template to be made. Times are 60 seconds to 365 days.
#[derive(InputObject)]
struct CreateTemplateInput {
    /// The organization.
    organization_id: ID,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the organization.
    name: String,
    #[graphql(flatten)]
    settings: TemplateSettingsInput,
    /// Its first version; the active one when its import succeeds.
    version: FirstTemplateVersionInput,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// The first version of a template.
#[derive(InputObject)]
struct FirstTemplateVersionInput {
    /// An archive that the viewer uploaded.
    file_id: ID,
    /// Its name; `v1` if absent.
    name: Option<String>,
    /// What to say of it, at most 500 characters.
    message: Option<String>,
    /// Tags that a daemon must carry to import it; none if absent.
    tags: Option<Vec<TagInput>>,
}

/// What `createTemplate` answers.
#[derive(SimpleObject)]
struct CreateTemplatePayload {
    /// The new template; null when there are user errors.
    template: Option<Template>,
    /// Its first version; null when there are user errors.
    template_version: Option<TemplateVersion>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A version to be made.
#[derive(InputObject)]
struct CreateTemplateVersionInput {
    /// The template.
    template_id: ID,
    /// An archive that the viewer uploaded.
    file_id: ID,
    /// Its name, unique in the template; `v` and the next number if absent.
    name: Option<String>,
    /// What to say of it, at most 500 characters.
    message: Option<String>,
    /// Tags that a daemon must carry to import it; none if absent.
    tags: Option<Vec<TagInput>>,
    /// Make it the active version when its import succeeds.
    #[graphql(default = true)]
    promote: bool,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createTemplateVersion` answers.
#[derive(SimpleObject)]
struct CreateTemplateVersionPayload {
    /// The new version; null when there are user errors.
    template_version: Option<TemplateVersion>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A version to promote.
#[derive(InputObject)]
struct PromoteTemplateVersionInput {
    /// The version.
    template_version_id: ID,
    /// Refuse with `StaleVersion` unless the template version is still at this version.
    expected_version: Option<i32>,
}

/// What `promoteTemplateVersion` answers.
#[derive(SimpleObject)]
struct PromoteTemplateVersionPayload {
    /// The template as it is now, also when `expectedVersion` is stale; null for other user errors.
    template: Option<Template>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to templates.
#[derive(Default)]
pub(crate) struct TemplateMutation;

#[Object]
impl TemplateMutation {
    /// Creates a template and queues the import of its first version. Needs `TEMPLATE_CREATE`.
    async fn create_template(
        &self,
        ctx: &Context<'_>,
        input: CreateTemplateInput,
    ) -> Nullable<CreateTemplatePayload> {
        nullable(async {
            let (made, user_errors) = outcome(create(ctx.request(), input).await)?;
            let (template, template_version) = made.map_or((None, None), |(t, v)| (Some(t), Some(v)));
            Ok(Some(CreateTemplatePayload { template, template_version, user_errors }))
        })
        .await
    }

    /// Creates a version of a template and queues its import. Needs `TEMPLATE_UPDATE`.
    async fn create_template_version(
        &self,
        ctx: &Context<'_>,
        input: CreateTemplateVersionInput,
    ) -> Nullable<CreateTemplateVersionPayload> {
        nullable(async {
            let (template_version, user_errors) = outcome(create_version(ctx.request(), input).await)?;
            Ok(Some(CreateTemplateVersionPayload { template_version, user_errors }))
        })
        .await
    }

    /// Makes a version the one that new workspaces are made from. Needs `TEMPLATE_UPDATE`.
    async fn promote_template_version(
        &self,
        ctx: &Context<'_>,
        input: PromoteTemplateVersionInput,
    ) -> Nullable<PromoteTemplateVersionPayload> {
        nullable(async {
            let request = ctx.request();
            let (mut template, user_errors) = outcome(promote(request, &input).await)?;
            if is_stale(&user_errors) {
                // What it is now, past what this request has read before.
                let found = resolve_version(&request.afresh(), &input.template_version_id).await;
                template = found.ok().map(|(template, _)| template.into());
            }
            Ok(Some(PromoteTemplateVersionPayload { template, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateTemplateInput) -> Result<(Template, TemplateVersion)> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let new = Patch { name: Some(input.name.clone()), ..input.settings.clone().patch() };
    let first = &input.version;
    let first = NewVersion {
        name: Slug::parse(&["version", "name"], first.name.as_deref().unwrap_or("v1"))?,
        message: description(&["version", "message"], first.message.as_deref().unwrap_or_default())?,
        file: parse_file(&["version", "fileId"], &first.file_id)?,
        tags: parse_tags(&["version", "tags"], pairs(first.tags.clone()))?,
        promote: true,
    };
    let needed = (Permission::TemplateCreate, authz::Object::in_organization(organization));
    let made = request
        .once(input.idempotency_key.as_deref(), "createTemplate", &input, needed, async |db| {
            template::create(&db, &request.actor, organization, new, first).await
        })
        .await?;
    let (template, version) = match made {
        Made::Now((template, version)) => (request.get(template).await?, request.get(version).await?),
        Made::Earlier(subjects) => (
            request.made_earlier::<TemplateId>(&subjects, 0).await?,
            request.made_earlier::<TemplateVersionId>(&subjects, 1).await?,
        ),
    };
    Ok((template.into(), version.into()))
}

async fn create_version(request: &Request, input: CreateTemplateVersionInput) -> Result<TemplateVersion> {
    let template = resolve(request, &input.template_id).await?;
    let name = match &input.name {
        Some(name) => Slug::parse(&["name"], name)?,
        None => version::next_name(&request.db, template.id).await?,
    };
    let new = NewVersion {
        name,
        message: description(&["message"], input.message.as_deref().unwrap_or_default())?,
        file: parse_file(&["fileId"], &input.file_id)?,
        tags: parse_tags(&["tags"], pairs(input.tags.clone()))?,
        promote: input.promote,
    };
    let object = access::object(&request.db, &request.actor, &template).await?;
    let needed = (Permission::TemplateUpdate, object);
    let made = request
        .once(input.idempotency_key.as_deref(), "createTemplateVersion", &input, needed, async |db| {
            version::create(&db, &request.actor, &template, new).await
        })
        .await?;
    Ok(request.made::<TemplateVersionId>(made).await?.into())
}

async fn promote(request: &Request, input: &PromoteTemplateVersionInput) -> Result<Template> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateVersionId"], "template version");
    let id: TemplateVersionId = input.template_version_id.parse().map_err(|_| not_found())?;
    let version = request.find(id).await?.ok_or_else(not_found)?;
    let template = request.get(version.template_id).await?;
    let expected = input.expected_version;
    version::promote(&request.db, &request.actor, &template, &version, expected).await?;
    Ok(request.get(version.template_id).await?.into())
}

fn parse_file(field: &[&str], id: &ID) -> Result<FileId, Refusal> {
    id.parse().map_err(|_| Refusal::not_found(field, "file"))
}
