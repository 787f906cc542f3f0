//! What jobs load for all of a page at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use guildhall_entity::id::{OrganizationId, ProvisionerJobId};

use crate::error::{Error, Result};
use crate::graphql::context::Loaders;
use crate::provisioner::pending::Place;
use crate::provisioner::{DaemonRow, JobRow, store};

/// The rest of a job whose card something visible carries along.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Met(pub(super) ProvisionerJobId);

#[async_trait::async_trait]
impl Loader<Met> for Loaders {
    type Value = JobRow;
    type Error = Error;

    async fn load(&self, keys: &[Met]) -> Result<HashMap<Met, JobRow>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = store::job::met(&self.db, &ids).await?;
        Ok(rows.into_iter().map(|row| (Met(row.id), row)).collect())
    }
}

/// The place of a waiting job.
#[derive(Clone)]
pub(super) struct PositionOf(pub(super) Arc<JobRow>);

impl PartialEq for PositionOf {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for PositionOf {}

impl std::hash::Hash for PositionOf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

#[async_trait::async_trait]
impl Loader<PositionOf> for Loaders {
    type Value = Place;
    type Error = Error;

    async fn load(&self, keys: &[PositionOf]) -> Result<HashMap<PositionOf, Place>> {
        let jobs: Vec<JobRow> = keys.iter().map(|key| key.0.as_ref().clone()).collect();
        let places: HashMap<ProvisionerJobId, Place> =
            store::queue::positions(&self.db, &jobs).await?.into_iter().collect();
        Ok(keys.iter().filter_map(|key| places.get(&key.0.id).map(|&place| (key.clone(), place))).collect())
    }
}

/// All daemons of an organization.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct DaemonsOf(pub(super) OrganizationId);

#[async_trait::async_trait]
impl Loader<DaemonsOf> for Loaders {
    type Value = Arc<Vec<DaemonRow>>;
    type Error = Error;

    async fn load(&self, keys: &[DaemonsOf]) -> Result<HashMap<DaemonsOf, Self::Value>> {
        let organizations: Vec<_> = keys.iter().map(|key| key.0).collect();
        let mut by_organization: HashMap<OrganizationId, Vec<DaemonRow>> = HashMap::new();
        for row in store::daemon::of_organizations(&self.db, &organizations).await? {
            by_organization.entry(row.daemon.organization_id).or_default().push(row);
        }
        let of = |key: &DaemonsOf| (*key, Arc::new(by_organization.remove(&key.0).unwrap_or_default()));
        Ok(keys.iter().map(of).collect())
    }
}
