//! The daemons that serve an organization.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::provisioner_job::{ProvisionerJobState, ProvisionerJobType};
use crate::tag::Tag;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A daemon that runs or ran jobs of an organization.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerDaemon {
    /// `pd_…`.
    pub id: Id,
    /// Name that it gave itself, by default its host.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether that is the server's.
    pub version_matches: bool,
    /// What it can run.
    pub engines: Vec<ProvisionerEngine>,
    /// The tags of its key.
    pub tags: Vec<Tag>,
    /// Whether it is there and busy.
    pub status: ProvisionerDaemonStatus,
    /// Last sign of life.
    pub last_seen_at: DateTime,
    /// Its key; `None` for one that runs inside the server.
    pub key_name: Option<String>,
    /// What it works on.
    pub current_jobs: Vec<JobRef>,
    /// What it ended last.
    pub last_job: Option<JobRef>,
}

/// A job as its daemon names it.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[cynic(graphql_type = "ProvisionerJob")]
#[serde(rename_all = "camelCase")]
pub struct JobRef {
    /// `job_…`.
    pub id: Id,
    /// What it does.
    #[cynic(rename = "type")]
    pub r#type: ProvisionerJobType,
    /// How far it is.
    pub state: ProvisionerJobState,
}

/// Whether a daemon is there and busy.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerDaemonStatus {
    /// Signed off, unseen for 90 seconds, or with a key that is disabled or has expired.
    Offline,
    /// Runs a job.
    Busy,
    /// Waits for a job.
    Idle,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// What runs a template.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerEngine {
    /// Terraform or OpenTofu.
    Terraform,
    /// Nothing: for trying Guildhall out.
    Echo,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

#[derive(cynic::InputObject)]
struct DeleteProvisionerDaemonInput {
    provisioner_daemon_id: Id,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteProvisionerDaemonVariables {
    input: DeleteProvisionerDaemonInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteProvisionerDaemonVariables")]
pub(crate) struct DeleteProvisionerDaemon {
    #[arguments(input: $input)]
    delete_provisioner_daemon: Option<DeleteProvisionerDaemonPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteProvisionerDaemonPayload {
    deleted_provisioner_daemon_id: Option<Id>,
    user_errors: Vec<UserError>,
}

/// Which daemons; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct ProvisionerDaemonFilter {
    /// Of this status.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub status: Option<ProvisionerDaemonStatus>,
}

/// An order of daemons.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionerDaemonOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ProvisionerDaemonsVariables {
    organization: Id,
    filter: ProvisionerDaemonFilter,
    order: ProvisionerDaemonOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerDaemonsVariables")]
pub(crate) struct ProvisionerDaemons {
    #[arguments(by: { id: $organization })]
    organization: Option<ProvisionerDaemonsOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerDaemonsVariables")]
struct ProvisionerDaemonsOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    provisioner_daemons: ProvisionerDaemonConnection,
}

connection!(ProvisionerDaemonConnection, ProvisionerDaemon);

impl Client {
    /// The daemons of an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_daemons(
        &self,
        organization: &Id,
        filter: &ProvisionerDaemonFilter,
        order: ProvisionerDaemonOrder,
        after: Option<String>,
    ) -> Result<Page<ProvisionerDaemon>, ClientError> {
        let variables = ProvisionerDaemonsVariables {
            organization: organization.clone(),
            filter: filter.clone(),
            order,
            after,
        };
        let data = self.run_idempotent(ProvisionerDaemons::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.provisioner_daemons.into())
    }

    /// Forgets a daemon that is offline; answers which.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for one that is there, else as [`Client::run`].
    pub async fn delete_provisioner_daemon(&self, daemon: &Id) -> Result<Id, ClientError> {
        let input = DeleteProvisionerDaemonInput { provisioner_daemon_id: daemon.clone() };
        let variables = DeleteProvisionerDaemonVariables { input };
        let data = self.run(DeleteProvisionerDaemon::build(variables)).await?;
        accepted(
            data.delete_provisioner_daemon
                .map(|payload| (payload.deleted_provisioner_daemon_id, payload.user_errors)),
        )
    }
}
