//! Roles: names, what they grant, and who may give them. Built-in roles are the policy's; custom ones come later and
//! have the same shape.

pub(crate) mod graphql;

use guildhall_entity::id::OrganizationId;

use crate::authz::policy::{BuiltinRole, Scope};
use crate::authz::{Actor, Object, Permission};
use crate::error::{Refusal, Result};

/// Checks the names of roles that an actor wants to give in an organization, or on the site where there is none.
/// Answers them sorted, without repeats.
///
/// # Errors
/// `MISSING_PERMISSIONS` when a role would give what the actor lacks; a refusal that lists the roles for an unknown name;
/// FORBIDDEN without `ROLE_ASSIGN`.
pub(crate) fn check_assignment(
    actor: &Actor,
    organization: Option<OrganizationId>,
    field: &[&str],
    names: &[String],
) -> Result<Vec<String>> {
    let roles = parse(organization, field, names)?;
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let object = organization.map_or(Object::SITE, Object::in_organization);
    actor.require(Permission::RoleAssign, object)?;
    let mut missing = Vec::new();
    for role in &roles {
        let grant = role.grant();
        let gives = grant.site.with(grant.organization).with(grant.own);
        missing.extend(gives.iter().filter(|&permission| !actor.may(permission, object)));
    }
    if !missing.is_empty() {
        missing.sort_by_key(|&permission| permission as u8);
        missing.dedup();
        return Err(Refusal::missing_permissions(field, missing).into());
    }
    let mut names: Vec<String> = roles.iter().map(|role| role.name().to_owned()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn parse(
    organization: Option<OrganizationId>,
    field: &[&str],
    names: &[String],
) -> Result<Vec<BuiltinRole>, Refusal> {
    let scope = if organization.is_some() { Scope::Organization } else { Scope::Site };
    let find = |name: &String| {
        BuiltinRole::assignable(&name.trim().to_lowercase(), scope).ok_or_else(|| {
            let known: Vec<_> = assignable(scope).map(BuiltinRole::name).collect();
            let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
            Refusal::invalid(
                field,
                format!("there is no role `{shown}` here; the roles are {}", known.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

/// The roles that can be given in a scope.
pub(crate) fn assignable(scope: Scope) -> impl Iterator<Item = BuiltinRole> {
    BuiltinRole::ALL.iter().copied().filter(move |role| role.scope() == scope && !role.is_implied())
}
