//! How jobs look.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::kind;

use super::loaders::{DaemonsOf, Met, PositionOf};
use super::{ProvisionerDaemon, Tag, tags};
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::provisioner::pending::{Place, Reason, ReasonKind, reason};
use crate::provisioner::{DaemonRow, JobCard, JobList, JobOrder, JobRow, LogList, LogRow};
use crate::user::graphql::User;

macro_rules! remote_enum {
    ($(#[$doc:meta])* $name:ident as $graphql:literal of $remote:literal { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        #[graphql(remote = $remote, name = $graphql)]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant),*
        }
    };
}

remote_enum! {
    /// What a job does.
    ProvisionerJobType as "ProvisionerJobType" of "kind::JobType" {
        /// Reads a template version's module.
        TemplateImport,
        /// Plans a template version with parameters, changing nothing.
        TemplateDryRun,
        /// Starts, stops or deletes a workspace.
        WorkspaceBuild,
    }
}
remote_enum! {
    /// Where a job stands.
    JobState as "ProvisionerJobState" of "kind::JobState" {
        /// Waits for a daemon.
        Pending,
        /// A daemon works on it.
        Running,
        /// A daemon was told to stop working on it.
        Canceling,
        /// Ended well.
        Succeeded,
        /// Ended with an error.
        Failed,
        /// Ended because somebody asked for it.
        Canceled,
    }
}
remote_enum! {
    /// How much a log line matters.
    LogLevel as "LogLevel" of "kind::LogLevel" {
        /// Finest detail.
        Trace,
        /// For those who look for a fault.
        Debug,
        /// What happens.
        Info,
        /// Worth a look.
        Warn,
        /// Why it failed.
        Error,
    }
}
remote_enum! {
    /// Who wrote a log line.
    LogSource as "LogSource" of "kind::LogSource" {
        /// The daemon.
        ProvisionerDaemon,
        /// The engine.
        Provisioner,
    }
}
remote_enum! {
    /// Why a job waits.
    PendingReasonCode as "PendingReasonCode" of "ReasonKind" {
        /// No daemon is registered in the organization.
        NoDaemon,
        /// Daemons that could take it signed off, have not been seen for 90 seconds, or have a key that is not accepted.
        AllOffline,
        /// No daemon's tags fit.
        TagsUnmatched,
        /// Daemons that could take it have other work.
        AllBusy,
        /// A daemon is about to take it.
        Queued,
    }
}

/// A job.
#[derive(Clone)]
pub(crate) struct ProvisionerJob(JobRow);

impl From<JobRow> for ProvisionerJob {
    fn from(row: JobRow) -> Self {
        Self(row)
    }
}

impl Node for ProvisionerJob {
    type List = JobList;
    const NAME: &'static str = "ProvisionerJob";

    fn from_row(row: JobRow, _: &Request) -> Self {
        Self(row)
    }
}

impl ProvisionerJob {
    /// The job whose card something that the viewer sees carries along: visible with it.
    pub(crate) async fn met(ctx: &Context<'_>, card: JobCard) -> Result<Self> {
        let row = ctx.request().load(Met(card.id)).await?;
        row.map(Self).ok_or_else(|| Error::internal(format!("{} was just read, and is not there", card.id)))
    }
}

/// Work for a daemon. Visible to whose it is (the owner of the workspace that it builds, else who started it) and to
/// those whose role reads jobs.
#[Object]
impl ProvisionerJob {
    /// `job_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was queued.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed or a daemon last told of it.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// What it does.
    #[graphql(name = "type")]
    async fn kind(&self) -> ProvisionerJobType {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> JobState {
        self.0.state.into()
    }

    /// Tags that a daemon must carry to take it.
    async fn tags(&self) -> Vec<Tag> {
        tags(&self.0.tags)
    }

    /// How often a daemon has taken it.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.0.organization_id).await?.into())
    }

    /// Who started it; null for a schedule, or when the viewer can't see them.
    async fn initiator(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async {
            let Some(initiator) = self.0.initiator_id else { return Ok(None) };
            Ok(ctx.request().find(initiator).await?.map(User::from))
        })
        .await
    }

    /// The daemon that took it.
    async fn daemon(&self, ctx: &Context<'_>) -> Nullable<ProvisionerDaemon> {
        nullable(async {
            let Some(daemon) = self.0.provisioner_daemon_id else { return Ok(None) };
            Ok(ctx.request().find(daemon).await?.map(ProvisionerDaemon::from))
        })
        .await
    }

    /// When a daemon took it.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime::from)
    }

    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(DateTime::from)
    }

    /// When somebody asked for it to stop.
    async fn cancel_requested_at(&self) -> Option<DateTime> {
        self.0.cancel_requested_at.map(DateTime::from)
    }

    /// Why it failed; null unless it did.
    async fn error(&self) -> Option<ProvisionerJobError> {
        let code = self.0.error_code.clone()?;
        Some(ProvisionerJobError { code, message: self.0.error_message.clone().unwrap_or_default() })
    }

    /// Its place in the queue of its organization and tags, 1 = next; null unless it waits. Computed only when selected.
    async fn position(&self, ctx: &Context<'_>) -> Nullable<i64> {
        nullable(async {
            if self.0.state != kind::JobState::Pending {
                return Ok(None);
            }
            let place = ctx.request().load(PositionOf(Arc::new(self.0.clone()))).await?;
            Ok(place.map(|place| place.number))
        })
        .await
    }

    /// Why it waits; null unless it does. Computed only when selected.
    async fn pending_reason(&self, ctx: &Context<'_>) -> Nullable<PendingReason> {
        nullable(async {
            if self.0.state != kind::JobState::Pending {
                return Ok(None);
            }
            let request = ctx.request();
            let (place, daemons) = futures_util::try_join!(
                request.load(PositionOf(Arc::new(self.0.clone()))),
                request.load(DaemonsOf(self.0.organization_id)),
            )?;
            let daemons = daemons.unwrap_or_default();
            let all: Vec<&DaemonRow> = daemons.iter().collect();
            // It may just have been taken.
            let place = place.unwrap_or(Place { number: 1, of: 1 });
            let why = reason(&self.0.tags, place, &all, request.db.clock().now());
            Ok(Some(why.into()))
        })
        .await
    }

    /// What it wrote, in order. A cursor stays good while the job goes on: poll with `after`.
    async fn logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProvisionerJobLog>> {
        Connection::of(ctx, self.0.id, LogList, Paging { first, after, last, before }).await
    }
}

/// Why a job failed.
#[derive(Clone, SimpleObject)]
struct ProvisionerJobError {
    /// For programs, e.g. `TERRAFORM_FAILED`, `DAEMON_LOST`, `NO_PROVISIONER`.
    code: String,
    /// For people.
    message: String,
}

/// Why a job waits.
#[derive(Clone, SimpleObject)]
pub(crate) struct PendingReason {
    /// For programs.
    code: PendingReasonCode,
    /// For people, with what to do.
    message: String,
    /// Tags that no daemon carries, for TAGS_UNMATCHED.
    tags: Vec<Tag>,
}

impl From<Reason> for PendingReason {
    fn from(why: Reason) -> Self {
        Self { code: why.kind.into(), message: why.message, tags: tags(&why.tags) }
    }
}

/// A line.
#[derive(Clone)]
pub(crate) struct ProvisionerJobLog(LogRow);

impl From<LogRow> for ProvisionerJobLog {
    fn from(row: LogRow) -> Self {
        Self(row)
    }
}

impl Node for ProvisionerJobLog {
    type List = LogList;
    const NAME: &'static str = "ProvisionerJobLog";

    fn from_row(row: LogRow, _: &Request) -> Self {
        Self(row)
    }
}

/// A line that a job wrote.
#[Object]
impl ProvisionerJobLog {
    /// Its place, from 1.
    async fn sequence(&self) -> i32 {
        self.0.sequence
    }

    /// When it was written.
    async fn time(&self) -> DateTime {
        self.0.time.into()
    }

    /// How much it matters.
    async fn level(&self) -> LogLevel {
        self.0.level.into()
    }

    /// Who wrote it.
    async fn source(&self) -> LogSource {
        self.0.source.into()
    }

    /// What the job was at, e.g. Init, Plan, Apply.
    async fn stage(&self) -> &str {
        &self.0.stage
    }

    /// The line, at most 1 KiB.
    async fn text(&self) -> &str {
        &self.0.text
    }
}

/// Which jobs.
#[derive(Default, InputObject)]
pub(crate) struct ProvisionerJobFilter {
    /// In this state.
    state: Option<JobState>,
    /// Of this type.
    #[graphql(name = "type")]
    kind: Option<ProvisionerJobType>,
    /// Started by this user.
    initiator_id: Option<ID>,
}

impl From<(ProvisionerJobFilter, JobOrder)> for JobList {
    fn from((filter, order): (ProvisionerJobFilter, JobOrder)) -> Self {
        let initiator = filter.initiator_id.map(|id| id.parse().ok());
        Self {
            state: filter.state.map(kind::JobState::from),
            kind: filter.kind.map(kind::JobType::from),
            impossible: initiator == Some(None),
            initiator: initiator.flatten(),
            order,
        }
    }
}
