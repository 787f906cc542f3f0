//! Roles: names, what they grant, and who may give them. Built-in roles are the policy's; custom ones belong to an
//! organization. Owns the table `role`; refuses to give or to take what the actor does not hold.

mod builtin;
pub(crate) mod custom;
pub(crate) mod graphql;
mod store;

pub(crate) use builtin::{builtin, builtin_id};
pub(crate) use store::RoleRow;

use guildhall_entity::id::OrganizationId;

use crate::authz::policy::{BuiltinRole, Scope};
use crate::authz::{Actor, Object, Permission, PermissionSet};
use crate::db::{Db, Tx};
use crate::error::{Deed, Refusal, Result};

/// Checks the names of roles that an actor wants to give on the site. Answers them sorted, without repeats.
///
/// # Errors
/// `MISSING_PERMISSIONS` when a role would give what the actor lacks; a refusal that lists the roles for an unknown name;
/// FORBIDDEN without `ROLE_ASSIGN`.
pub(crate) fn check_site_assignment(actor: &Actor, field: &[&str], names: &[String]) -> Result<Vec<String>> {
    let names = normalized(names);
    let mut gives = PermissionSet::NONE;
    for name in &names {
        let known = || site_roles().map(BuiltinRole::name).collect::<Vec<_>>();
        let role =
            BuiltinRole::assignable(name, Scope::Site).ok_or_else(|| unknown(field, name, &known()))?;
        gives = gives.with(role.weighs());
    }
    if !names.is_empty() {
        check_power(actor, Object::SITE, field, Deed::Give, gives)?;
    }
    Ok(names)
}

/// Names of roles as they are kept: folded, sorted, without repeats.
pub(crate) fn normalized(names: &[String]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    names.sort();
    names.dedup();
    names
}

/// Roles of a member of an organization: those that they hold, and those that are given to and taken from them; by their
/// normalized names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Assignment<'a> {
    pub(crate) held: &'a [String],
    pub(crate) given: &'a [String],
    pub(crate) taken: &'a [String],
}

/// Checks which roles an actor gives to and takes from a member of an organization, while nobody else changes roles there.
/// Taking a role away is power over whoever holds it: it needs the same as giving it. So is a role that takes something
/// away from its holder: it needs all that they hold.
///
/// # Errors
/// `MISSING_PERMISSIONS` for what the actor lacks of those roles; a refusal that lists the roles for an unknown name;
/// FORBIDDEN without `ROLE_ASSIGN`.
pub(crate) async fn check_assignment_in(
    tx: &Tx,
    organization: OrganizationId,
    field: &[&str],
    Assignment { held, given, taken }: Assignment<'_>,
) -> Result<()> {
    if given.is_empty() && taken.is_empty() {
        return Ok(());
    }
    let (actor, object) = (tx.actor(), Object::in_organization(organization));
    let known = Known::among(tx, organization, held.iter().chain(given).chain(taken)).await?;
    let mut gives = PermissionSet::NONE;
    for name in given {
        gives = gives.with(known.weighs(name).ok_or_else(|| known.refuse(field, name))?);
    }
    check_power(actor, object, field, Deed::Give, gives)?;
    let restrains = |name: &String| {
        BuiltinRole::assignable(name, Scope::Organization).is_some_and(BuiltinRole::restrains)
    };
    let touched = if given.iter().chain(taken).any(restrains) { held } else { taken };
    check_outranks(actor, object, field, known.all(touched))
}

/// Checks that an actor holds all that a member of an organization holds by these roles, who loses them.
///
/// # Errors
/// `MISSING_PERMISSIONS` for what the actor lacks of those roles.
pub(crate) async fn check_loss_in(
    tx: &Tx,
    organization: OrganizationId,
    field: &[&str],
    held: &[String],
) -> Result<()> {
    let known = Known::among(tx, organization, held.iter()).await?;
    check_outranks(tx.actor(), Object::in_organization(organization), field, known.all(held))
}

/// The custom roles of an organization, as far as names lead to some, and the built-in ones.
struct Known(Vec<RoleRow>);

impl Known {
    async fn among(
        tx: &Tx,
        organization: OrganizationId,
        mut names: impl Iterator<Item = &String>,
    ) -> Result<Self> {
        let all_builtin = names.all(|name| BuiltinRole::assignable(name, Scope::Organization).is_some());
        let custom =
            if all_builtin { Vec::new() } else { store::of_organization_in(tx, organization).await? };
        Ok(Self(custom))
    }

    /// What whoever gives or takes a role must hold; `None` for one that there is not.
    fn weighs(&self, name: &str) -> Option<PermissionSet> {
        match BuiltinRole::assignable(name, Scope::Organization) {
            Some(role) => Some(role.weighs()),
            None => self.0.iter().find(|role| role.name == name).map(RoleRow::grants),
        }
    }

    fn all(&self, names: &[String]) -> PermissionSet {
        names.iter().filter_map(|name| self.weighs(name)).fold(PermissionSet::NONE, PermissionSet::with)
    }

    fn refuse(&self, field: &[&str], name: &str) -> Refusal {
        let mut known: Vec<&str> = organization_roles().map(BuiltinRole::name).collect();
        known.extend(self.0.iter().map(|role| role.name.as_str()));
        unknown(field, name, &known)
    }
}

fn unknown(field: &[&str], name: &str, known: &[&str]) -> Refusal {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
    let known = known.join(", ");
    Refusal::invalid(field, format!("there is no role `{shown}` here; the roles are {known}"))
}

/// # Errors
/// FORBIDDEN without `ROLE_ASSIGN`, `MISSING_PERMISSIONS` for what the actor does not hold.
fn check_power(
    actor: &Actor,
    object: Object,
    field: &[&str],
    deed: Deed,
    permissions: PermissionSet,
) -> Result<()> {
    actor.require(Permission::RoleAssign, object)?;
    check_held(actor, object, field, deed, permissions)
}

/// # Errors
/// `MISSING_PERMISSIONS` for what the actor does not hold.
fn check_held(
    actor: &Actor,
    object: Object,
    field: &[&str],
    deed: Deed,
    permissions: PermissionSet,
) -> Result<()> {
    let missing = lacking(actor, object, permissions);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::missing_permissions(field, deed, missing).into()) }
}

/// # Errors
/// `MISSING_PERMISSIONS` for what somebody else holds and the actor does not.
fn check_outranks(actor: &Actor, object: Object, field: &[&str], permissions: PermissionSet) -> Result<()> {
    let missing = lacking(actor, object, permissions);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::outranked(field, missing).into()) }
}

fn lacking(actor: &Actor, object: Object, permissions: PermissionSet) -> Vec<Permission> {
    permissions.iter().filter(|&permission| !actor.may(permission, object)).collect()
}

/// Whether the actor may give a role that grants this.
fn is_assignable(actor: &Actor, object: Object, gives: PermissionSet) -> bool {
    check_power(actor, object, &[], Deed::Give, gives).is_ok()
}

/// The roles that can be given on the site.
pub(crate) fn site_roles() -> impl Iterator<Item = BuiltinRole> {
    assignable(Scope::Site)
}

/// The built-in roles that can be given in an organization.
pub(crate) fn organization_roles() -> impl Iterator<Item = BuiltinRole> {
    assignable(Scope::Organization)
}

fn assignable(scope: Scope) -> impl Iterator<Item = BuiltinRole> {
    BuiltinRole::ALL.iter().copied().filter(move |role| role.scope() == scope && !role.is_implied())
}

/// The custom roles of these organizations that the actor can see, by name.
pub(crate) async fn of_organizations(
    db: &Db,
    actor: &Actor,
    organizations: &[OrganizationId],
) -> Result<Vec<RoleRow>> {
    store::of_organizations(db, actor, organizations).await
}

/// Deletes the custom roles of an organization inside the transaction that deletes the organization.
pub(crate) async fn delete_all_in(tx: &Tx, organization: OrganizationId) -> Result<()> {
    store::delete_all_in(tx, organization).await
}
