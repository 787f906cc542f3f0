//! How many workspaces of one template somebody may have.

use guildhall_entity::id::{OrganizationId, UserId};

use super::store::limit as store;
use crate::db::Tx;
use crate::error::{Refusal, Result};
use crate::template::SettingsRow;

/// Asks whether somebody may get another workspace of a template; whoever asks at the same time waits for the outcome.
///
/// # Errors
/// A refusal when they have as many as the template allows.
pub(super) async fn keep_in(
    tx: &Tx,
    settings: &SettingsRow,
    organization: OrganizationId,
    owner: UserId,
) -> Result<()> {
    let Some(limit) = settings.max_workspaces_per_user else { return Ok(()) };
    store::lock_owner_in(tx, organization, owner).await?;
    let count = store::count_in(tx, settings.id, owner).await?;
    if count < i64::from(limit) {
        return Ok(());
    }
    let message = format!(
        "the template allows {limit} workspaces a person, and the owner has {count}: delete one of them first"
    );
    Err(Refusal::conflict(&["templateId"], message).into())
}
