//! Members: who belongs to an organization, with which roles. Owns the table `organization_member`; refuses to change
//! one's own roles, to lose the last organization administrator, and roles beyond one's own.

pub(crate) mod graphql;
mod role;
mod store;

pub(crate) use role::{holders_in, lock_roles_in, take_role_in};
pub(crate) use store::{Filter, MemberList, MemberOrder, MemberRow, Who, known_in_groups};

use guildhall_entity::id::{OrganizationId, UserId};
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::policy::BuiltinRole;
use crate::authz::{Actor, Object, Permission, Resource};
use crate::db::{Db, Tx};
use crate::error::{Refusal, Result};
use crate::role::Assignment;
use crate::user::UserRow;

/// Adds a member with these roles.
///
/// # Errors
/// FORBIDDEN without `MEMBER_CREATE`; refusals for a user who does not exist, who is a member already, for roles, and for any
/// role for oneself.
pub(crate) async fn add(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    who: &Who,
    roles: &[String],
) -> Result<UserId> {
    let permit = actor.authorize(Permission::MemberCreate, Object::in_organization(organization))?;
    let roles = crate::role::normalized(roles);
    let field = if matches!(who, Who::Id(_)) { "userId" } else { "username" };
    let (user, _) = store::candidate(db, who).await?.ok_or_else(|| Refusal::not_found(&[field], "user"))?;
    if !roles.is_empty() && actor.user_id() == Some(user) {
        let message =
            "nobody gives themselves roles; join without any, and ask another administrator for them";
        return Err(Refusal::conflict(&["roles"], message).into());
    }
    let tx = db.begin(permit).await?;
    if !roles.is_empty() {
        lock_roles_in(&tx, organization).await?;
        let assignment = Assignment { given: &roles, ..Assignment::default() };
        crate::role::check_assignment_in(&tx, organization, &["roles"], assignment).await?;
    }
    let change = insert_in(&tx, organization, user, roles).await?;
    let change = change.ok_or_else(|| Refusal::conflict(&[field], "they are a member already"))?;
    tx.commit(change).await?;
    Ok(user)
}

/// Adds a member inside somebody else's transaction. `None` when they are one already or there is no such user.
pub(crate) async fn insert_in(
    tx: &Tx,
    organization: OrganizationId,
    user: UserId,
    roles: Vec<String>,
) -> Result<Option<Change>> {
    let Some(username) = store::username_in(tx, user).await? else { return Ok(None) };
    let after = facts(json!({ "roles": roles }));
    if !store::insert_in(tx, organization, user, &username, roles).await? {
        return Ok(None);
    }
    let change = Change::new(
        Action::Create,
        Resource::Member,
        Some(organization),
        user,
        username,
        &Facts::new(),
        &after,
    );
    Ok(Some(change))
}

/// Ends a membership inside the transaction that decides what becomes of the person's things; their place in groups and
/// their entries in access lists end with it. The log tells what goes with it, and what becomes of the rest.
///
/// # Errors
/// Refusals for somebody who is no member, for somebody with more power there, and for the last administrator.
pub(crate) async fn delete_in(
    tx: &Tx,
    (organization, user): (OrganizationId, UserId),
    username: &str,
    (lost, becomes): (Facts, &Facts),
) -> Result<Change> {
    let roles = held_in(tx, organization, user).await?;
    crate::role::check_loss_in(tx, organization, &["userId"], &roles).await?;
    end_in(tx, (organization, user), username, roles, (lost, becomes)).await
}

/// Ends a membership with these roles, whoever ends it.
async fn end_in(
    tx: &Tx,
    (organization, user): (OrganizationId, UserId),
    username: &str,
    roles: Vec<String>,
    (mut before, after): (Facts, &Facts),
) -> Result<Change> {
    if roles.iter().any(|role| role == BuiltinRole::OrganizationAdmin.name()) {
        keep_an_admin(tx, organization, user).await?;
    }
    if !store::delete_in(tx, organization, user).await? {
        return Err(Refusal::not_found(&["userId"], "member").into());
    }
    before.insert("roles".into(), json!(roles));
    Ok(Change::new(Action::Delete, Resource::Member, Some(organization), user, username, &before, after))
}

/// The name of a member; `None` when a user is none.
pub(crate) async fn name_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<Option<String>> {
    store::name_in(tx, organization, user).await
}

/// Gives a member exactly these roles.
///
/// # Errors
/// FORBIDDEN without `MEMBER_UPDATE` and `ROLE_ASSIGN`; refusals for somebody who is no member, for oneself, for the last
/// administrator and for roles, given or taken, beyond one's own.
pub(crate) async fn set_roles(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    user: UserId,
    roles: &[String],
) -> Result<()> {
    let permit = actor.authorize(Permission::MemberUpdate, Object::in_organization(organization))?;
    let (_, person) = get(db, actor, organization, user).await?;
    if actor.user_id() == Some(user) {
        return Err(Refusal::conflict(
            &["userId"],
            "nobody changes their own roles; ask another administrator",
        )
        .into());
    }
    let roles = crate::role::normalized(roles);
    let tx = db.begin(permit).await?;
    let held = held_in(&tx, organization, user).await?;
    let given: Vec<String> = roles.iter().filter(|role| !held.contains(role)).cloned().collect();
    let taken: Vec<String> = held.iter().filter(|role| !roles.contains(role)).cloned().collect();
    let assignment = Assignment { held: &held, given: &given, taken: &taken };
    crate::role::check_assignment_in(&tx, organization, &["roles"], assignment).await?;
    if taken.iter().any(|role| role == BuiltinRole::OrganizationAdmin.name()) {
        keep_an_admin(&tx, organization, user).await?;
    }
    let (before, after) = (facts(json!({ "roles": held })), facts(json!({ "roles": roles })));
    let change = Change::new(
        Action::Update,
        Resource::Member,
        Some(organization),
        user,
        person.username,
        &before,
        &after,
    );
    if change.alters() {
        store::set_roles_in(&tx, organization, user, roles).await?;
    }
    tx.commit(change).await
}

/// The roles that a member holds, while nobody else changes who holds what in the organization.
async fn held_in(tx: &Tx, organization: OrganizationId, user: UserId) -> Result<Vec<String>> {
    store::lock_in(tx, organization).await?;
    let roles = store::roles_in(tx, organization, user).await?;
    roles.ok_or_else(|| Refusal::not_found(&["userId"], "member").into())
}

/// Takes a user out of all their organizations, and of the groups there, inside somebody else's transaction, which knows
/// that its actor has power over them.
///
/// # Errors
/// A refusal where they are the last administrator.
pub(crate) async fn leave_all_in(tx: &Tx, user: UserId, username: &str) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for organization in store::organizations_in(tx, user).await? {
        let roles = held_in(tx, organization, user).await?;
        let nothing = (Facts::new(), &Facts::new());
        changes.push(end_in(tx, (organization, user), username, roles, nothing).await?);
    }
    Ok(changes)
}

async fn keep_an_admin(tx: &Tx, organization: OrganizationId, except: UserId) -> Result<()> {
    let admin = BuiltinRole::OrganizationAdmin.name();
    if store::others_may_act_in(tx, organization, admin, except).await? {
        return Ok(());
    }
    let name = store::organization_name_in(tx, organization).await?;
    let message =
        format!("they are the last organization-admin of `{name}` who may act; make somebody else one first");
    Err(Refusal::last_admin(&["userId"], message).into())
}

/// Finds a membership that the actor can see.
///
/// # Errors
/// A refusal when there is none.
pub(crate) async fn get(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    user: UserId,
) -> Result<(MemberRow, UserRow)> {
    let found = store::find(db, actor, organization, user).await?;
    found.ok_or_else(|| Refusal::not_found(&["userId"], "member").into())
}
