//! Organizations: the tenants. Owns the table `organization`; composes what belongs to one. Refuses names in use, a
//! stale update, and anything that would make a second default organization.

pub(crate) mod graphql;
mod store;

pub(crate) use store::{OrganizationList, OrganizationOrder, OrganizationRow};

use guildhall_entity::id::OrganizationId;
use sea_orm::sea_query::LockType;
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::policy::{BuiltinRole, System};
use crate::authz::{Actor, Object, Origin, Permission, Resource};
use crate::credits;
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Contents, Refusal, Result};
use crate::name::{self, DEFAULT, Slug};

/// An organization to be made.
#[derive(Debug)]
pub(crate) struct NewOrganization {
    name: Slug,
    display_name: String,
    description: String,
    icon: String,
}

impl NewOrganization {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub(crate) fn parse(
        name: &str,
        display_name: Option<&str>,
        description: Option<&str>,
        icon: Option<&str>,
    ) -> Result<Self, Refusal> {
        let name = Slug::parse(&["name"], name)?.not_default(&["name"])?;
        let display_name = name::display_name(&["displayName"], display_name, &name)?;
        let description = name::description(&["description"], description.unwrap_or_default())?;
        let icon = name::icon(&["icon"], icon.unwrap_or_default())?;
        Ok(Self { name, display_name, description, icon })
    }
}

/// Creates an organization. A user who creates one becomes its first member, as organization-admin.
///
/// # Errors
/// FORBIDDEN without `ORGANIZATION_CREATE`; a refusal for a name in use.
pub(crate) async fn create(db: &Db, actor: &Actor, new: NewOrganization) -> Result<OrganizationId> {
    let permit = actor.authorize(Permission::OrganizationCreate, Object::SITE)?;
    let tx = db.begin(permit).await?;
    let (id, mut changes) = insert_in(&tx, new, false).await?;
    if let Some(creator) = actor.user_id() {
        let roles = vec![BuiltinRole::OrganizationAdmin.name().to_owned()];
        changes.extend(crate::member::insert_in(&tx, id, creator, roles).await?);
    }
    tx.commit_all(changes).await?;
    Ok(id)
}

async fn insert_in(tx: &Tx, new: NewOrganization, is_default: bool) -> Result<(OrganizationId, Vec<Change>)> {
    let id: OrganizationId = tx.clock().id();
    let name = String::from(new.name);
    let after = facts(json!({
        "name": name, "displayName": new.display_name, "description": new.description, "icon": new.icon,
    }));
    let row = store::NewRow {
        id,
        name: name.clone(),
        display_name: new.display_name,
        description: new.description,
        icon: new.icon,
        is_default,
    };
    store::insert_in(tx, row)
        .await
        .on_violation("uq_organization_name", || Refusal::name_taken(&["name"], "organization", &name))?;
    crate::group::insert_everyone_in(tx, id).await?;
    let change =
        Change::new(Action::Create, Resource::Organization, Some(id), id, name, &Facts::new(), &after);
    Ok((id, vec![change]))
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) icon: Option<String>,
    pub(crate) expected_version: Option<i32>,
}

impl Patch {
    /// What the organization would be.
    ///
    /// # Errors
    /// The first rule that a value breaks.
    fn apply(self, current: &OrganizationRow) -> Result<OrganizationRow, Refusal> {
        let mut next = current.clone();
        if let Some(name) = self.name {
            let slug = Slug::parse(&["name"], &name)?;
            let slug = if current.is_default { slug } else { slug.not_default(&["name"])? };
            next.name = slug.into();
        }
        if let Some(text) = self.display_name {
            let slug = Slug::parse(&["name"], &next.name)?;
            next.display_name = name::display_name(&["displayName"], Some(&text), &slug)?;
        }
        if let Some(text) = self.description {
            next.description = name::description(&["description"], &text)?;
        }
        if let Some(text) = self.icon {
            next.icon = name::icon(&["icon"], &text)?;
        }
        Ok(next)
    }
}

/// Changes an organization.
///
/// # Errors
/// FORBIDDEN without `ORGANIZATION_UPDATE`; refusals for a stale version, a name in use and values that break a rule.
pub(crate) async fn update(db: &Db, actor: &Actor, id: OrganizationId, patch: Patch) -> Result<()> {
    let permit = actor.authorize(Permission::OrganizationUpdate, Object::in_organization(id))?;
    let tx = db.begin(permit).await?;
    let current = store::locked_in(&tx, id, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    let next = patch.apply(&current)?;
    let (before, after) = (described(&current), described(&next));
    let change =
        Change::new(Action::Update, Resource::Organization, Some(id), id, &next.name, &before, &after);
    if change.alters() {
        store::update_in(&tx, &next).await.on_violation("uq_organization_name", || {
            Refusal::name_taken(&["name"], "organization", &next.name)
        })?;
    }
    tx.commit(change).await
}

fn gone() -> Refusal {
    Refusal::not_found(&["organizationId"], "organization")
}

/// Deletes an empty organization. Its name is free then, and nothing can come into it any more.
///
/// # Errors
/// FORBIDDEN without `ORGANIZATION_DELETE`; refusals for the default organization and for one that is not empty.
pub(crate) async fn delete(db: &Db, actor: &Actor, current: &OrganizationRow) -> Result<()> {
    let id = current.id;
    let permit = actor.authorize(Permission::OrganizationDelete, Object::in_organization(id))?;
    if current.is_default {
        let message = "the default organization can't be deleted";
        return Err(Refusal::conflict(&["organizationId"], message).into());
    }
    let tx = db.begin(permit).await?;
    let current = store::locked_in(&tx, id, LockType::Update).await?.ok_or_else(gone)?;
    let contents = store::contents_in(&tx, id, actor.user_id()).await?;
    if !contents.is_empty() {
        return Err(Refusal::organization_not_empty(&["organizationId"], contents).into());
    }
    store::delete_groups_in(&tx, id).await?;
    crate::role::delete_all_in(&tx, id).await?;
    store::delete_in(&tx, id).await?;
    let (before, after) = (described(&current), Facts::new());
    let change =
        Change::new(Action::Delete, Resource::Organization, Some(id), id, &current.name, &before, &after);
    tx.commit(change).await
}

/// What keeps these organizations from being deleted by the actor.
pub(crate) async fn contents_of(
    db: &Db,
    actor: &Actor,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, Contents)>> {
    store::contents_of(db, ids, actor.user_id()).await
}

/// Sets the organization's own cap, in credits a day; `None` removes it.
///
/// # Errors
/// FORBIDDEN without `QUOTA_UPDATE`; a refusal for a cap out of bounds.
pub(crate) async fn set_quota_cap(
    db: &Db,
    actor: &Actor,
    current: &OrganizationRow,
    cap: Option<i32>,
) -> Result<()> {
    let permit = actor.authorize(Permission::QuotaUpdate, Object::in_organization(current.id))?;
    let cap = cap.map(|cap| credits::checked(&["cap"], cap)).transpose()?;
    let tx = db.begin(permit).await?;
    let current = store::locked_in(&tx, current.id, LockType::NoKeyUpdate).await?.ok_or_else(gone)?;
    let change = Change::new(
        Action::Update,
        Resource::Quota,
        Some(current.id),
        current.id,
        &current.name,
        &facts(json!({ "cap": current.quota_cap })),
        &facts(json!({ "cap": cap })),
    );
    if change.alters() {
        store::set_quota_cap_in(&tx, current.id, cap).await?;
    }
    tx.commit(change).await
}

/// The name of a live organization, which nobody deletes until the transaction ends.
///
/// # Errors
/// A refusal when it is gone.
pub(crate) async fn kept_in(tx: &Tx, id: OrganizationId) -> Result<String> {
    Ok(store::locked_in(tx, id, LockType::KeyShare).await?.ok_or_else(gone)?.name)
}

/// The organization's own cap, while nobody else uses of its budget.
pub(crate) async fn lock_quota_in(tx: &Tx, id: OrganizationId) -> Result<Option<i32>> {
    let organization = store::locked_in(tx, id, LockType::NoKeyUpdate).await?;
    Ok(organization.and_then(|organization| organization.quota_cap))
}

fn described(row: &OrganizationRow) -> Facts {
    facts(json!({
        "name": row.name, "displayName": row.display_name, "description": row.description, "icon": row.icon,
    }))
}

/// Finds an organization by name, if the actor can see it.
pub(crate) async fn find_by_name(db: &Db, actor: &Actor, name: &str) -> Result<Option<OrganizationRow>> {
    store::find_by_name(db, actor, name).await
}

/// The default organization; made if the database is empty. Two servers that start at once make one.
///
/// # Errors
/// When the database fails.
pub(crate) async fn ensure_default(db: &Db) -> Result<OrganizationId> {
    if let Some(id) = store::default_id(db).await? {
        return Ok(id);
    }
    let setup = Actor::system(System::Setup, Origin::default());
    let permit = setup.authorize(Permission::OrganizationCreate, Object::SITE)?;
    let name = Slug::parse(&["name"], DEFAULT)?;
    let new = NewOrganization {
        name,
        display_name: "Default".to_owned(),
        description: String::new(),
        icon: String::new(),
    };
    let tx = db.begin(permit).await?;
    let made = match insert_in(&tx, new, true).await {
        Ok((id, changes)) => tx.commit_all(changes).await.map(|()| id),
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    match (made, store::default_id(db).await?) {
        (Ok(id), _) | (Err(_), Some(id)) => Ok(id),
        (Err(error), None) => Err(error),
    }
}

/// The name that the default organization has now.
///
/// # Errors
/// When it is not there.
pub(crate) async fn default_name(db: &Db) -> Result<String> {
    let name = store::default_name(db).await?;
    name.ok_or_else(|| crate::error::Error::internal("there is no default organization"))
}

/// The name of an organization, also of one that is deleted, for whom a key or token of theirs belongs to it.
///
/// # Errors
/// When it is not there.
pub(crate) async fn name_of(db: &Db, id: OrganizationId) -> Result<String> {
    let name = store::name_of(db, id).await?;
    name.ok_or_else(|| crate::error::Error::internal(format!("{id} has a key or token, but is not there")))
}
