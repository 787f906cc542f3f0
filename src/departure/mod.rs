//! When somebody leaves an organization: what becomes of their workspaces, in the transaction that ends the membership.
//! Owns no table; composes members, workspaces and quotas. Refuses a transfer that would exceed the new owner's budget or
//! give them two workspaces of one name, and to take down what is just being built.

pub(crate) mod graphql;
mod store;

pub(crate) use store::Impact;

use guildhall_entity::id::{OrganizationId, UserId, WorkspaceId};
use guildhall_entity::kind::Transition;
use serde_json::json;

use crate::audit::{facts, named};
use crate::authz::{Actor, Object, Permission};
use crate::db::{Db, Tx};
use crate::error::{Refusal, Result};
use crate::seal::Sealer;
use crate::workspace::owner;
use crate::{group, member, quota};

/// What becomes of the workspaces of somebody who leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// They stay as they are, the leaver's; whoever leaves sees them no more.
    Keep,
    /// They become this member's.
    Transfer(UserId),
    /// They stay the leaver's, and are stopped.
    Stop,
    /// They are destroyed.
    Delete,
}

impl Disposition {
    /// As it stands in the log.
    fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "KEEP",
            Self::Transfer(_) => "TRANSFER",
            Self::Stop => "STOP",
            Self::Delete => "DELETE",
        }
    }

    /// What it needs besides `MEMBER_DELETE`.
    fn needs(self) -> Option<Permission> {
        match self {
            Self::Keep => None,
            Self::Transfer(_) => Some(Permission::WorkspaceUpdate),
            Self::Stop => Some(Permission::WorkspaceStop),
            Self::Delete => Some(Permission::WorkspaceDelete),
        }
    }
}

/// Removes a member, their place in groups and their entries in access lists. Answers the workspaces that were given away
/// or whose build was queued: all that, or nothing, in one transaction.
///
/// # Errors
/// FORBIDDEN without `MEMBER_DELETE`; refusals for somebody who is no member, for oneself, for the last administrator, and
/// for what can't become of the workspaces.
pub(crate) async fn remove(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    (organization, user): (OrganizationId, UserId),
    disposition: Disposition,
) -> Result<Vec<WorkspaceId>> {
    let object = Object::in_organization(organization);
    let permit = actor.authorize(Permission::MemberDelete, object)?;
    let (_, person) = member::get(db, actor, organization, user).await?;
    if actor.user_id() == Some(user) {
        let message = "nobody removes themselves; ask another administrator";
        return Err(Refusal::conflict(&["userId"], message).into());
    }
    if let Some(lacking) = disposition.needs().filter(|&needed| !actor.may(needed, object)) {
        return Err(Refusal::lacking(&["workspaces"], lacking).into());
    }
    let mut tx = db.begin(permit).await?;
    // Whoever is to take the workspaces stays.
    member::lock_roles_in(&tx, organization).await?;
    let lost = facts(json!({ "groups": group::names_in(&tx, organization, user).await? }));
    let mut becomes = facts(json!({ "workspaces": disposition.as_str() }));
    let mut heir = String::new();
    if let Disposition::Transfer(to) = disposition {
        let name = member::name_in(&tx, organization, to).await?.filter(|_| to != user);
        heir = name.ok_or_else(|| Refusal::not_found(&["transferToUserId"], "other member"))?;
        becomes.insert("transferredTo".into(), named(&heir, to).into());
    }
    // The membership first: whoever makes a workspace for this person at the same moment comes before, or finds no member.
    let gone = member::delete_in(&tx, (organization, user), &person.username, (lost, &becomes)).await?;
    let mut changes = vec![gone];
    let take_down = async |tx: &mut Tx, transition| {
        let theirs = (organization, user);
        owner::take_down_in(tx, db, sealer, actor.user_id(), theirs, transition).await
    };
    let (mut touched, more) = match disposition {
        Disposition::Keep => (Vec::new(), Vec::new()),
        Disposition::Transfer(to) => {
            if let Some(refusal) = quota::taken_over_in(&tx, organization, user, to).await? {
                return Err(Refusal::quota_exceeded(&["transferToUserId"], refusal).into());
            }
            let held = owner::held_in(&tx, organization, user).await?;
            owner::transfer_in(&mut tx, &held, &person.username, (to, &heir)).await?
        }
        Disposition::Stop => take_down(&mut tx, Transition::Stop).await?,
        Disposition::Delete => take_down(&mut tx, Transition::Delete).await?,
    };
    changes.extend(more);
    tx.commit_all(changes).await?;
    touched.sort_unstable();
    Ok(touched)
}

/// What the removal of members would change, in the order asked.
pub(crate) async fn impacts(
    db: &Db,
    members: &[(OrganizationId, UserId)],
) -> Result<Vec<((OrganizationId, UserId), Impact)>> {
    store::impacts(db, members).await
}
