//! What a build would cost and leave, before anybody asks for it.

use async_graphql::{Context, ID, Object};
use guildhall_entity::id::{OrganizationId, TemplateVersionId, UserId, WorkspaceId};

use super::Quota;
use crate::authz::{self, Permission};
use crate::error::{Error, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::quota::{self, Basis, Planned, Preview};
use crate::template::version;
use crate::workspace::graphql::WorkspaceTransition;

/// Queries about quotas.
#[derive(Default)]
pub(crate) struct QuotaQuery;

#[Object]
impl QuotaQuery {
    /// What a build would cost a day, and whether the quota would let it pass: of a workspace, or of a new one from a
    /// template version. Null when what is named is missing or not visible. Needs `QUOTA_READ` for the owner, which
    /// everybody has for themselves.
    async fn build_cost_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace; absent for a new one.")] workspace_id: Option<ID>,
        #[graphql(desc = "The version to build; the workspace's own if absent.")] template_version_id: Option<
            ID,
        >,
        #[graphql(
            desc = "What to do; a new workspace is started.",
            default_with = "WorkspaceTransition::Start"
        )]
        transition: WorkspaceTransition,
        #[graphql(desc = "Who is to own a new workspace; the viewer if absent. Not with `workspaceId`.")]
        owner_id: Option<ID>,
    ) -> Nullable<BuildCostPreview> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            let Some(planned) =
                plan(request, workspace_id, template_version_id, transition, owner_id).await?
            else {
                return Ok(None);
            };
            let object = authz::Object::in_organization(planned.organization).owned_by(planned.owner);
            request.require(Permission::QuotaRead, object)?;
            let organization = planned.organization;
            let preview = quota::preview(&request.db, planned).await?;
            Ok(Some(BuildCostPreview { preview, organization }))
        })
        .await
    }
}

async fn plan(
    request: &Request,
    workspace: Option<ID>,
    version: Option<ID>,
    transition: WorkspaceTransition,
    owner: Option<ID>,
) -> Result<Option<Planned>> {
    if workspace.is_some() && owner.is_some() {
        let message = "a workspace has its owner: give `ownerId` for a new one only".to_owned();
        return Err(Error::BadInput { argument: "ownerId", message });
    }
    let whole = match workspace {
        Some(id) => {
            let Ok(id) = id.parse::<WorkspaceId>() else { return Ok(None) };
            let Some(whole) = request.find(id).await? else { return Ok(None) };
            Some(whole)
        }
        None => None,
    };
    let version = match (version, &whole) {
        (Some(id), _) => {
            let Ok(id) = id.parse::<TemplateVersionId>() else { return Ok(None) };
            let Some(row) = request.find(id).await? else { return Ok(None) };
            row
        }
        (None, Some(whole)) => {
            let found = version::referred(&request.db, whole.build.template_version_id).await?;
            let (row, _) = found.ok_or_else(|| Error::internal("a build refers to a missing version"))?;
            row
        }
        (None, None) => {
            let message = "give `workspaceId`, `templateVersionId` or both".to_owned();
            return Err(Error::BadInput { argument: "templateVersionId", message });
        }
    };
    let organization = match &whole {
        Some(whole) => whole.workspace.organization_id,
        None => match request.find(version.template_id).await? {
            Some(template) => template.organization_id,
            None => return Ok(None),
        },
    };
    if whole.as_ref().is_some_and(|whole| whole.template.id != version.template_id) {
        return Ok(None);
    }
    let owner = match (&whole, owner) {
        (Some(whole), _) => whole.workspace.owner_id,
        (None, Some(id)) => match id.parse::<UserId>() {
            Ok(id) => id,
            Err(_) => return Ok(None),
        },
        (None, None) => match request.actor.user_id() {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    let Some(row) = request.find(organization).await? else { return Ok(None) };
    Ok(Some(Planned {
        organization,
        cap: row.quota_cap,
        owner,
        workspace: whole.map(|whole| (whole.workspace.id, whole.build.daily_cost)),
        version: version.id,
        transition: transition.into(),
    }))
}

/// What a build would cost and leave. A forecast from what builds like it have cost; the plan of the build itself decides.
pub(crate) struct BuildCostPreview {
    preview: Preview,
    organization: OrganizationId,
}

/// What a build would cost and leave. A forecast from what builds like it have cost; the plan of the build itself decides.
#[Object]
impl BuildCostPreview {
    /// Credits a day; null when nothing like it has been built.
    async fn cost(&self) -> Option<i32> {
        self.preview.cost.map(|(cost, _)| cost)
    }

    /// Where the cost is known from; null when it is not.
    async fn basis(&self) -> Option<Basis> {
        self.preview.cost.map(|(_, basis)| basis)
    }

    /// Credits a day that the workspace costs now; 0 for a new one.
    async fn current_cost(&self) -> i32 {
        self.preview.current
    }

    /// The owner's quota without this workspace.
    async fn owner_quota(&self) -> Quota {
        Quota(self.preview.owner)
    }

    /// The organization's quota without this workspace; null for those whose role reads no quotas.
    async fn organization_quota(&self, ctx: &Context<'_>) -> Option<Quota> {
        let object = authz::Object::in_organization(self.organization);
        ctx.request().actor.may(Permission::QuotaRead, object).then_some(Quota(self.preview.organization))
    }

    /// Whether the quota would let it pass; null when the cost is not known.
    async fn accepted(&self) -> Option<bool> {
        self.preview.accepted()
    }
}
