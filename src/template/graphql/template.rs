//! How templates look.

use async_graphql::{Context, ID, InputObject, Object};
use guildhall_entity::id::{OrganizationId, TemplateId};

use super::access::{
    self, TemplateAccess, TemplateAccessCandidate, TemplateAccessCandidateFilter, TemplateAccessFilter,
};
use super::settings::SettingsOf;
use super::version::TemplateVersionFilter;
use super::{TemplateSettings, TemplateVersion};
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::error::{Error, Refusal, Result};
use crate::explain::graphql::AccessExplanation;
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::name;
use crate::organization::graphql::Organization;
use crate::template::access::{CandidateList, CandidateOrder, EntryOrder};
use crate::template::{
    TemplateList, TemplateOrder, TemplateRow, TemplateVersionList, TemplateVersionOrder, VersionRow,
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
            names: filter.names.map(|names| name::asked("filter.names", names)).transpose()?,
            query: Term::asked(filter.query.as_deref())?,
            archived: filter.archived,
            order: order_by.unwrap_or_default(),
        };
        Connection::of(ctx, self.row.id, list, Paging { first, after, last, before }).await
    }

    /// What the viewer may do to it, its access list included.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let request = ctx.request();
        let object = access::object(request, &self.row).await?;
        let of_templates = |permission: &Permission| permission.resource() == authz::Resource::Template;
        Ok(request.actor.may_all(object).filter(of_templates).collect())
    }

    /// Whom its access list names. FORBIDDEN for those who may not change the template, by a role or as
    /// its ADMIN.
    #[graphql(directive = requires::apply("TEMPLATE".into(), "UPDATE".into()))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<TemplateAccessFilter>,
        #[graphql(desc = "CREATED_AT_ASC if absent.")] order_by: Option<EntryOrder>,
    ) -> Nullable<Connection<TemplateAccess>> {
        nullable(async {
            let list = filter.unwrap_or_default().list(order_by)?;
            access::page(ctx, &self.row, list, Paging { first, after, last, before }).await
        })
        .await
    }

    /// Members and groups of the organization that its access list does not name. FORBIDDEN like `access`.
    #[graphql(directive = requires::apply("TEMPLATE".into(), "UPDATE".into()))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn access_candidates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<TemplateAccessCandidateFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<CandidateOrder>,
    ) -> Nullable<Connection<TemplateAccessCandidate>> {
        nullable(async {
            let query = Term::asked(filter.unwrap_or_default().query.as_deref())?;
            let list = CandidateList { query, order: order_by.unwrap_or_default() };
            access::page(ctx, &self.row, list, Paging { first, after, last, before }).await
        })
        .await
    }

    /// What a user may do to it, and why; permission by permission. About others than oneself, FORBIDDEN without the
    /// permission from a role. NOT_FOUND for a user who is missing or not visible.
    #[graphql(directive = requires::apply("MEMBER".into(), "READ_CONTACT".into()))]
    async fn access_of(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user; the viewer if absent.")] user_id: Option<ID>,
    ) -> Nullable<Vec<AccessExplanation>> {
        nullable(async {
            AccessExplanation::of_template(ctx.request(), &self.row, user_id.as_ref()).await.map(Some)
        })
        .await
    }
}

/// Which templates.
#[derive(Default, InputObject)]
pub(crate) struct TemplateFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
    /// Text in name or display name.
    pub(crate) query: Option<String>,
    /// In this organization.
    pub(crate) organization_id: Option<ID>,
}

impl TemplateFilter {
    /// The list that it leaves, in this order.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a text that is too long.
    pub(crate) fn list(self, order: Option<TemplateOrder>) -> Result<TemplateList> {
        let organization = self.organization_id.map(|id| id.parse::<OrganizationId>().ok());
        Ok(TemplateList {
            name: self.name,
            query: Term::asked(self.query.as_deref())?,
            // An id that names nothing matches nothing; it is no error.
            impossible: organization == Some(None),
            organization: organization.flatten(),
            order: order.unwrap_or_default(),
        })
    }
}

/// Queries about templates.
#[derive(Default)]
pub(crate) struct TemplateQuery;

#[Object]
impl TemplateQuery {
    /// Templates that the viewer may read or use, in all organizations.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<TemplateFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<TemplateOrder>,
    ) -> Result<Connection<Template>> {
        ctx.request().signed_in()?;
        let list = filter.unwrap_or_default().list(order_by)?;
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}

/// The template that an input names as `templateId`.
pub(super) async fn resolve(request: &Request, id: &ID) -> Result<TemplateRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateId"], "template");
    let id: TemplateId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?)
}
