//! How organizations look.

mod deletion;
mod mutation;

pub(crate) use mutation::OrganizationMutation;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};
use guildhall_entity::id::OrganizationId;

use deletion::DeletionImpact;

use super::{OrganizationList, OrganizationOrder, OrganizationRow};
use crate::audit_log::AuditOrder;
use crate::audit_log::graphql::{AuditLogEntry, AuditLogFilter};
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::error::{Refusal, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::group::graphql::{Group, GroupFilter};
use crate::group::{GroupList, GroupOrder};
use crate::member::graphql::{Member, MemberFilter};
use crate::member::{MemberList, MemberOrder};
use crate::provisioner::graphql::{
    ProvisionerDaemon, ProvisionerDaemonFilter, ProvisionerHealth, ProvisionerJob, ProvisionerJobFilter,
    ProvisionerKey, ProvisionerKeyFilter,
};
use crate::provisioner::{DaemonList, DaemonOrder, JobList, JobOrder, KeyOrder};
use crate::quota::graphql::Quota;
use crate::role::graphql::Role;
use crate::template::TemplateOrder;
use crate::template::graphql::{Template, TemplateFilter};
use crate::workspace::graphql::{Workspace, WorkspaceFilter};
use crate::workspace::{WorkspaceList, WorkspaceOrder};

/// An organization.
#[derive(Clone)]
pub(crate) struct Organization(OrganizationRow);

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self(row)
    }
}

impl Node for Organization {
    type List = OrganizationList;
    const NAME: &'static str = "Organization";

    fn from_row(row: OrganizationRow, _: &Request) -> Self {
        Self(row)
    }
}

impl Organization {
    fn object(&self) -> authz::Object {
        authz::Object::in_organization(self.0.id)
    }
}

/// A platform team's own part of the deployment. Nothing crosses from one to another. Visible to its members and to
/// those whose site role reads organizations; to anybody else it does not exist.
#[Object]
impl Organization {
    /// `org_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Its name, unique in the deployment.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name as people read it.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What it is for; may be empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// An emoji, URL or site path; may be empty.
    async fn icon(&self) -> &str {
        &self.0.icon
    }

    /// Whether it is the one that was made at the first start; it can't be deleted.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// Grows by one with every change; pass it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its cap and what its workspaces use of it. FORBIDDEN without the permission.
    #[graphql(directive = requires::apply("QUOTA".into(), "READ".into()))]
    async fn quota(&self, ctx: &Context<'_>) -> Nullable<Quota> {
        nullable(async {
            ctx.request().require(Permission::QuotaRead, self.object())?;
            Quota::of_organization(ctx.request(), self.0.id, self.0.quota_cap).await.map(Some)
        })
        .await
    }

    /// What keeps it from being deleted. FORBIDDEN without the permission.
    #[graphql(directive = requires::apply("ORGANIZATION".into(), "DELETE".into()))]
    async fn deletion_impact(&self, ctx: &Context<'_>) -> Nullable<DeletionImpact> {
        nullable(async {
            ctx.request().require(Permission::OrganizationDelete, self.object())?;
            DeletionImpact::of(ctx.request(), &self.0).await.map(Some)
        })
        .await
    }

    /// What was done or denied in it. FORBIDDEN without the permission.
    #[graphql(directive = requires::apply("AUDIT_LOG".into(), "READ".into()))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "TIME_DESC if absent.")] order_by: Option<AuditOrder>,
    ) -> Nullable<Connection<AuditLogEntry>> {
        nullable(async {
            ctx.request().require(Permission::AuditLogRead, self.object())?;
            let list = filter.unwrap_or_default().list(order_by);
            Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await.map(Some)
        })
        .await
    }

    /// What the viewer may do to it and to everything in it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Permission> {
        // The default organization stays, whoever asks.
        let stays =
            |permission: &Permission| self.0.is_default && *permission == Permission::OrganizationDelete;
        ctx.request().actor.may_all(self.object()).filter(|permission| !stays(permission)).collect()
    }

    /// Who belongs to it.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<MemberFilter>,
        #[graphql(desc = "USERNAME_ASC if absent.")] order_by: Option<MemberOrder>,
    ) -> Result<Connection<Member>> {
        let list = MemberList {
            filter: filter.unwrap_or_default().try_into()?,
            order: order_by.unwrap_or_default(),
        };
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }

    /// The roles that can be held in it: those that come with Guildhall, then its own by name, at most 100.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        Role::all_of(ctx.request(), self.0.id).await
    }

    /// Its groups, Everyone among them.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<GroupFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<GroupOrder>,
    ) -> Result<Connection<Group>> {
        let list =
            GroupList::of_organization(filter.unwrap_or_default().try_into()?, order_by.unwrap_or_default());
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }

    /// Its templates that the viewer may read or use.
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
        let list = filter.unwrap_or_default().list(order_by)?;
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }

    /// Its workspaces that the viewer can see: all for those whose role reads workspaces, else their own.
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
        let list = WorkspaceList::of_organization(
            filter.unwrap_or_default().try_into()?,
            order_by.unwrap_or_default(),
        );
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }

    /// Keys that its daemons authenticate with, without their secrets. FORBIDDEN without the permission.
    #[graphql(directive = requires::apply("PROVISIONER_KEY".into(), "READ".into()))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn provisioner_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<ProvisionerKeyFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<KeyOrder>,
    ) -> Nullable<Connection<ProvisionerKey>> {
        nullable(async {
            ctx.request().require(Permission::ProvisionerKeyRead, self.object())?;
            let list = filter.unwrap_or_default().list(order_by.unwrap_or_default(), ctx.request())?;
            Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await.map(Some)
        })
        .await
    }

    /// Daemons that have registered for it.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn provisioner_daemons(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<ProvisionerDaemonFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<DaemonOrder>,
    ) -> Result<Connection<ProvisionerDaemon>> {
        let status = filter.unwrap_or_default().into_status();
        let list = DaemonList::new(status, order_by.unwrap_or_default(), ctx.request().db.clock().now());
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }

    /// How its provisioners are: who is there, what waits and why, how jobs have ended lately. FORBIDDEN without the
    /// permission.
    #[graphql(directive = requires::apply("PROVISIONER_JOB".into(), "READ".into()))]
    async fn provisioner_health(&self, ctx: &Context<'_>) -> Nullable<ProvisionerHealth> {
        nullable(async {
            let request = ctx.request();
            request.require(Permission::ProvisionerJobRead, self.object())?;
            request.require(Permission::ProvisionerDaemonRead, self.object())?;
            ProvisionerHealth::of(request, self.0.id).await.map(Some)
        })
        .await
    }

    /// Its jobs that the viewer can see: all for those whose role reads jobs, else those they started.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn provisioner_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<ProvisionerJobFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<JobOrder>,
    ) -> Result<Connection<ProvisionerJob>> {
        let list: JobList = (filter.unwrap_or_default(), order_by.unwrap_or_default()).into();
        Connection::of(ctx, self.0.id, list, Paging { first, after, last, before }).await
    }
}

/// The organization that an input names.
///
/// # Errors
/// The same refusal whether it is missing or not visible.
pub(crate) async fn resolve(request: &Request, id: &ID) -> Result<OrganizationId> {
    Ok(resolve_row(request, id).await?.id)
}

async fn resolve_row(request: &Request, id: &ID) -> Result<OrganizationRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["organizationId"], "organization");
    let id: OrganizationId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?)
}

/// Exactly one of these.
#[derive(OneofObject)]
pub(crate) enum OrganizationBy {
    /// `org_…`
    Id(ID),
    /// The name, without regard to case.
    Name(String),
}

/// Which organizations.
#[derive(Default, InputObject)]
pub(crate) struct OrganizationFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
    /// Text in name or display name.
    pub(crate) query: Option<String>,
}

/// Queries about organizations.
#[derive(Default)]
pub(crate) struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// An organization; null when missing or not visible.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: OrganizationBy,
    ) -> Nullable<Organization> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            let row = match by {
                OrganizationBy::Id(id) => match id.parse::<OrganizationId>() {
                    Ok(id) => request.find(id).await?,
                    Err(_) => None,
                },
                OrganizationBy::Name(name) => {
                    crate::organization::find_by_name(&request.db, &request.actor, &name).await?
                }
            };
            Ok(row.map(Organization))
        })
        .await
    }

    /// Organizations that the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<OrganizationFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<OrganizationOrder>,
    ) -> Result<Connection<Organization>> {
        ctx.request().signed_in()?;
        let filter = filter.unwrap_or_default();
        let query = Term::asked(filter.query.as_deref())?;
        let list = OrganizationList::all(filter.name, query, order_by.unwrap_or_default());
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}
