//! How workspaces look.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{TypedId, WorkspaceId};
use guildhall_entity::kind;

use super::WorkspaceBuild;
use super::build::WorkspaceBuildFilter;
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::template::graphql::Template;
use crate::user::graphql::User;
use crate::workspace::store::workspace::Whole;
use crate::workspace::{
    BuildList, BuildOrder, Filter, WorkspaceList, WorkspaceOrder, change, milliseconds_to_seconds,
};

/// Whether a workspace moves to its template's active version when it starts.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::AutomaticUpdates")]
pub(crate) enum AutomaticUpdates {
    /// At every start that names no version. Where its values do not fit the active one, a person is told which, and its
    /// schedule starts it on the version before.
    Always,
    /// Only when somebody asks for it.
    Never,
}

/// What a workspace is at, from its latest build.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::WorkspaceStatus")]
pub(crate) enum WorkspaceStatus {
    /// Its build waits for a provisioner.
    Pending,
    /// Comes up.
    Starting,
    /// Is up.
    Running,
    /// Goes down.
    Stopping,
    /// Is down.
    Stopped,
    /// Is being destroyed.
    Deleting,
    /// Is gone.
    Deleted,
    /// Its build was told to stop.
    Canceling,
    /// Its build was canceled.
    Canceled,
    /// Its build failed.
    Failed,
}

/// When a workspace starts by itself.
#[derive(Clone, SimpleObject)]
struct AutostartSchedule {
    /// Minute, hour, day of the month, month, day of the week: `30 8 * * 1-5`.
    cron: String,
    /// The time zone that it is read in, by its name in the IANA database.
    time_zone: String,
}

/// Whether a workspace is dear to the viewer; loaded for all workspaces of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Dear(WorkspaceId);

#[async_trait::async_trait]
impl Loader<Dear> for Loaders {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[Dear]) -> Result<HashMap<Dear, ()>> {
        let workspaces: Vec<_> = keys.iter().map(|key| key.0).collect();
        let dear = change::favorites(&self.db, &self.actor, &workspaces).await?;
        Ok(dear.into_iter().map(|id| (Dear(id), ())).collect())
    }
}

/// A workspace.
#[derive(Clone)]
pub(crate) struct Workspace(Arc<Whole>);

impl From<Arc<Whole>> for Workspace {
    fn from(whole: Arc<Whole>) -> Self {
        Self(whole)
    }
}

impl Node for Workspace {
    type List = WorkspaceList;
    const NAME: &'static str = "Workspace";

    fn from_row(row: Arc<Whole>, _: &Request) -> Self {
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
        self.0.workspace.status.into()
    }

    /// When it was last used; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.workspace.last_used_at.map(DateTime::from)
    }

    /// Goes up with every change of it; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.workspace.version
    }

    /// When it starts by itself; null for never.
    async fn autostart_schedule(&self) -> Option<AutostartSchedule> {
        let workspace = &self.0.workspace;
        let (cron, time_zone) = (workspace.autostart_cron.clone()?, workspace.autostart_time_zone.clone()?);
        Some(AutostartSchedule { cron, time_zone })
    }

    /// When its schedule comes due next; null without one and while it is dormant. It starts then if it is stopped and
    /// its template lets workspaces start on that day.
    async fn next_autostart_at(&self) -> Option<DateTime> {
        let workspace = &self.0.workspace;
        workspace.autostart_at.filter(|_| workspace.dormant_at.is_none()).map(DateTime::from)
    }

    /// For how many seconds a start of it lasts; null leaves that to its template.
    async fn ttl_seconds(&self) -> Option<i32> {
        self.0.workspace.ttl_ms.map(milliseconds_to_seconds)
    }

    /// When it is stopped by itself; null for never, and while it does not run. A stop that fails is tried again an hour
    /// later.
    async fn deadline(&self) -> Option<DateTime> {
        self.0.workspace.deadline.map(DateTime::from)
    }

    /// Since when it is dormant, because nobody used it for as long as its template says; null where it is not. It must be
    /// activated before it can be started.
    async fn dormant_at(&self) -> Option<DateTime> {
        self.0.workspace.dormant_at.map(DateTime::from)
    }

    /// When it is deleted for having been dormant so long; null for never. Activating it prevents that.
    async fn deleting_at(&self) -> Option<DateTime> {
        self.0.workspace.deleting_at.map(DateTime::from)
    }

    /// Whether it moves to its template's active version when it starts.
    async fn automatic_updates(&self) -> AutomaticUpdates {
        self.0.workspace.automatic_updates.into()
    }

    /// Whether its latest build is of another version than its template's active one.
    async fn is_outdated(&self) -> bool {
        self.0.workspace.outdated
    }

    /// Whether the viewer has marked it as a favorite.
    async fn is_favorite(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.request().load(Dear(self.0.workspace.id)).await?.is_some())
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
        WorkspaceBuild::new(self.0.build.clone(), self.0.job)
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
    /// Dormant, or not.
    dormant: Option<bool>,
    /// Whether their latest build is of another version than their template's active one.
    outdated: Option<bool>,
    /// Whether the viewer has marked them as favorites.
    favorite: Option<bool>,
}

impl TryFrom<WorkspaceFilter> for Filter {
    type Error = Error;

    fn try_from(input: WorkspaceFilter) -> Result<Self> {
        /// An id that names nothing matches nothing; it is no error.
        fn parse<T: TypedId>(id: Option<ID>, impossible: &mut bool) -> Option<T> {
            let parsed = id.map(|id| id.parse().ok());
            *impossible |= parsed == Some(None);
            parsed.flatten()
        }
        let mut impossible = false;
        Ok(Self {
            name: input.name,
            query: Term::asked(input.query.as_deref())?,
            owner: parse(input.owner_id, &mut impossible),
            template: parse(input.template_id, &mut impossible),
            organization: parse(input.organization_id, &mut impossible),
            status: input.status.map(Into::into),
            dormant: input.dormant,
            outdated: input.outdated,
            favorite: input.favorite,
            impossible,
        })
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
            WorkspaceList::of_all(filter.unwrap_or_default().try_into()?, order_by.unwrap_or_default());
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}
