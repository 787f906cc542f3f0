//! Options that name what a permission is about.

use clap::Args;
use guildhall_client::{Client, Id};

use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::{groups, templates, workspaces};

/// A thing in an organization, or the organization itself.
#[derive(Debug, Args)]
pub(crate) struct Object {
    /// A template: NAME or ORG/NAME
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["group", "workspace"])]
    template: Option<Scoped>,
    /// A group: NAME or ORG/NAME
    #[arg(long, value_name = "GROUP", conflicts_with = "workspace")]
    group: Option<Scoped>,
    /// A workspace: NAME or ORG/NAME
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<Scoped>,
    /// The organization that it is in; alone, the organization itself
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    org: Option<String>,
}

impl Object {
    /// Its id; `None` where nothing is named.
    pub(crate) async fn id(&self, client: &Client) -> Result<Option<Id>, Failure> {
        let organization = InOrganization::of(self.org.clone());
        Ok(match (&self.template, &self.group, &self.workspace, &self.org) {
            (Some(template), ..) => Some(templates::find(client, template, &organization).await?.id),
            (_, Some(group), ..) => Some(groups::find(client, group, &organization).await?.id),
            (_, _, Some(name), _) => {
                Some(workspaces::Which::of(name.clone(), organization).find(client).await?.id)
            }
            (.., Some(organization)) => Some(client.organization(organization).await?.id),
            _ => None,
        })
    }
}
