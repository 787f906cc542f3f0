//! The daemons that serve an organization.

use serde::Serialize;

use crate::answer::{connection, found};
use crate::tag::Tag;
use crate::{Client, ClientError, DateTime, Id, Page, QueryBuilder, schema};

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
}

/// Whether a daemon is there and busy.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerDaemonStatus {
    /// Unseen for 90 seconds.
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

#[derive(cynic::QueryVariables)]
struct ProvisionerDaemonsVariables {
    organization: Id,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerDaemonsVariables")]
struct ProvisionerDaemons {
    #[arguments(by: { id: $organization })]
    organization: Option<ProvisionerDaemonsOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerDaemonsVariables")]
struct ProvisionerDaemonsOfOrganization {
    #[arguments(first: 100, after: $after, orderBy: NAME_ASC)]
    provisioner_daemons: ProvisionerDaemonConnection,
}

connection!(ProvisionerDaemonConnection, ProvisionerDaemon);

impl Client {
    /// The daemons of an organization, by name.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_daemons(
        &self,
        organization: &Id,
        after: Option<String>,
    ) -> Result<Page<ProvisionerDaemon>, ClientError> {
        let variables = ProvisionerDaemonsVariables { organization: organization.clone(), after };
        let data = self.run_idempotent(ProvisionerDaemons::build(variables)).await?;
        Ok(found(data.organization, "organization", organization.inner())?.provisioner_daemons.into())
    }
}
