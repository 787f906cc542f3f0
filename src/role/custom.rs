//! Custom roles: made, changed and deleted. Stands after `member`, for what is done to a role is done to whoever holds it.

use guildhall_entity::id::{OrganizationId, RoleId};
use guildhall_entity::json::Names;
use serde_json::json;

use super::store::{self, RoleRow};
use super::{check_held, check_power};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::policy::{self, BuiltinRole};
use crate::authz::{Actor, Object, Permission, PermissionSet, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Deed, Refusal, Result};
use crate::member;
use crate::name::{self, Slug};

/// How many custom roles an organization may have: a request's actor is made from them, and they are read as one list.
const MOST: usize = 100;

/// A role to be made.
#[derive(Debug)]
pub(crate) struct NewRole {
    name: Slug,
    display_name: String,
    description: String,
    permissions: PermissionSet,
}

impl NewRole {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub(crate) fn parse(
        name: &str,
        display_name: Option<&str>,
        description: Option<&str>,
        permissions: &[Permission],
    ) -> Result<Self, Refusal> {
        let name = Slug::parse(&["name"], name)?;
        if BuiltinRole::ALL.iter().any(|role| role.name() == name.as_str()) {
            return Err(Refusal::name_taken(&["name"], "role", name.as_str()));
        }
        let display_name = name::display_name(&["displayName"], display_name, &name)?;
        let description = name::description(&["description"], description.unwrap_or_default())?;
        Ok(Self { name, display_name, description, permissions: parse_permissions(permissions)? })
    }
}

fn parse_permissions(permissions: &[Permission]) -> Result<PermissionSet, Refusal> {
    let field = &["permissions"];
    let set: PermissionSet = permissions.iter().copied().collect();
    if set.is_empty() {
        return Err(Refusal::invalid(field, "a role grants at least one permission"));
    }
    let beyond: Vec<_> =
        set.without(policy::CUSTOM).iter().map(|permission| permission.to_string()).collect();
    if beyond.is_empty() {
        return Ok(set);
    }
    let beyond = beyond.join(", ");
    Err(Refusal::invalid(field, format!("a role of an organization can't hold what is not of one: {beyond}")))
}

fn names(permissions: PermissionSet) -> Names {
    Names(permissions.iter().map(|permission| permission.to_string()).collect())
}

/// Creates a role that nobody holds yet.
///
/// # Errors
/// FORBIDDEN without `ROLE_CREATE`; `MISSING_PERMISSIONS` for what the actor lacks of it; refusals for a name in use and
/// when there are as many as there may be.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    new: NewRole,
) -> Result<RoleId> {
    let object = Object::in_organization(organization);
    let permit = actor.authorize(Permission::RoleCreate, object)?;
    check_held(actor, object, &["permissions"], Deed::Give, new.permissions)?;
    let tx = db.begin(permit).await?;
    member::lock_roles_in(&tx, organization).await?;
    if store::count_in(&tx, organization).await? >= MOST {
        let message = format!("an organization has at most {MOST} custom roles; delete one first");
        return Err(Refusal::conflict(&["organizationId"], message).into());
    }
    let id: RoleId = tx.clock().id();
    let name = String::from(new.name);
    let row = store::NewRow {
        id,
        organization,
        name: name.clone(),
        display_name: new.display_name,
        description: new.description,
        permissions: names(new.permissions),
    };
    let after = facts(json!({
        "name": name, "displayName": row.display_name, "description": row.description,
        "permissions": row.permissions,
    }));
    store::insert_in(&tx, row)
        .await
        .on_violation("uq_role_name", || Refusal::name_taken(&["name"], "role", &name))?;
    let change =
        Change::new(Action::Create, Resource::Role, Some(organization), id, name, &Facts::new(), &after);
    tx.commit(change).await?;
    Ok(id)
}

/// What to change; `None` leaves a field as it is. A role keeps its name: members hold it by that.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) display_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Option<Vec<Permission>>,
    pub(crate) expected_version: Option<i32>,
}

/// Changes a role. What it grants more or less, it gives to or takes from whoever holds it.
///
/// # Errors
/// FORBIDDEN without `ROLE_UPDATE`, and without `ROLE_ASSIGN` where members hold it and their permissions change;
/// `MISSING_PERMISSIONS` for what the actor lacks of the difference; refusals for a stale version, for a role that the
/// actor holds, and for values that break a rule.
pub(crate) async fn update(db: &Db, actor: &Actor, role: &RoleRow, patch: Patch) -> Result<()> {
    let organization = role.organization_id;
    let permit = actor.authorize(Permission::RoleUpdate, Object::in_organization(organization))?;
    let tx = db.begin(permit).await?;
    let current = locked_in(&tx, role).await?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    let next = patch.apply(&current)?;
    let (before, after) = (current.grants(), next.grants());
    let (given, taken) = (after.without(before), before.without(after));
    let deed = match (given.is_empty(), taken.is_empty()) {
        (false, false) => Deed::Change,
        (true, _) => Deed::Take,
        (_, true) => Deed::Give,
    };
    check_change_in(&tx, &current, &["permissions"], deed, given.with(taken)).await?;
    let change = Change::new(
        Action::Update,
        Resource::Role,
        Some(organization),
        current.id,
        current.name.as_str(),
        &described(&current),
        &described(&next),
    );
    if change.alters() {
        store::update_in(&tx, &next).await?;
    }
    tx.commit(change).await
}

impl Patch {
    /// What the role would be.
    ///
    /// # Errors
    /// The first rule that a value breaks.
    fn apply(self, current: &RoleRow) -> Result<RoleRow, Refusal> {
        let mut next = current.clone();
        if let Some(text) = self.display_name {
            let name = Slug::parse(&["name"], &current.name)?;
            next.display_name = name::display_name(&["displayName"], Some(&text), &name)?;
        }
        if let Some(text) = self.description {
            next.description = name::description(&["description"], &text)?;
        }
        if let Some(permissions) = self.permissions {
            next.permissions = names(parse_permissions(&permissions)?);
        }
        Ok(next)
    }
}

/// A role as it is, while nobody else changes roles of its organization, nor gives or takes any.
async fn locked_in(tx: &Tx, role: &RoleRow) -> Result<RoleRow> {
    member::lock_roles_in(tx, role.organization_id).await?;
    let current = store::find_in(tx, role.id).await?;
    Ok(current.ok_or_else(|| Refusal::not_found(&["roleId"], "role"))?)
}

/// Deletes a role and takes it from whoever holds it; answers how many that were.
///
/// # Errors
/// FORBIDDEN without `ROLE_DELETE`, and without `ROLE_ASSIGN` where members hold it; `MISSING_PERMISSIONS` for what the
/// actor lacks of it; refusals for a role that the actor holds and for one that is gone.
pub(crate) async fn delete(db: &Db, actor: &Actor, role: &RoleRow) -> Result<usize> {
    let organization = role.organization_id;
    let permit = actor.authorize(Permission::RoleDelete, Object::in_organization(organization))?;
    let tx = db.begin(permit).await?;
    let current = locked_in(&tx, role).await?;
    check_change_in(&tx, &current, &["roleId"], Deed::Take, current.grants()).await?;
    store::delete_in(&tx, current.id).await?;
    let mut changes = vec![Change::new(
        Action::Delete,
        Resource::Role,
        Some(organization),
        current.id,
        current.name.as_str(),
        &described(&current),
        &Facts::new(),
    )];
    let taken = member::take_role_in(&tx, organization, &current.name).await?;
    let holders = taken.len();
    changes.extend(taken);
    tx.commit_all(changes).await?;
    Ok(holders)
}

/// Checks that the actor may change what a locked role grants by `difference`.
async fn check_change_in(
    tx: &Tx,
    role: &RoleRow,
    field: &[&str],
    deed: Deed,
    difference: PermissionSet,
) -> Result<()> {
    let organization = role.organization_id;
    if difference.is_empty() {
        return Ok(());
    }
    let (actor, object) = (tx.actor(), Object::in_organization(organization));
    let holders = member::holders_in(tx, organization, &role.name).await?;
    if actor.user_id().is_some_and(|user| holders.contains(&user)) {
        let message = "nobody changes a role that they hold themselves; ask another administrator";
        return Err(Refusal::conflict(&["roleId"], message).into());
    }
    if holders.is_empty() {
        return check_held(actor, object, field, deed, difference);
    }
    check_power(actor, object, field, deed, difference)
}

fn described(role: &RoleRow) -> Facts {
    facts(json!({
        "name": role.name, "displayName": role.display_name, "description": role.description,
        "permissions": role.permissions,
    }))
}
