//! What whoever asks may do to something.

use crate::answer::found;
use crate::{Client, ClientError, Id, Permission, QueryBuilder, schema};

#[derive(cynic::QueryVariables)]
pub(crate) struct ViewerCanVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ViewerCanVariables")]
pub(crate) struct ViewerCan {
    #[arguments(id: $id)]
    node: Option<NodeWithPermissions>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum NodeWithPermissions {
    Organization(OnOrganization),
    Group(OnGroup),
    Template(OnTemplate),
    Workspace(OnWorkspace),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization")]
struct OnOrganization {
    viewer_can: Vec<Permission>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Group")]
struct OnGroup {
    viewer_can: Vec<Permission>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Template")]
struct OnTemplate {
    viewer_can: Vec<Permission>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Workspace")]
struct OnWorkspace {
    viewer_can: Vec<Permission>,
}

impl Client {
    /// What the token may do to an organization, group, template or workspace.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing, not visible or something else, else as [`Client::run`].
    pub async fn viewer_can(&self, id: &Id) -> Result<Vec<Permission>, ClientError> {
        let data = self.run_idempotent(ViewerCan::build(ViewerCanVariables { id: id.clone() })).await?;
        let permissions = match data.node {
            Some(NodeWithPermissions::Organization(one)) => Some(one.viewer_can),
            Some(NodeWithPermissions::Group(one)) => Some(one.viewer_can),
            Some(NodeWithPermissions::Template(one)) => Some(one.viewer_can),
            Some(NodeWithPermissions::Workspace(one)) => Some(one.viewer_can),
            Some(NodeWithPermissions::Other) | None => None,
        };
        found(permissions, "organization, group, template or workspace", id.inner())
    }
}
