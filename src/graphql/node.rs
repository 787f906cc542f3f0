//! `node`, `nodes` and the deployment.

use async_graphql::{Context, ID, Interface, Object};
use guildhall_entity::id::{
    ApiTokenId, AuditLogId, FileId, GroupId, OrganizationId, ProvisionerDaemonId, ProvisionerJobId,
    ProvisionerKeyId, RoleId, SessionId, TemplateDryRunId, TemplateId, TemplateVersionId, TypedId, UserId,
    WorkspaceBuildId, WorkspaceId, prefix,
};

use super::context::{Ask, Request};
use super::error::{Nullable, nullable};
use crate::audit_log::graphql::AuditLogEntry;
use crate::authn::graphql::{ApiToken, Session};
use crate::error::{Error, Result};
use crate::group::graphql::Group;
use crate::organization::graphql::Organization;
use crate::provisioner::graphql::{ProvisionerDaemon, ProvisionerJob, ProvisionerKey};
use crate::role::graphql::Role;
use crate::template::graphql::{File, Template, TemplateVersion, TemplateVersionDryRun};
use crate::user;
use crate::user::graphql::User;
use crate::workspace::graphql::{Workspace, WorkspaceBuild};

/// Something with an id.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global and opaque; its prefix tells the type."))]
pub(crate) enum Node {
    AuditLogEntry(AuditLogEntry),
    Organization(Organization),
    User(User),
    Session(Session),
    ApiToken(ApiToken),
    Group(Group),
    Role(Role),
    ProvisionerKey(ProvisionerKey),
    ProvisionerDaemon(ProvisionerDaemon),
    ProvisionerJob(ProvisionerJob),
    File(File),
    Template(Template),
    TemplateVersion(TemplateVersion),
    TemplateVersionDryRun(TemplateVersionDryRun),
    Workspace(Workspace),
    WorkspaceBuild(WorkspaceBuild),
}

/// The most ids in one call of `nodes`.
const NODES_MAX: usize = 100;

/// `node` and `nodes`.
#[derive(Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The thing of an id; null when it is missing or not visible, and for anything that is no id.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Nullable<Node> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            find(request, &id).await
        })
        .await
    }

    /// The things of some ids, in the order asked, null where missing or not visible.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        let request = ctx.request();
        request.signed_in()?;
        if ids.len() > NODES_MAX {
            let message = format!("`ids` has at most {NODES_MAX} entries, got {}", ids.len());
            return Err(Error::BadInput { argument: "ids", message });
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find(request, id))).await
    }
}

/// The thing of an id, as whoever asks can see it.
pub(super) async fn find(request: &Request, id: &str) -> Result<Option<Node>> {
    // Built-in roles have ids, but no rows.
    if prefix(id) == Some(RoleId::PREFIX) {
        let Ok(id) = id.parse() else { return Ok(None) };
        return Ok(Role::find(request, id).await?.map(Node::Role));
    }
    macro_rules! by_prefix {
        ($($id:ty => $node:ident),* $(,)?) => {
            match prefix(id) {
                $(Some(<$id as TypedId>::PREFIX) => match id.parse::<$id>() {
                    Ok(id) => request.find(id).await?.map(|row| Node::$node(row.into())),
                    Err(_) => None,
                },)*
                _ => None,
            }
        };
    }
    Ok(by_prefix! {
        AuditLogId => AuditLogEntry,
        OrganizationId => Organization,
        UserId => User,
        SessionId => Session,
        ApiTokenId => ApiToken,
        GroupId => Group,
        ProvisionerKeyId => ProvisionerKey,
        ProvisionerDaemonId => ProvisionerDaemon,
        ProvisionerJobId => ProvisionerJob,
        FileId => File,
        TemplateId => Template,
        TemplateVersionId => TemplateVersion,
        TemplateDryRunId => TemplateVersionDryRun,
        WorkspaceId => Workspace,
        WorkspaceBuildId => WorkspaceBuild,
    })
}

/// The deployment.
#[derive(Default)]
pub(crate) struct DeploymentQuery;

#[Object]
impl DeploymentQuery {
    /// The deployment; anybody may ask.
    async fn deployment(&self) -> Deployment {
        Deployment
    }
}

/// What anybody may know of the deployment.
pub(crate) struct Deployment;

/// What anybody may know of the deployment.
#[Object]
impl Deployment {
    /// The server's version.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Whether it waits for its first user.
    async fn setup_required(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(!user::an_owner_exists(&ctx.request().db).await?)
    }
}
