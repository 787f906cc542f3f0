//! Restarts: a stop and the start after it as one promise. The start is kept with the stop, and queued in the transaction
//! that ends it: whatever dies in between, both happen or the start does not.

use guildhall_entity::id::{WorkspaceBuildId, WorkspaceId};
use guildhall_entity::kind::{BuildReason, Transition};

use super::build::{self, NewBuild, Target};
use super::store::restart::{self as store, RestartRow};
use super::{BuildRow, Given, WorkspaceRow};
use crate::audit::{Action, named};
use crate::authz::{Actor, Object, Permission};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::seal::Sealer;
use crate::template::parameter::{self, Kept};
use crate::template::settings::{self, Making};
use crate::template::{VersionContent, VersionRow};

/// Queues a stop, and promises a start for when it has succeeded; answers the stop.
///
/// # Errors
/// FORBIDDEN without `WORKSPACE_STOP` and `WORKSPACE_START`; refusals while a build is active, while the workspace is
/// dormant, for values that the version to start does not take and for what the template's settings forbid.
pub(crate) async fn create(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    (workspace, latest): (&WorkspaceRow, &BuildRow),
    (old, old_content): (&VersionRow, &VersionContent),
    (new, new_content): (&VersionRow, &VersionContent),
    given: Vec<Given>,
) -> Result<WorkspaceBuildId> {
    let organization = workspace.organization_id;
    let object = Object::in_organization(organization).owned_by(workspace.owner_id);
    actor.require(Permission::WorkspaceStart, object)?;
    let permit = actor.authorize(Permission::WorkspaceStop, object)?;
    let before = build::values(db, sealer, latest.id).await?;
    let to_stop = parameter::check(&old_content.variables, Vec::new(), Some(before.clone()))?;
    let to_start = parameter::check(&new_content.variables, given, Some(before))?;
    let mut tx = db.begin(permit).await?;
    let workspace = super::lock_in(&tx, workspace.id).await?;
    settings::admit_in(&tx, new.template_id, new.id, Making::Start).await?;
    build::awake(&workspace)?;
    super::store::change::touch_in(&tx, workspace.id).await?;
    let (stop, start): (WorkspaceBuildId, WorkspaceBuildId) = (tx.clock().id(), tx.clock().id());
    let values = build::keep(sealer, start, to_start)?;
    let next = RestartRow {
        next_build_id: start,
        organization_id: organization,
        template_version_id: new.id,
        initiator_id: actor.user_id(),
        parameters: values.open,
        sealed_parameters: values.sealed,
        ephemeral_parameters: values.ephemeral,
    };
    let first = NewBuild {
        id: stop,
        workspace: workspace.id,
        organization,
        owner: workspace.owner_id,
        version: old.id,
        transition: Transition::Stop,
        reason: BuildReason::Initiator,
        initiator: actor.user_id(),
        values: build::keep(sealer, stop, to_stop)?,
    };
    build::insert_in(&mut tx, first).await?;
    store::insert_in(&tx, stop, next).await?;
    tx.commit(build::queued(Action::Restart, &workspace, stop, &named(&new.name, new.id))).await?;
    Ok(stop)
}

/// Takes back what was promised for when a stop has ended.
pub(super) async fn forget_in(tx: &Tx, stop: WorkspaceBuildId) -> Result<()> {
    store::take_in(tx, stop).await.map(drop)
}

/// Queues the start that was promised, inside the transaction that ends the stop; not for an owner who may not act any more,
/// as a start by schedule would not.
pub(super) async fn go_on_in(tx: &mut Tx, stop: &Target, next: RestartRow) -> Result<()> {
    let workspace: WorkspaceId = stop.workspace;
    let gone = || Error::internal(format!("{workspace} was stopped, but is not there"));
    let row = super::store::change::lock_in(tx, workspace).await?.ok_or_else(gone)?;
    if !super::store::due::owner_acts_in(tx, stop.organization, row.owner_id).await? {
        return Ok(());
    }
    let start = NewBuild {
        id: next.next_build_id,
        workspace,
        organization: stop.organization,
        owner: row.owner_id,
        version: next.template_version_id,
        transition: Transition::Start,
        reason: BuildReason::Initiator,
        initiator: next.initiator_id,
        values: Kept {
            open: next.parameters,
            sealed: next.sealed_parameters,
            ephemeral: next.ephemeral_parameters,
        },
    };
    build::insert_in(tx, start).await.map(drop)
}
