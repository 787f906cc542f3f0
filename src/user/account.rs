//! A user whom somebody else changes: whoever does so has all the power that they have.

use guildhall_entity::id::{OrganizationId, UserId};
use sea_orm::sea_query::LockType;

use super::{UserRow, store};
use crate::authz::{Actor, PermissionSet, Standing};
use crate::db::Tx;
use crate::error::{Refusal, Result};

/// A user as the transaction that changes them sees them.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) row: UserRow,
    standing: Standing,
}

/// A live user, kept as they are by nobody: for changes to what is theirs.
pub(crate) async fn account_in(tx: &Tx, id: UserId) -> Result<Option<Account>> {
    let found = store::account::find_in(tx, id).await?;
    Ok(found.map(|(row, standing)| Account { row, standing }))
}

/// A live user whom nobody else changes meanwhile and who, with `FOR UPDATE`, gets nothing meanwhile.
pub(crate) async fn locked_in(tx: &Tx, id: UserId, lock: LockType) -> Result<Option<Account>> {
    store::account::lock_in(tx, id, lock).await?;
    account_in(tx, id).await
}

impl Account {
    /// All that they may do to anything at all, in this organization if one is named.
    pub(crate) fn reachable(&self, organization: Option<OrganizationId>) -> PermissionSet {
        self.standing.reachable(organization)
    }

    /// The actor has all that this user holds by roles, on the site and in organizations. Otherwise a password set for
    /// somebody, or a token made for them, would be a way to their power. Everybody has power over themselves.
    ///
    /// # Errors
    /// A refusal that names what the actor lacks.
    pub(crate) fn require_power(&self, actor: &Actor, field: &[&str]) -> Result<(), Refusal> {
        if actor.user_id() == Some(self.row.id) {
            return Ok(());
        }
        let lacking = actor.lacks_of(&self.standing);
        if lacking.is_empty() { Ok(()) } else { Err(Refusal::outranked(field, lacking)) }
    }
}
