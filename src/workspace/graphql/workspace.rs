//! How workspaces look.

use async_graphql::{Context, ID, InputObject, Object};
use guildhall_entity::id::TypedId;

use super::WorkspaceBuild;
use super::build::WorkspaceBuildFilter;
use crate::authz::{self, Permission};
use crate::error::Result;
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::template::graphql::Template;
use crate::user::graphql::User;
use crate::workspace::store::workspace::Whole;
use crate::workspace::{BuildList, BuildOrder, Filter, WorkspaceList, WorkspaceOrder, WorkspaceStatus};

/// A workspace.
#[derive(Clone)]
pub(crate) struct Workspace(std::sync::Arc<Whole>);

impl From<Whole> for Workspace {
    fn from(whole: Whole) -> Self {
        Self(std::sync::Arc::new(whole))
    }
}

impl Node for Workspace {
    type List = WorkspaceList;
    const NAME: &'static str = "Workspace";

    fn from_row(row: Whole, _: &Request) -> Self {
        row.into()
    }
}

/// What a template made for somebody. Visible to its owner while they are a member of its organization, and to those
/// whose role reads workspaces.
#[Object]
impl Workspace {
    /// `wks_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.workspace.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.workspace.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.workspace.updated_at.into()
    }

    /// Its name, unique among its owner's workspaces in the organization.
    async fn name(&self) -> &str {
        &self.0.workspace.name
    }

    /// What it is at, from its latest build.
    async fn status(&self) -> WorkspaceStatus {
        WorkspaceStatus::of(self.0.build.transition, self.0.job.state)
    }

    /// When it was last used; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.workspace.last_used_at.map(DateTime::from)
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.0.workspace.organization_id).await?.into())
    }

    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> User {
        User::through(self.0.owner.clone(), self.0.workspace.organization_id, ctx.request())
    }

    /// What it was made from.
    async fn template(&self) -> Template {
        self.0.template.clone().into()
    }

    /// Its newest build.
    async fn latest_build(&self) -> WorkspaceBuild {
        WorkspaceBuild::new(self.0.build.clone(), self.0.job.clone())
    }

    /// Its builds.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn builds(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<WorkspaceBuildFilter>,
        #[graphql(desc = "NUMBER_DESC if absent.")] order_by: Option<BuildOrder>,
    ) -> Result<Connection<WorkspaceBuild>> {
        let list =
            BuildList { filter: filter.unwrap_or_default().into(), order: order_by.unwrap_or_default() };
        Connection::of(ctx, self.0.workspace.id, list, Paging { first, after, last, before }).await
    }

    /// What the viewer may do to it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let workspace = &self.0.workspace;
        let object = authz::Object::in_organization(workspace.organization_id).owned_by(workspace.owner_id);
        let of_workspaces = |permission: &Permission| permission.resource() == authz::Resource::Workspace;
        ctx.request().actor.may_all(object).filter(of_workspaces).collect()
    }
}

/// Which workspaces.
#[derive(Default, InputObject)]
pub(crate) struct WorkspaceFilter {
    /// Exactly this name.
    name: Option<String>,
    /// Of this owner.
    owner_id: Option<ID>,
    /// Made from this template.
    template_id: Option<ID>,
    /// In this organization.
    organization_id: Option<ID>,
    /// At this.
    status: Option<WorkspaceStatus>,
    /// Text in the name.
    query: Option<String>,
}

impl From<WorkspaceFilter> for Filter {
    fn from(input: WorkspaceFilter) -> Self {
        /// An id that names nothing matches nothing; it is no error.
        fn parse<T: TypedId>(id: Option<ID>, impossible: &mut bool) -> Option<T> {
            let parsed = id.map(|id| id.parse().ok());
            *impossible |= parsed == Some(None);
            parsed.flatten()
        }
        let mut impossible = false;
        Self {
            name: input.name,
            query: input.query,
            owner: parse(input.owner_id, &mut impossible),
            template: parse(input.template_id, &mut impossible),
            organization: parse(input.organization_id, &mut impossible),
            status: input.status,
            impossible,
        }
    }
}

/// Queries about workspaces.
#[derive(Default)]
pub(crate) struct WorkspaceQuery;

#[Object]
impl WorkspaceQuery {
    /// Workspaces that the viewer can see, in all organizations.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn workspaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<WorkspaceFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<WorkspaceOrder>,
    ) -> Result<Connection<Workspace>> {
        ctx.request().signed_in()?;
        let list =
            WorkspaceList::of_organization(filter.unwrap_or_default().into(), order_by.unwrap_or_default());
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}
