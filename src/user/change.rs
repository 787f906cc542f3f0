//! Changes to users that are about them alone: who they are, whether they may act, which site roles they hold. Whoever
//! decides over an owner waits for the others who do, so that one is always left.

use guildhall_entity::id::UserId;
use guildhall_entity::kind::{LoginType, UserStatus};
use sea_orm::sea_query::LockType;
use serde_json::json;

use super::{Account, UserRow, locked_in, store};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::policy::BuiltinRole;
use crate::authz::{Actor, Object, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::{self, Slug};

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) expected_version: Option<i32>,
}

/// Changes who a user is.
///
/// # Errors
/// FORBIDDEN without `USER_UPDATE`, which everybody has for themselves; refusals for a stale version, names in use, values
/// that break a rule, and somebody with more power.
pub(crate) async fn update(db: &Db, actor: &Actor, user: UserId, patch: Patch) -> Result<()> {
    let permit = actor.authorize(Permission::UserUpdate, Object::SITE.owned_by(user))?;
    let tx = db.begin(permit).await?;
    let account = locked_in(&tx, user, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    Refusal::unless_current(patch.expected_version, account.row.version)?;
    account.require_power(actor, &["userId"])?;
    let current = &account.row;
    let next = patch.apply(current)?;
    let (before, after) = (described(current), described(&next));
    let change = Change::new(Action::Update, Resource::User, None, user, &next.username, &before, &after);
    if change.alters() {
        refuse_taken(store::account::update_in(&tx, &next).await, &next.username)?;
    }
    tx.commit(change).await
}

impl Patch {
    /// Who the user would be.
    ///
    /// # Errors
    /// The first rule that a value breaks.
    fn apply(self, current: &UserRow) -> Result<UserRow, Refusal> {
        let mut next = current.clone();
        if let Some(text) = self.username {
            next.username = Slug::parse(&["username"], &text)?.into();
        }
        if let Some(text) = self.email {
            next.email = email(&text, current.is_service_account)?;
        }
        if let Some(text) = self.name {
            let text = name::one_line(&["name"], &text, super::NAME_MAX)?;
            next.name = if text.is_empty() { next.username.clone() } else { text };
        }
        if let Some(text) = self.avatar_url {
            next.avatar_url = name::icon(&["avatarUrl"], &text)?;
        }
        Ok(next)
    }
}

/// An email address; a service account may have none.
pub(super) fn email(text: &str, service_account: bool) -> Result<String, Refusal> {
    if service_account && text.trim().is_empty() {
        return Ok(String::new());
    }
    name::email(&["email"], text)
}

/// Names of users are their own.
pub(super) fn refuse_taken<T>(written: Result<T>, username: &str) -> Result<T> {
    written
        .on_violation("uq_user_username", || Refusal::name_taken(&["username"], "user", username))
        .on_violation("uq_user_email", || {
            let message = "another user has this email address; every user has one of their own";
            Refusal::conflict(&["email"], message)
        })
}

fn described(row: &UserRow) -> Facts {
    facts(json!({
        "username": row.username, "email": row.email, "name": row.name, "avatarUrl": row.avatar_url,
    }))
}

/// Gives a user exactly these site roles.
///
/// # Errors
/// FORBIDDEN without `USER_UPDATE` and `ROLE_ASSIGN`; refusals for oneself, for the last owner, and for roles, given or
/// taken, beyond one's own.
pub(crate) async fn set_site_roles(db: &Db, actor: &Actor, user: UserId, roles: &[String]) -> Result<()> {
    let permit = actor.authorize(Permission::UserUpdate, Object::SITE)?;
    actor.require(Permission::RoleAssign, Object::SITE)?;
    refuse_oneself(actor, user, "nobody changes their own roles; ask another owner")?;
    let roles = crate::role::check_site_assignment(actor, &["siteRoles"], roles)?;
    let tx = db.begin(permit).await?;
    store::owner::lock_in(&tx).await?;
    let account = locked_in(&tx, user, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    // Taking a role away is power over whoever holds it: it needs the same as giving it.
    account.require_power(actor, &["siteRoles"])?;
    if !roles.iter().any(|role| role == BuiltinRole::Owner.name()) {
        keep_an_owner_in(&tx, &account).await?;
    }
    let before = facts(json!({ "siteRoles": account.row.site_roles }));
    let after = facts(json!({ "siteRoles": roles }));
    let name = &account.row.username;
    let change = Change::new(Action::Update, Resource::User, None, user, name, &before, &after);
    if change.alters() {
        store::account::set_site_roles_in(&tx, user, roles).await?;
    }
    tx.commit(change).await
}

/// A user whose standing somebody else decides over, with the owners waiting.
///
/// # Errors
/// Refusals for oneself, for somebody who is gone, and for somebody with more power.
pub(crate) async fn decided_over_in(
    tx: &Tx,
    actor: &Actor,
    user: UserId,
    lock: LockType,
    message: &str,
) -> Result<Account> {
    refuse_oneself(actor, user, message)?;
    store::owner::lock_in(tx).await?;
    let account = locked_in(tx, user, lock).await?.ok_or_else(gone)?;
    account.require_power(actor, &["userId"])?;
    Ok(account)
}

/// Lets a user act, or not.
///
/// # Errors
/// A refusal for the last owner.
pub(crate) async fn set_status_in(tx: &Tx, account: &Account, status: UserStatus) -> Result<Change> {
    if status == UserStatus::Suspended {
        keep_an_owner_in(tx, account).await?;
    }
    store::account::set_status_in(tx, account.row.id, status).await?;
    let before = facts(json!({ "status": account.row.status.as_str() }));
    let after = facts(json!({ "status": status.as_str() }));
    let (id, name) = (account.row.id, &account.row.username);
    Ok(Change::new(Action::Update, Resource::User, None, id, name, &before, &after))
}

/// Gives a user a password; the caller has hashed it.
pub(crate) async fn set_password_in(
    tx: &Tx,
    account: &Account,
    hash: String,
    after: &Facts,
) -> Result<Change> {
    store::account::set_password_in(tx, account.row.id, hash).await?;
    let before = facts(json!({ "loginType": account.row.login_type.as_str() }));
    let mut after = after.clone();
    after.insert("loginType".into(), LoginType::Password.as_str().into());
    let (id, name) = (account.row.id, &account.row.username);
    Ok(Change::new(Action::Update, Resource::User, None, id, name, &before, &after))
}

/// Marks a user as deleted, which frees their names. What is theirs is the caller's to end.
///
/// # Errors
/// Refusals for who owns workspaces, and for the last owner.
pub(crate) async fn delete_in(tx: &Tx, account: &Account) -> Result<Change> {
    let id = account.row.id;
    let workspaces = store::account::workspaces_in(tx, id).await?;
    if workspaces > 0 {
        return Err(Refusal::user_owns_workspaces(&["userId"], workspaces).into());
    }
    keep_an_owner_in(tx, account).await?;
    store::account::delete_in(tx, id).await?;
    let mut before = described(&account.row);
    before.insert("siteRoles".into(), json!(account.row.site_roles));
    let name = &account.row.username;
    Ok(Change::new(Action::Delete, Resource::User, None, id, name, &before, &Facts::new()))
}

/// Another owner who may act is left; the caller has locked the owners.
async fn keep_an_owner_in(tx: &Tx, account: &Account) -> Result<()> {
    let is_owner = account.row.site_roles.0.iter().any(|role| role == BuiltinRole::Owner.name());
    if !is_owner || store::account::others_own_in(tx, account.row.id).await? {
        return Ok(());
    }
    let message = "they are the last owner who may act; make somebody else one first";
    Err(Refusal::last_admin(&["userId"], message).into())
}

fn refuse_oneself(actor: &Actor, user: UserId, message: &str) -> Result<(), Refusal> {
    if actor.user_id() == Some(user) { Err(Refusal::conflict(&["userId"], message)) } else { Ok(()) }
}

fn gone() -> Refusal {
    Refusal::not_found(&["userId"], "user")
}
