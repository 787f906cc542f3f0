//! How daemons look.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::ProvisionerDaemonId;
use guildhall_entity::json::Engine;

use super::{ProvisionerJob, Tag, tags};
use crate::db::page::PageArgs;
use crate::error::{Refusal, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::provisioner::{DaemonList, DaemonRow, JobsOfDaemon, SERVER_VERSION, Status, daemon};

/// Whether a daemon is at work.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status", name = "ProvisionerDaemonStatus")]
pub(crate) enum DaemonStatus {
    /// Signed off, unseen for 90 seconds, or with a key that is disabled or has expired.
    Offline,
    /// Holds a job.
    Busy,
    /// Waits for a job.
    Idle,
}

/// What a daemon can run.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Engine")]
pub(crate) enum ProvisionerEngine {
    /// Terraform or OpenTofu.
    Terraform,
    /// Runs nothing and says what it would do.
    Echo,
}

/// A daemon.
#[derive(Clone)]
pub(crate) struct ProvisionerDaemon(DaemonRow);

impl From<DaemonRow> for ProvisionerDaemon {
    fn from(row: DaemonRow) -> Self {
        Self(row)
    }
}

impl Node for ProvisionerDaemon {
    type List = DaemonList;
    const NAME: &'static str = "ProvisionerDaemon";

    fn from_row(row: DaemonRow, _: &Request) -> Self {
        Self(row)
    }
}

/// A program that runs jobs for one organization. Visible to everyone in it.
#[Object]
impl ProvisionerDaemon {
    /// `pdmn_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.daemon.id.to_string().into()
    }

    /// When it first registered.
    async fn created_at(&self) -> DateTime {
        self.0.daemon.created_at.into()
    }

    /// When it last registered.
    async fn updated_at(&self) -> DateTime {
        self.0.daemon.updated_at.into()
    }

    /// Its name: its host's unless it was given another.
    async fn name(&self) -> &str {
        &self.0.daemon.name
    }

    /// The version of its program.
    async fn version(&self) -> &str {
        &self.0.daemon.version
    }

    /// Whether its version is the server's. One of another version may lack what newer jobs ask for: update it.
    async fn version_matches(&self) -> bool {
        self.0.daemon.version == SERVER_VERSION
    }

    /// What it can run.
    async fn engines(&self) -> Vec<ProvisionerEngine> {
        self.0.daemon.engines.0.iter().map(|&engine| engine.into()).collect()
    }

    /// Tags it carries, from its key.
    async fn tags(&self) -> Vec<Tag> {
        tags(&self.0.daemon.tags)
    }

    /// Whether it is at work, now.
    async fn status(&self, ctx: &Context<'_>) -> DaemonStatus {
        self.0.status(ctx.request().db.clock().now()).into()
    }

    /// When it last called.
    async fn last_seen_at(&self) -> DateTime {
        self.0.daemon.last_seen_at.into()
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.0.daemon.organization_id).await?.into())
    }

    /// The name of its key; null for a built-in provisioner.
    async fn key_name(&self) -> Option<&str> {
        self.0.key_name.as_deref()
    }

    /// The jobs that it works on, of those that the viewer can see, begun last first; at most 64.
    async fn current_jobs(&self, ctx: &Context<'_>) -> Result<Vec<ProvisionerJob>> {
        self.jobs(ctx.request(), JobsOfDaemon::Held, CURRENT_JOBS).await
    }

    /// The job that it began last of those that have ended and that the viewer can see; null when there is none.
    async fn last_job(&self, ctx: &Context<'_>) -> Nullable<ProvisionerJob> {
        nullable(async { Ok(self.jobs(ctx.request(), JobsOfDaemon::Ended, 1).await?.into_iter().next()) })
            .await
    }
}

/// The most jobs that a daemon runs at a time.
const CURRENT_JOBS: u64 = 64;

impl ProvisionerDaemon {
    async fn jobs(&self, request: &Request, list: JobsOfDaemon, limit: u64) -> Result<Vec<ProvisionerJob>> {
        let args = PageArgs { limit, backward: false, cursor: None };
        let page = request.page(self.0.daemon.id.0, &list, args).await?;
        Ok(page.rows.into_iter().map(|(row, _)| row.into()).collect())
    }
}

/// Which daemons.
#[derive(Default, InputObject)]
pub(crate) struct ProvisionerDaemonFilter {
    /// Of this status.
    status: Option<DaemonStatus>,
}

impl ProvisionerDaemonFilter {
    /// The status asked for.
    pub(crate) fn into_status(self) -> Option<Status> {
        self.status.map(Status::from)
    }
}

/// A daemon to forget.
#[derive(InputObject)]
struct DeleteProvisionerDaemonInput {
    /// The daemon; it must be offline.
    provisioner_daemon_id: ID,
}

/// What `deleteProvisionerDaemon` answers.
#[derive(SimpleObject)]
struct DeleteProvisionerDaemonPayload {
    /// The daemon that is gone; null when there are user errors.
    deleted_provisioner_daemon_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to daemons.
#[derive(Default)]
pub(crate) struct DaemonListMutation;

#[Object]
impl DaemonListMutation {
    /// Forgets a daemon that is offline; one that comes back registers anew. Needs `PROVISIONER_DAEMON_DELETE`.
    async fn delete_provisioner_daemon(
        &self,
        ctx: &Context<'_>,
        input: DeleteProvisionerDaemonInput,
    ) -> Nullable<DeleteProvisionerDaemonPayload> {
        nullable(async {
            let (deleted, user_errors) = outcome(delete(ctx.request(), input.provisioner_daemon_id).await)?;
            Ok(Some(DeleteProvisionerDaemonPayload { deleted_provisioner_daemon_id: deleted, user_errors }))
        })
        .await
    }
}

async fn delete(request: &Request, id: ID) -> Result<ID> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["provisionerDaemonId"], "provisioner daemon");
    let daemon: ProvisionerDaemonId = id.parse().map_err(|_| not_found())?;
    let row = request.find(daemon).await?.ok_or_else(not_found)?;
    daemon::delete(&request.db, &request.actor, &row).await?;
    Ok(id)
}
