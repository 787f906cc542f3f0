//! How many workspaces of one template somebody may have.

use guildhall_entity::id::{OrganizationId, UserId};

use super::store::limit as store;
use crate::db::Tx;
use crate::error::{Error, Refusal, Result};
use crate::template::SettingsRow;

/// Asks whether somebody may get so many more workspaces of a template; whoever asks at the same time waits for the outcome.
///
/// # Errors
/// A refusal when they would have more than the template allows.
pub(super) async fn keep_in(
    tx: &Tx,
    settings: &SettingsRow,
    organization: OrganizationId,
    owner: UserId,
    (more, field): (usize, &str),
) -> Result<()> {
    let Some(limit) = settings.max_workspaces_per_user else { return Ok(()) };
    store::lock_owner_in(tx, organization, owner).await?;
    let count = store::count_in(tx, settings.id, owner).await?;
    let more = i64::try_from(more).map_err(Error::internal)?;
    if count + more <= i64::from(limit) {
        return Ok(());
    }
    let template = settings.id;
    let message = format!(
        "the template {template} allows {limit} workspaces a person, and the owner has {count} and would get {more} more: delete \
         some of them first"
    );
    Err(Refusal::conflict(&[field], message).into())
}
