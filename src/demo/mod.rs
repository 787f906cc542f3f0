//! The demonstration data of `--demo`: three organizations, sixty people, groups, templates and two hundred workspaces in
//! various states. Made by the same operations as anybody's, so that nothing in it is impossible.

mod names;
mod provisioning;

use guildhall_entity::id::{GroupId, OrganizationId, UserId};
use secrecy::SecretString;

use crate::authn::opening;
use crate::authn::session::SessionKeys;
use crate::authz::policy::System;
use crate::authz::{Actor, Origin};
use crate::db::Db;
use crate::error::Result;
use crate::group::{self, NewGroup};
use crate::member::{self, Who};
use crate::organization::{self, NewOrganization};
use crate::seal::Sealer;
use crate::user::{self, NewUser};
use names::{GROUPS, ORGANIZATIONS, PEOPLE};

/// Who signs in to look at it.
pub const USERNAME: &str = "demo";
/// Their password. `--demo` listens on a loopback address only.
pub const PASSWORD: &str = "guildhall-demo";

/// Fills a database that has no owner yet; leaves any other alone.
///
/// # Errors
/// When the database fails. What was made before that stays, and the next start does not go on with it.
pub async fn fill(db: &Db, keys: &SessionKeys, sealer: &Sealer, default: OrganizationId) -> Result<()> {
    if user::an_owner_exists(db).await? {
        return Ok(());
    }
    let system = Actor::system(System::Demo, Origin::default());
    let owner = owner(db, keys, &system, default).await?;
    let people = people(db, &owner).await?;
    let mut organizations = vec![default];
    for (name, display_name, icon, description) in ORGANIZATIONS {
        let new = NewOrganization::parse(name, Some(display_name), Some(description), Some(icon))?;
        organizations.push(organization::create(db, &owner, new).await?);
    }
    // Read again: the owner is now organization-admin of two more.
    let owner = again(db, keys, &owner).await?;
    for (at, &organization) in organizations.iter().enumerate() {
        let members = members(db, &owner, organization, at, &people).await?;
        groups(db, &owner, organization, &members).await?;
        provisioning::fill(db, sealer, &owner, (at, organization), &members).await?;
    }
    tracing::info!(organizations = organizations.len(), people = people.len(), "demonstration data is there");
    Ok(())
}

async fn owner(db: &Db, keys: &SessionKeys, system: &Actor, default: OrganizationId) -> Result<Actor> {
    let password = SecretString::from(PASSWORD);
    let new = NewUser::parse(USERNAME, "demo@example.com", "Demo Owner", Some(password), false)?;
    Ok(opening::open_first(db, keys, system.origin(), new, default).await?.actor)
}

async fn again(db: &Db, keys: &SessionKeys, owner: &Actor) -> Result<Actor> {
    let id = owner.user_id().ok_or_else(|| crate::error::Error::internal("the owner is a user"))?;
    Ok(opening::open(db, keys, owner.origin(), id, USERNAME).await?.actor)
}

async fn people(db: &Db, owner: &Actor) -> Result<Vec<UserId>> {
    let mut ids = Vec::with_capacity(PEOPLE.len());
    for name in PEOPLE {
        let username = name.to_lowercase().replace(' ', "-");
        let new = NewUser::parse(&username, &format!("{username}@example.com"), name, None, false)?;
        ids.push(user::create(db, owner, new, &[], &[]).await?);
    }
    Ok(ids)
}

/// Everybody is in one organization, every fifth in the next one too; the first two of each help to run it.
async fn members(
    db: &Db,
    owner: &Actor,
    organization: OrganizationId,
    at: usize,
    people: &[UserId],
) -> Result<Vec<UserId>> {
    let belongs = |i: usize| i % 3 == at || (i.is_multiple_of(5) && (i + 1) % 3 == at);
    let mut members = Vec::new();
    for (_, &person) in people.iter().enumerate().filter(|(i, _)| belongs(*i)) {
        let roles: &[&str] = match members.len() {
            0 => &["organization-user-admin"],
            1 => &["organization-template-admin"],
            2 => &["organization-auditor"],
            _ => &[],
        };
        let roles: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
        members.push(member::add(db, owner, organization, &Who::Id(person), &roles).await?);
    }
    Ok(members)
}

async fn groups(db: &Db, owner: &Actor, organization: OrganizationId, members: &[UserId]) -> Result<()> {
    for (at, (name, display_name, allowance)) in GROUPS.into_iter().enumerate() {
        let new = NewGroup::parse(name, Some(display_name), None, Some(allowance))?;
        let id: GroupId = group::create(db, owner, organization, new).await?;
        let Some(row) = group::find(db, owner, id).await? else { continue };
        for &member in members.iter().skip(at).step_by(GROUPS.len()) {
            group::member::add(db, owner, &row, member).await?;
        }
    }
    Ok(())
}
