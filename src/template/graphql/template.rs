//! How templates look.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{FileId, TemplateId, TemplateVersionId};

use super::settings::{SettingsOf, TemplateSettingsInput};
use super::version::TemplateVersionFilter;
use super::{TemplateSettings, TemplateVersion};
use crate::authz::{self, Permission};
use crate::error::{Error, Refusal, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::once::{Made, nth};
use crate::graphql::scalar::DateTime;
use crate::name::{Slug, description};
use crate::organization::graphql::Organization;
use crate::provisioner::graphql::{TagInput, pairs};
use crate::provisioner::parse_tags;
use crate::template::settings::Patch;
use crate::template::{
    self, NewVersion, TemplateList, TemplateRow, TemplateVersionList, TemplateVersionOrder, VersionRow,
    version,
};

/// A template, with its active version where that was read along.
#[derive(Clone)]
pub(crate) struct Template {
    row: TemplateRow,
    active_version: Option<VersionRow>,
}

impl From<TemplateRow> for Template {
    fn from(row: TemplateRow) -> Self {
        Self { row, active_version: None }
    }
}

impl Node for Template {
    type List = TemplateList;
    const NAME: &'static str = "Template";

    fn from_row((row, active_version): (TemplateRow, Option<VersionRow>), _: &Request) -> Self {
        Self { row, active_version }
    }
}

/// A Terraform module that workspaces are made from. Visible to those whose role reads templates, and to those whom its
/// access list names, by themselves or by a group; at first that is everyone in the organization.
#[Object]
impl Template {
    /// `tpl_…`
    pub(crate) async fn id(&self) -> ID {
        self.row.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Its name as people read it.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// What it is for; may be empty.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// An emoji, URL or site path; may be empty.
    async fn icon(&self) -> &str {
        &self.row.icon
    }

    /// Why it should not be used any more; empty while it should.
    async fn deprecation_message(&self) -> &str {
        &self.row.deprecation_message
    }

    /// Grows by one with every change.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// What holds for workspaces that are made of it.
    async fn settings(&self, ctx: &Context<'_>) -> Result<TemplateSettings> {
        let settings = ctx.request().load(SettingsOf(self.row.id)).await?;
        settings.map(TemplateSettings).ok_or(Error::NotFound("template"))
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.row.organization_id).await?.into())
    }

    /// The version that new workspaces are made from; null until the first import succeeded.
    async fn active_version(&self, ctx: &Context<'_>) -> Nullable<TemplateVersion> {
        nullable(async {
            if let Some(row) = &self.active_version {
                return Ok(Some(row.clone().into()));
            }
            let Some(id) = self.row.active_version_id else { return Ok(None) };
            Ok(ctx.request().find(id).await?.map(TemplateVersion::from))
        })
        .await
    }

    /// Its versions.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<TemplateVersionFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<TemplateVersionOrder>,
    ) -> Result<Connection<TemplateVersion>> {
        let filter = filter.unwrap_or_default();
        let list = TemplateVersionList {
            name: filter.name,
            query: filter.query,
            archived: filter.archived,
            order: order_by.unwrap_or_default(),
        };
        Connection::of(ctx, self.row.id, list, Paging { first, after, last, before }).await
    }

    /// What the viewer may do to it, its access list included.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let request = ctx.request();
        let object = authz::Object::in_organization(self.row.organization_id);
        let uses = template::may_use(&request.db, &request.actor, &self.row).await?;
        let of_templates = |permission: &Permission| permission.resource() == authz::Resource::Template;
        let held = |permission: &Permission| match permission {
            // Whoever sees this template may read it.
            Permission::TemplateRead => true,
            Permission::TemplateUse => uses,
            other => request.actor.may(*other, object),
        };
        Ok(Permission::ALL.iter().copied().filter(of_templates).filter(held).collect())
    }
}

/// Which templates.
#[derive(Default, InputObject)]
pub(crate) struct TemplateFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
    /// Text in name or display name.
    pub(crate) query: Option<String>,
}

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
}

/// What `promoteTemplateVersion` answers.
#[derive(SimpleObject)]
struct PromoteTemplateVersionPayload {
    /// The template as it is now; null when there are user errors.
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
            let (template, user_errors) = outcome(promote(ctx.request(), &input.template_version_id).await)?;
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
    let made = request
        .once(input.idempotency_key.as_deref(), "createTemplate", &input, async |db| {
            template::create(&db, &request.actor, organization, new, first).await
        })
        .await?;
    let (template, version) = match made {
        Made::Now(ids) => ids,
        Made::Earlier(subjects) => {
            (nth::<TemplateId>(&subjects, 0)?, nth::<TemplateVersionId>(&subjects, 1)?)
        }
    };
    Ok((request.get(template).await?.into(), request.get(version).await?.into()))
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
    let made = request
        .once(input.idempotency_key.as_deref(), "createTemplateVersion", &input, async |db| {
            version::create(&db, &request.actor, &template, new).await
        })
        .await?;
    let id: TemplateVersionId = made.id()?;
    Ok(request.get(id).await?.into())
}

async fn promote(request: &Request, id: &ID) -> Result<Template> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateVersionId"], "template version");
    let id: TemplateVersionId = id.parse().map_err(|_| not_found())?;
    let version = request.find(id).await?.ok_or_else(not_found)?;
    let template = request.get(version.template_id).await?;
    version::promote(&request.db, &request.actor, &template, &version).await?;
    Ok(request.get(version.template_id).await?.into())
}

/// The template that an input names as `templateId`.
pub(super) async fn resolve(request: &Request, id: &ID) -> Result<TemplateRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateId"], "template");
    let id: TemplateId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?)
}

fn parse_file(field: &[&str], id: &ID) -> Result<FileId, Refusal> {
    id.parse().map_err(|_| Refusal::not_found(field, "file"))
}
