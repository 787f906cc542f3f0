//! How daemons look.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use guildhall_entity::json::Engine;

use super::{Tag, tags};
use crate::error::Result;
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::provisioner::{DaemonList, DaemonRow, Status};

/// Whether a daemon is at work.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status", name = "ProvisionerDaemonStatus")]
pub(crate) enum DaemonStatus {
    /// Unseen for 90 seconds.
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
