//! Accounts: what happens to a user together with all that hangs on them. Composes what the domains before it do to one;
//! owns no table. Refuses changes of oneself, of somebody with more power, and of the last owner who may act.

pub(crate) mod graphql;
mod password;

pub(crate) use password::{change_password, reset_password};

use guildhall_entity::id::UserId;
use guildhall_entity::kind::UserStatus;
use sea_orm::sea_query::LockType;

use crate::authz::{Actor, Object, Permission};
use crate::db::Db;
use crate::error::{Refusal, Result};
use crate::{authn, member, user};

/// Takes every permission from a user: refused from the next request on, open streams end. Their sessions end; their API
/// tokens are refused until they are active again.
///
/// # Errors
/// FORBIDDEN without `USER_UPDATE`; refusals for oneself, the last owner, somebody with more power, and who is suspended.
pub(crate) async fn suspend(db: &Db, actor: &Actor, id: UserId) -> Result<()> {
    let tx = db.begin(actor.authorize(Permission::UserUpdate, Object::SITE)?).await?;
    let oneself = "nobody suspends themselves; ask another owner";
    let account = user::decided_over_in(&tx, actor, id, LockType::NoKeyUpdate, oneself).await?;
    if account.row.status == UserStatus::Suspended {
        return Err(Refusal::conflict(&["userId"], "they are suspended already").into());
    }
    let change = user::set_status_in(&tx, &account, UserStatus::Suspended).await?;
    authn::ending::end_all_in(&tx, id, None).await?;
    tx.commit(change).await
}

/// Lets a user act again.
///
/// # Errors
/// FORBIDDEN without `USER_UPDATE`; refusals for oneself, somebody with more power, and who is active.
pub(crate) async fn activate(db: &Db, actor: &Actor, id: UserId) -> Result<()> {
    let tx = db.begin(actor.authorize(Permission::UserUpdate, Object::SITE)?).await?;
    let oneself = "you are active already";
    let account = user::decided_over_in(&tx, actor, id, LockType::NoKeyUpdate, oneself).await?;
    if account.row.status == UserStatus::Active {
        return Err(Refusal::conflict(&["userId"], "they are active already").into());
    }
    let change = user::set_status_in(&tx, &account, UserStatus::Active).await?;
    tx.commit(change).await
}

/// Deletes a user who owns no workspace. Their memberships, places in groups and access lists, sessions and API tokens go;
/// their names are free then; what they made stays.
///
/// # Errors
/// FORBIDDEN without `USER_DELETE`; refusals for oneself, the last owner, the last administrator of an organization,
/// somebody with more power, and who owns workspaces.
pub(crate) async fn delete(db: &Db, actor: &Actor, id: UserId) -> Result<()> {
    let tx = db.begin(actor.authorize(Permission::UserDelete, Object::SITE)?).await?;
    let oneself = "nobody deletes themselves; ask another owner";
    let account = user::decided_over_in(&tx, actor, id, LockType::Update, oneself).await?;
    let mut changes = vec![user::delete_in(&tx, &account).await?];
    changes.extend(member::leave_all_in(&tx, id, &account.row.username).await?);
    authn::ending::end_all_in(&tx, id, None).await?;
    authn::token::revoke_all_in(&tx, id).await?;
    tx.commit_all(changes).await
}
