//! The audit log as it is read, what else comes into it than changes, and how it ends. `audit.rs` writes the rows of
//! changes; here are the denied writes and failed sign-ins, which have no transaction to be part of.

pub(crate) mod graphql;
pub(crate) mod retention;
mod store;

pub(crate) use store::{AuditFilter, AuditList, AuditOrder, AuditRow};

use guildhall_entity::id::{OrganizationId, UserId};

use crate::audit::{Action, Attempt, Target};
use crate::authz::policy::System;
use crate::authz::{Actor, Denied, Object, Origin, Permission, Reach, Resource};
use crate::db::{Db, Unaudited};

/// An empty log says that nothing happened: whoever may read none is told so instead.
///
/// # Errors
/// FORBIDDEN for those who may read the log of no organization.
pub(crate) fn require_some(actor: &Actor) -> Result<(), Denied> {
    match actor.reach(Permission::AuditLogRead) {
        Reach::Some { organizations, .. } if organizations.is_empty() => {
            Err(Denied::Lacking(Permission::AuditLogRead))
        }
        _ => Ok(()),
    }
}

/// Notes a write that the policy denied, or that was refused because its author lacks a permission, in a transaction of its
/// own. `tried` is what they would have done. The same denial of the same actor on the same thing is noted once a minute,
/// and of each actor and of all together so many, so that nobody can fill the disk.
pub(crate) async fn note_denial(
    db: &Db,
    actor: &Actor,
    (permission, organization): (Permission, Option<OrganizationId>),
    (tried, target): (Option<(Action, Resource)>, Option<Target>),
) {
    let organization = organization.or(target.as_ref().and_then(|target| target.organization));
    let place = organization.map_or_else(String::new, |id| id.to_string());
    let what = target.as_ref().map(|target| target.about);
    let who = format!("{:?}", actor.identity());
    let kind = format!("{permission} {tried:?} {place} {what:?}");
    note(db, (&who, &kind), Attempt::denied(actor, permission, organization, (tried, target))).await;
}

/// Notes a sign-in that failed, for an account that there is. What was typed is never kept: people type passwords into
/// the wrong field.
pub(crate) async fn note_failed_sign_in(db: &Db, origin: &Origin, account: Option<(UserId, &str)>) {
    let Some((id, username)) = account else { return };
    let (who, kind) = (format!("{:?}", origin.ip), format!("sign-in {id}"));
    let actor = Actor::anonymous(origin.clone());
    note(db, (&who, &kind), Attempt::failed_sign_in(&actor, id, username)).await;
}

async fn note(db: &Db, (who, kind): (&str, &str), attempt: Attempt<'_>) {
    if !db.attempts().allows(who, kind, db.clock().now()) {
        return;
    }
    let noted = async {
        let keeper = Actor::system(System::AuditLog, attempt.origin().clone());
        let mut tx = db.begin(keeper.authorize(Permission::AuditLogRead, Object::SITE)?).await?;
        tx.note_attempt(&attempt).await?;
        tx.commit_unaudited(Unaudited::AuditLog).await
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, "could not note an attempt in the audit log");
    }
}
