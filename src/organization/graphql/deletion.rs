//! What keeps an organization from being deleted.

use std::collections::HashMap;

use async_graphql::Object;
use async_graphql::dataloader::Loader;
use guildhall_entity::id::OrganizationId;

use crate::error::{Contents, Error, Result};
use crate::graphql::context::{Loaders, Request};
use crate::organization::OrganizationRow;

/// What keeps an organization from being deleted.
pub(crate) struct DeletionImpact {
    contents: Contents,
    is_default: bool,
}

impl DeletionImpact {
    pub(super) async fn of(request: &Request, row: &OrganizationRow) -> Result<Self> {
        let contents = request.load(ContentsOf(row.id)).await?.unwrap_or_default();
        Ok(Self { contents, is_default: row.is_default })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ContentsOf(OrganizationId);

#[async_trait::async_trait]
impl Loader<ContentsOf> for Loaders {
    type Value = Contents;
    type Error = Error;

    async fn load(&self, keys: &[ContentsOf]) -> Result<HashMap<ContentsOf, Contents>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let contents = crate::organization::contents_of(&self.db, &self.actor, &ids).await?;
        Ok(contents.into_iter().map(|(id, contents)| (ContentsOf(id), contents)).collect())
    }
}

/// What keeps an organization from being deleted: all five counts must be 0, and it must not be the default one.
#[Object(name = "OrganizationDeletionImpact")]
impl DeletionImpact {
    /// Whether `deleteOrganization` would do it now.
    async fn is_deletable(&self) -> bool {
        !self.is_default && self.contents.is_empty()
    }

    /// How many live workspaces are in it.
    async fn workspaces(&self) -> i64 {
        self.contents.workspaces
    }

    /// How many templates.
    async fn templates(&self) -> i64 {
        self.contents.templates
    }

    /// How many provisioner keys.
    async fn provisioner_keys(&self) -> i64 {
        self.contents.provisioner_keys
    }

    /// How many groups besides Everyone.
    async fn groups(&self) -> i64 {
        self.contents.groups
    }

    /// How many members besides the viewer.
    async fn members(&self) -> i64 {
        self.contents.members
    }
}
