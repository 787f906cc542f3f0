//! How template versions look.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, InputObject, Object};
use guildhall_entity::id::TemplateVersionId;

use super::parameter::TemplateParameter;
use super::variable::TemplateVariable;
use super::{File, Template};
use crate::error::{Error, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::provisioner::graphql::ProvisionerJob;
use crate::template::{TemplateVersionList, VersionContent, VersionRow, parameter, version};
use crate::user::graphql::User;

/// A version.
#[derive(Clone)]
pub(crate) struct TemplateVersion(VersionRow);

impl From<VersionRow> for TemplateVersion {
    fn from(row: VersionRow) -> Self {
        Self(row)
    }
}

impl Node for TemplateVersion {
    type List = TemplateVersionList;
    const NAME: &'static str = "TemplateVersion";

    fn from_row(row: VersionRow, _: &Request) -> Self {
        Self(row)
    }
}

/// The long texts of a version; loaded for all versions of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ContentOf(TemplateVersionId);

#[async_trait::async_trait]
impl Loader<ContentOf> for Loaders {
    type Value = Arc<VersionContent>;
    type Error = Error;

    async fn load(&self, keys: &[ContentOf]) -> Result<HashMap<ContentOf, Self::Value>> {
        let versions: Vec<_> = keys.iter().map(|key| key.0).collect();
        let contents = version::contents(&self.db, &self.actor, &versions).await?;
        Ok(contents.into_iter().map(|content| (ContentOf(content.id), Arc::new(content))).collect())
    }
}

impl TemplateVersion {
    async fn content(&self, ctx: &Context<'_>) -> Result<Option<Arc<VersionContent>>> {
        ctx.request().load(ContentOf(self.0.id)).await
    }
}

/// A version of a template. Visible with its template.
#[Object]
impl TemplateVersion {
    /// `tver_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was pushed.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Grows by one whenever somebody changes it; pass it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its name, unique in its template.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What its author says of it; may be empty.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// The module's README.md; empty where there is none or it was not imported yet.
    async fn readme(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.content(ctx).await?.map(|content| content.readme.clone()).unwrap_or_default())
    }

    /// Whether it is out of use.
    async fn archived(&self) -> bool {
        self.0.archived
    }

    /// Whether new workspaces are made from it.
    async fn is_active(&self, ctx: &Context<'_>) -> Result<bool> {
        let template = ctx.request().find(self.0.template_id).await?;
        Ok(template.is_some_and(|template| template.active_version_id == Some(self.0.id)))
    }

    /// Its template; null when the viewer can't see it (any more).
    async fn template(&self, ctx: &Context<'_>) -> Nullable<Template> {
        nullable(async { Ok(ctx.request().find(self.0.template_id).await?.map(Template::from)) }).await
    }

    /// Who pushed it; null when the viewer can't see them.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async { Ok(ctx.request().find(self.0.created_by).await?.map(User::from)) }).await
    }

    /// The job that imports it; null when the viewer may not see it.
    async fn job(&self, ctx: &Context<'_>) -> Nullable<ProvisionerJob> {
        nullable(async { Ok(ctx.request().find(self.0.provisioner_job_id).await?.map(ProvisionerJob::from)) })
            .await
    }

    /// Its archive; null when the viewer can't see it.
    async fn file(&self, ctx: &Context<'_>) -> Nullable<File> {
        nullable(async { Ok(ctx.request().find(self.0.file_id).await?.map(File::from)) }).await
    }

    /// Its module's variables, in the order of the module; empty until it was imported.
    async fn variables(&self, ctx: &Context<'_>) -> Result<Vec<TemplateVariable>> {
        let content = self.content(ctx).await?;
        Ok(content.map_or_else(Vec::new, |content| {
            content.variables.0.iter().cloned().map(TemplateVariable).collect()
        }))
    }

    /// Its module's variables as parameters, in the order of the manifest, then of the module; empty until it was imported.
    async fn parameters(&self, ctx: &Context<'_>) -> Result<Vec<TemplateParameter>> {
        let Some(content) = self.content(ctx).await? else { return Ok(Vec::new()) };
        let mut parameters: Vec<_> = parameter::parameters(&content.variables).cloned().collect();
        parameters.sort_by_key(|parameter| parameter.order.map_or((1, 0), |order| (0, order)));
        Ok(parameters.into_iter().map(TemplateParameter).collect())
    }
}

/// Which versions.
#[derive(Default, InputObject)]
pub(crate) struct TemplateVersionFilter {
    /// Exactly this name.
    pub(super) name: Option<String>,
    /// Exactly one of these names, at most 100.
    pub(super) names: Option<Vec<String>>,
    /// Text in name or message.
    pub(super) query: Option<String>,
    /// Whether they are archived; both if absent.
    pub(super) archived: Option<bool>,
}
