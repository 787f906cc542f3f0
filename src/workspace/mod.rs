//! Workspaces and their builds, and the Terraform state of each build. Owns the tables `workspace`, `workspace_build`,
//! `terraform_state` and `terraform_state_lock`. Refuses a second active build, values that the template does not take,
//! a start of what is dormant, and state from a Terraform that does not hold the lock.

pub(crate) mod build;
pub(crate) mod change;
pub(crate) mod event;
pub(crate) mod graphql;
mod limit;
pub(crate) mod owner;
pub(crate) mod reseal;
pub(crate) mod restart;
mod schedule;
pub(crate) mod scheduler;
pub(crate) mod state;
mod store;
mod times;
mod upkeep;

pub(crate) use store::build::{BuildFilter, BuildList, BuildOrder, BuildRow};
pub(crate) use store::workspace::{Filter, WorkspaceList, WorkspaceOrder, WorkspaceRow, join_latest_build};

use std::sync::Arc;

use guildhall_entity::id::{UserId, WorkspaceBuildId, WorkspaceId};
use guildhall_entity::kind::{BuildReason, Transition};
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Denied, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::Slug;
use crate::seal::Sealer;
pub(crate) use crate::template::parameter::Given;
use crate::template::{TemplateRow, VersionContent, VersionRow, access, parameter, settings};
use build::NewBuild;

/// A workspace to be made.
pub(crate) struct NewWorkspace {
    pub(crate) name: Slug,
    pub(crate) owner: Option<UserId>,
    pub(crate) template: TemplateRow,
    pub(crate) version: (VersionRow, std::sync::Arc<VersionContent>),
    pub(crate) parameters: Vec<Given>,
}

/// Creates a workspace and queues its first build.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_CREATE` (on one's own or in the organization) or `TEMPLATE_USE`; refusals for a name in
/// use, an owner who is no member, values that the template does not take, and what the template's settings forbid.
pub(crate) async fn create(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    new: NewWorkspace,
) -> Result<(WorkspaceId, WorkspaceBuildId)> {
    let organization = new.template.organization_id;
    let creator = actor.user_id().ok_or(Denied::Lacking(Permission::WorkspaceCreate))?;
    let owner = new.owner.unwrap_or(creator);
    let permit = actor
        .authorize(Permission::WorkspaceCreate, Object::in_organization(organization).owned_by(owner))?;
    actor.require(Permission::TemplateUse, access::object(db, actor, &new.template).await?)?;
    let parameters = parameter::check(&new.version.1.variables, new.parameters, None)?;
    let mut tx = db.begin(permit).await?;
    let settings =
        settings::admit_in(&tx, new.template.id, new.version.0.id, settings::Making::Workspace).await?;
    let username = store::change::member_in(&tx, organization, owner).await?;
    let username = username.ok_or_else(|| Refusal::not_found(&["ownerId"], "member of the organization"))?;
    limit::keep_in(&tx, &settings, organization, owner, (1, "templateId")).await?;
    let id: WorkspaceId = tx.clock().id();
    let name = String::from(new.name);
    let after = facts(json!({
        "name": name, "owner": named(&username, owner), "template": named(&new.template.name, new.template.id),
        "templateVersion": named(&new.version.0.name, new.version.0.id),
    }));
    store::change::insert_in(&tx, id, organization, owner, new.template.id, &name)
        .await
        .on_violation("uq_workspace_name", || Refusal::name_taken(&["name"], "workspace", &name))?;
    let build: WorkspaceBuildId = tx.clock().id();
    let first = NewBuild {
        id: build,
        workspace: id,
        organization,
        owner,
        version: new.version.0.id,
        transition: Transition::Start,
        reason: BuildReason::Initiator,
        initiator: actor.user_id(),
        values: build::keep(sealer, build, parameters)?,
    };
    build::insert_in(&mut tx, first).await?;
    let change =
        Change::new(Action::Create, Resource::Workspace, Some(organization), id, name, &Facts::new(), &after);
    tx.commit(change).await?;
    Ok((id, build))
}

/// A live workspace as it is now, and as it stays until the transaction ends.
///
/// # Errors
/// A refusal when it has gone since it was found.
async fn lock_in(tx: &Tx, workspace: WorkspaceId) -> Result<WorkspaceRow> {
    let row = store::change::lock_in(tx, workspace).await?;
    row.ok_or_else(|| Refusal::not_found(&["workspaceId"], "workspace").into())
}

/// Whole seconds, as far as the API can say them.
fn milliseconds_to_seconds(milliseconds: i64) -> i32 {
    i32::try_from(milliseconds / 1000).unwrap_or(i32::MAX)
}

/// Finds a workspace that the actor can see.
pub(crate) async fn find(
    db: &Db,
    actor: &Actor,
    id: WorkspaceId,
) -> Result<Option<Arc<store::workspace::Whole>>> {
    db.find(actor, id).await
}
