//! The audit log as it is read, what else comes into it than changes, and how it ends. `audit.rs` writes the rows of
//! changes; here are the denied writes and failed sign-ins, which have no transaction to be part of.

pub(crate) mod graphql;
pub(crate) mod retention;
mod store;

pub(crate) use store::{AuditFilter, AuditList, AuditOrder, AuditRow};

use guildhall_entity::id::UserId;

use crate::audit::Attempt;
use crate::authz::policy::System;
use crate::authz::{Actor, Denied, Object, Origin, Permission};
use crate::db::{Db, Unaudited};

/// Notes a write that the policy denied, in a transaction of its own. The same denial of the same actor is noted once a
/// minute, and of all together so many, so that nobody can fill the disk.
pub(crate) async fn note_denial(db: &Db, actor: &Actor, denied: &Denied) {
    let Some((permission, organization)) = denied.lacking() else { return };
    let place = organization.map_or_else(String::new, |id| id.to_string());
    let who = format!("{:?} {permission} {place}", actor.identity());
    note(db, &who, Attempt::denied(actor, permission, organization)).await;
}

/// Notes a sign-in that failed, for an account that there is. What was typed is never kept: people type passwords into
/// the wrong field.
pub(crate) async fn note_failed_sign_in(db: &Db, origin: &Origin, account: Option<(UserId, &str)>) {
    let Some((id, username)) = account else { return };
    let who = format!("sign-in {id} {:?}", origin.ip);
    let actor = Actor::anonymous(origin.clone());
    note(db, &who, Attempt::failed_sign_in(&actor, id, username)).await;
}

async fn note(db: &Db, who: &str, attempt: Attempt<'_>) {
    if !db.attempts().allows(who, db.clock().now()) {
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
