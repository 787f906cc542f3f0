//! `workspaces builds`.

use clap::{Args, ValueEnum};
use guildhall_client::provisioner_job::ProvisionerJobState;
use guildhall_client::workspace::WorkspaceSummary;
use guildhall_client::workspace_build::{
    BuildReason, BuildSummary, WorkspaceBuildFilter, WorkspaceBuildOrder, WorkspaceTransition,
};
use guildhall_client::{Client, ClientError, Id, Page};

use super::Which;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Age, Limit};
use crate::output::{Nothing, Value, state, word};

/// The arguments of `guildhall workspaces builds`.
#[derive(Debug, Args)]
pub struct Builds {
    #[command(flatten)]
    which: Which,
    /// Only those at this
    #[arg(long)]
    status: Option<Status>,
    /// Only those that do this
    #[arg(long)]
    transition: Option<Transition>,
    /// Only those made for this
    #[arg(long)]
    reason: Option<Reason>,
    /// What comes first
    #[arg(long, default_value = "newest")]
    sort: Age,
    #[command(flatten)]
    limit: Limit,
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Pending,
    Running,
    Canceling,
    Succeeded,
    Failed,
    Canceled,
}

/// What a build does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transition {
    Start,
    Stop,
    Delete,
}

/// What a build is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    /// Somebody asked for it
    Initiator,
    /// The autostart schedule
    Autostart,
    /// The deadline
    Autostop,
    /// Long disuse
    Dormancy,
}

impl Builds {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let workspace = self.which.find(&client).await?;
        let filter = WorkspaceBuildFilter {
            status: self.status.map(|status| match status {
                Status::Pending => ProvisionerJobState::Pending,
                Status::Running => ProvisionerJobState::Running,
                Status::Canceling => ProvisionerJobState::Canceling,
                Status::Succeeded => ProvisionerJobState::Succeeded,
                Status::Failed => ProvisionerJobState::Failed,
                Status::Canceled => ProvisionerJobState::Canceled,
            }),
            transition: self.transition.map(|transition| match transition {
                Transition::Start => WorkspaceTransition::Start,
                Transition::Stop => WorkspaceTransition::Stop,
                Transition::Delete => WorkspaceTransition::Delete,
            }),
            reason: self.reason.map(|reason| match reason {
                Reason::Initiator => BuildReason::Initiator,
                Reason::Autostart => BuildReason::Autostart,
                Reason::Autostop => BuildReason::Autostop,
                Reason::Dormancy => BuildReason::Dormancy,
            }),
        };
        let narrowed = filter.status.is_some() || filter.transition.is_some() || filter.reason.is_some();
        let order = match self.sort {
            Age::Newest => WorkspaceBuildOrder::NumberDesc,
            Age::Oldest => WorkspaceBuildOrder::NumberAsc,
        };
        let page = async |after| client.workspace_builds(&workspace.id, &filter, order, after).await;
        let builds = self.limit.read(page).await?;
        let header = ["NUMBER", "TRANSITION", "STATUS", "CREDITS A DAY", "CREATED", "JOB"];
        context.output.list(&builds, &header, row, &Nothing::of("build").narrowed(narrowed))
    }
}

fn row(build: &BuildSummary) -> Vec<Value> {
    vec![
        build.number.to_string().into(),
        word(&build.transition).into(),
        state(&build.status),
        build.daily_cost.to_string().into(),
        build.created_at.into(),
        (&build.job.id).into(),
    ]
}

/// A page of a workspace's builds, newest first.
pub(super) async fn newest(
    client: &Client,
    workspace: &Id,
    after: Option<String>,
) -> Result<Page<BuildSummary>, ClientError> {
    let (filter, order) = (WorkspaceBuildFilter::default(), WorkspaceBuildOrder::NumberDesc);
    client.workspace_builds(workspace, &filter, order, after).await
}

/// The build of this number.
pub(super) async fn numbered(
    client: &Client,
    workspace: &WorkspaceSummary,
    number: i32,
) -> Result<BuildSummary, Failure> {
    let builds = Page::all(usize::MAX, async |after| newest(client, &workspace.id, after).await).await?;
    let found = builds.into_iter().find(|build| build.number == number);
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "build", name: number.to_string() })?)
}
