//! How builds look.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{TemplateVersionId, WorkspaceBuildId};
use guildhall_entity::{json, kind};

use super::Workspace;
use crate::error::{Error, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::provisioner::JobCard;
use crate::provisioner::graphql::{JobState, ProvisionerJob};
use crate::template::VersionRow;
use crate::template::graphql::TemplateVersion;
use crate::template::version;
use crate::user::graphql::User;
use crate::workspace::state::{self, StateRow};
use crate::workspace::store::build::{self, BuildDetails};
use crate::workspace::{BuildFilter, BuildList, BuildRow};

/// What a build does to its workspace.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::Transition")]
pub(crate) enum WorkspaceTransition {
    /// Brings it up.
    Start,
    /// Takes it down, keeping what the template keeps.
    Stop,
    /// Destroys it.
    Delete,
}

/// Why a build was made.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::BuildReason")]
pub(crate) enum BuildReason {
    /// Somebody asked for it.
    Initiator,
    /// The autostart schedule.
    Autostart,
    /// The deadline.
    Autostop,
    /// Long disuse.
    Dormancy,
}

/// Which builds: all of these together.
#[derive(Default, InputObject)]
pub(crate) struct WorkspaceBuildFilter {
    /// That do this.
    transition: Option<WorkspaceTransition>,
    /// At this.
    status: Option<JobState>,
    /// Made for this.
    reason: Option<BuildReason>,
}

impl From<WorkspaceBuildFilter> for BuildFilter {
    fn from(filter: WorkspaceBuildFilter) -> Self {
        Self {
            transition: filter.transition.map(kind::Transition::from),
            state: filter.status.map(kind::JobState::from),
            reason: filter.reason.map(kind::BuildReason::from),
        }
    }
}

/// A build.
#[derive(Clone)]
pub(crate) struct WorkspaceBuild {
    row: BuildRow,
    job: JobCard,
}

impl WorkspaceBuild {
    pub(super) fn new(row: BuildRow, job: JobCard) -> Self {
        Self { row, job }
    }
}

impl From<(BuildRow, JobCard)> for WorkspaceBuild {
    fn from((row, job): (BuildRow, JobCard)) -> Self {
        Self { row, job }
    }
}

impl Node for WorkspaceBuild {
    type List = BuildList;
    const NAME: &'static str = "WorkspaceBuild";

    fn from_row(row: (BuildRow, JobCard), _: &Request) -> Self {
        row.into()
    }
}

/// The values and results of a build; loaded for all builds of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct DetailsOf(WorkspaceBuildId);

#[async_trait::async_trait]
impl Loader<DetailsOf> for Loaders {
    type Value = Arc<BuildDetails>;
    type Error = Error;

    async fn load(&self, keys: &[DetailsOf]) -> Result<HashMap<DetailsOf, Self::Value>> {
        let builds: Vec<_> = keys.iter().map(|key| key.0).collect();
        let details = build::details(&self.db, &self.actor, &builds).await?;
        Ok(details.into_iter().map(|details| (DetailsOf(details.id), Arc::new(details))).collect())
    }
}

/// A version that a visible build refers to: visible with it, even where the template no longer is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Referred(TemplateVersionId);

#[async_trait::async_trait]
impl Loader<Referred> for Loaders {
    type Value = VersionRow;
    type Error = Error;

    async fn load(&self, keys: &[Referred]) -> Result<HashMap<Referred, VersionRow>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = version::referred_rows(&self.db, &ids).await?;
        Ok(rows.into_iter().map(|row| (Referred(row.id), row)).collect())
    }
}

/// What there is to tell of the state that a build has written; loaded for all builds of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct StateOf(WorkspaceBuildId);

#[async_trait::async_trait]
impl Loader<StateOf> for Loaders {
    type Value = StateRow;
    type Error = Error;

    async fn load(&self, keys: &[StateOf]) -> Result<HashMap<StateOf, StateRow>> {
        let builds: Vec<_> = keys.iter().map(|key| key.0).collect();
        let states = state::of_builds(&self.db, &self.actor, &builds).await?;
        Ok(states.into_iter().map(|row| (StateOf(row.workspace_build_id), row)).collect())
    }
}

impl WorkspaceBuild {
    async fn details(&self, ctx: &Context<'_>) -> Result<Arc<BuildDetails>> {
        let details = ctx.request().load(DetailsOf(self.row.id)).await?;
        details.ok_or_else(|| Error::internal(format!("{} was just read, but has no details", self.row.id)))
    }
}

/// A step of a workspace's life. Visible with its workspace.
#[Object]
impl WorkspaceBuild {
    /// `bld_…`
    pub(crate) async fn id(&self) -> ID {
        self.row.id.to_string().into()
    }

    /// When it was queued.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// Its number, from 1; strictly increasing in a workspace.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// What it does.
    async fn transition(&self) -> WorkspaceTransition {
        self.row.transition.into()
    }

    /// Where its job stands.
    async fn status(&self) -> JobState {
        self.job.state.into()
    }

    /// Why it was made.
    async fn reason(&self) -> BuildReason {
        self.row.reason.into()
    }

    /// Its workspace; null once that is deleted.
    async fn workspace(&self, ctx: &Context<'_>) -> Nullable<Workspace> {
        nullable(async { Ok(ctx.request().find(self.row.workspace_id).await?.map(Workspace::from)) }).await
    }

    /// What it is made from.
    async fn template_version(&self, ctx: &Context<'_>) -> Result<TemplateVersion> {
        let version = ctx.request().load(Referred(self.row.template_version_id)).await?;
        let version =
            version.ok_or_else(|| Error::internal("a build refers to a version that is not there"))?;
        Ok(version.into())
    }

    /// Who asked for it; null for a schedule, or when the viewer can't see them.
    async fn initiator(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async {
            let Some(initiator) = self.row.initiator_id else { return Ok(None) };
            Ok(ctx.request().find(initiator).await?.map(User::from))
        })
        .await
    }

    /// The job that makes it.
    async fn job(&self, ctx: &Context<'_>) -> Result<ProvisionerJob> {
        ProvisionerJob::met(ctx, self.job).await
    }

    /// The values it was given, in the order of the module. Sensitive ones are null.
    async fn parameters(&self, ctx: &Context<'_>) -> Result<Vec<BuildParameter>> {
        let details = self.details(ctx).await?;
        let look = |parameter: &guildhall_entity::json::Parameter| BuildParameter {
            name: parameter.name.clone(),
            value: parameter.value.clone(),
            sensitive: parameter.value.is_none(),
        };
        Ok(details.parameters.0.iter().map(look).collect())
    }

    /// What is managed after it; empty until it succeeded.
    async fn resources(&self, ctx: &Context<'_>) -> Result<Vec<WorkspaceResource>> {
        let details = self.details(ctx).await?;
        let look = |resource: &guildhall_entity::json::Resource| WorkspaceResource {
            address: resource.address.clone(),
            kind: resource.r#type.clone(),
            name: resource.name.clone(),
        };
        Ok(details.resources.0.iter().map(look).collect())
    }

    /// The module's output `apps`; empty until it succeeded.
    async fn apps(&self, ctx: &Context<'_>) -> Result<Vec<WorkspaceApp>> {
        let details = self.details(ctx).await?;
        let look = |app: &guildhall_entity::json::App| WorkspaceApp {
            name: app.name.clone(),
            url: app.url.clone(),
            icon: app.icon.clone(),
        };
        Ok(details.apps.0.iter().map(look).collect())
    }

    /// The module's output `metadata`, by key; empty until it succeeded.
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Vec<WorkspaceMetadata>> {
        let details = self.details(ctx).await?;
        let look =
            |(key, value): (&String, &String)| WorkspaceMetadata { key: key.clone(), value: value.clone() };
        Ok(details.metadata.0.iter().map(look).collect())
    }

    /// Credits a day that count for the quota: from the module's output `daily_cost` once the build has succeeded, until
    /// then what was planned or, where that is more, what the workspace cost before.
    async fn daily_cost(&self) -> i32 {
        self.row.daily_cost
    }

    /// The Terraform state that it has written last; null when it wrote none, and then the state is that of the build
    /// before. Of a workspace the newest 20 are kept. Null as well for who lacks `WORKSPACE_MANAGE_STATE`.
    async fn state(&self, ctx: &Context<'_>) -> Nullable<TerraformState> {
        nullable(async { Ok(ctx.request().load(StateOf(self.row.id)).await?.map(TerraformState::from)) })
            .await
    }

    /// Why the quota stopped it; null when it did not.
    async fn quota_refusal(&self, ctx: &Context<'_>) -> Result<Option<BuildQuotaRefusal>> {
        Ok(self.details(ctx).await?.quota_refusal.map(Into::into))
    }
}

/// What can be told of a Terraform state without reading it.
#[derive(Clone, SimpleObject)]
struct TerraformState {
    /// In bytes.
    size: i32,
    /// The number that Terraform counts up with every change; null where it has none.
    serial: Option<i64>,
    /// When it was written.
    updated_at: DateTime,
    /// Where it is got with GET and replaced with PUT, below the server's URL; both are noted in the audit log.
    path: String,
}

impl From<StateRow> for TerraformState {
    fn from(row: StateRow) -> Self {
        let path = format!("/states/{}", row.workspace_build_id);
        Self { size: row.size, serial: row.serial, updated_at: row.updated_at.into(), path }
    }
}

/// A value that a build was given.
#[derive(Clone, SimpleObject)]
struct BuildParameter {
    /// The variable.
    name: String,
    /// The value as text; null for a sensitive one.
    value: Option<String>,
    /// Whether the value is kept secret.
    sensitive: bool,
}

/// Whose budget.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "json::QuotaScope")]
enum QuotaScope {
    /// The owner's, from their groups.
    Member,
    /// The organization's cap.
    Organization,
}

/// Why a quota stopped a build between plan and apply.
#[derive(Clone, SimpleObject)]
struct BuildQuotaRefusal {
    /// Whose budget it was.
    scope: QuotaScope,
    /// Credits a day that could be used.
    budget: i64,
    /// Credits a day that other workspaces used.
    used: i64,
    /// Credits a day that the build would have cost.
    cost: i32,
}

impl From<json::QuotaRefusal> for BuildQuotaRefusal {
    fn from(refusal: json::QuotaRefusal) -> Self {
        let json::QuotaRefusal { scope, budget, used, cost } = refusal;
        Self { scope: scope.into(), budget, used, cost }
    }
}

/// A managed resource.
#[derive(Clone, SimpleObject)]
struct WorkspaceResource {
    /// Its Terraform address.
    address: String,
    /// Its Terraform type.
    #[graphql(name = "type")]
    kind: String,
    /// Its name in the module.
    name: String,
}

/// Something to open.
#[derive(Clone, SimpleObject)]
struct WorkspaceApp {
    /// What it is called.
    name: String,
    /// Where it is.
    url: String,
    /// An emoji, URL or site path; may be empty.
    icon: String,
}

/// Something to know.
#[derive(Clone, SimpleObject)]
struct WorkspaceMetadata {
    /// What.
    key: String,
    /// Its value.
    value: String,
}
