//! Access lists of templates: which members and groups of the organization may use or administer one. Refuses entries
//! for anybody else, and to give or to take power over a template that the actor does not hold.

use guildhall_entity::id::{OrganizationId, TemplateId, UserId};
use guildhall_entity::kind::AclRole;
use serde_json::{Map, json};

pub(crate) use super::store::access::{Listing, Subject};
pub(crate) use super::store::access_list::{
    CandidateList, CandidateOrder, CandidateRow, EffectiveRow, EntryList, EntryOrder, EntryRow,
    GroupTemplateList,
};

use super::TemplateRow;
use super::store::{access as store, settings};
use crate::audit::{Action, Change, Facts, named};
use crate::authz::{Actor, Object, Permission, PermissionSet, Permit, Resource, policy};
use crate::db::{Db, Tx};
use crate::error::{Deed, Refusal, Result};

/// A template as an actor's permissions are asked about it: with what its access list gives them.
pub(crate) async fn object(db: &Db, actor: &Actor, template: &TemplateRow) -> Result<Object> {
    let object = Object::in_organization(template.organization_id);
    match asks_list(actor, object) {
        Some(user) => Ok(with(object, &listings(db, user, &[template.id]).await?)),
        None => Ok(object),
    }
}

/// The same as the transaction sees it, for its actor.
pub(crate) async fn object_in(tx: &Tx, organization: OrganizationId, template: TemplateId) -> Result<Object> {
    let object = Object::in_organization(organization);
    match asks_list(tx.actor(), object) {
        Some(user) => Ok(with(object, &store::listings_in(tx, user, template).await?)),
        None => Ok(object),
    }
}

/// The permit to change a template: from a role, or from its access list. Every change of a template begins here.
///
/// # Errors
/// FORBIDDEN without either.
pub(super) async fn admit(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    permission: Permission,
) -> Result<Permit> {
    Ok(actor.authorize(permission, object(db, actor, template).await?)?)
}

/// Whether the transaction's actor may change a template, by a role or by its access list: its settings don't hold those.
pub(crate) async fn may_change_in(
    tx: &Tx,
    organization: OrganizationId,
    template: TemplateId,
) -> Result<bool> {
    Ok(tx.actor().may(Permission::TemplateUpdate, object_in(tx, organization, template).await?))
}

/// Whom an access list has to be asked about; `None` where nothing that it gives would be news.
pub(super) fn asks_list(actor: &Actor, object: Object) -> Option<UserId> {
    let has_all = policy::listed(AclRole::Admin).iter().all(|permission| actor.may(permission, object));
    actor.user_id().filter(|_| !has_all)
}

fn with(object: Object, listings: &[Listing]) -> Object {
    Object { listed: strongest(listings.iter().map(|listing| listing.role)), ..object }
}

/// What entries that name the same person give together.
pub(crate) fn strongest(roles: impl IntoIterator<Item = AclRole>) -> Option<AclRole> {
    let stronger = |one, other| if one == AclRole::Admin { one } else { other };
    roles.into_iter().reduce(stronger)
}

/// The entries of these templates that name a user, one of their groups or Everyone.
pub(crate) async fn listings(db: &Db, user: UserId, templates: &[TemplateId]) -> Result<Vec<Listing>> {
    store::listings(db, user, templates).await
}

/// Where some template's access list makes the actor its administrator, if one does.
pub(crate) async fn administered_organization(db: &Db, actor: &Actor) -> Result<Option<OrganizationId>> {
    store::administered_organization(db, actor).await
}

/// Gives a member or a group of the organization a role on a template; `None` takes their entry away.
///
/// # Errors
/// `MISSING_PERMISSIONS` without `TEMPLATE_UPDATE` on the template, and for what the actor lacks of the role that is given or
/// taken; refusals for oneself and for somebody who is not of the organization.
pub(crate) async fn set(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    subject: Subject,
    role: Option<AclRole>,
) -> Result<()> {
    let organization = template.organization_id;
    let lost = || Refusal::lacking(&["entries"], Permission::TemplateUpdate);
    let permit = actor.authorize(Permission::TemplateUpdate, object(db, actor, template).await?);
    let permit = permit.map_err(|_| lost())?;
    let (field, noun, id) = match subject {
        Subject::User(id) => ("userId", "member of the organization", id.to_string()),
        Subject::Group(id) => ("groupId", "group of the organization", id.to_string()),
    };
    if matches!(subject, Subject::User(user) if actor.user_id() == Some(user)) && role.is_some() {
        let message = "nobody gives themselves access; ask another administrator";
        return Err(Refusal::conflict(&["entries", field], message).into());
    }
    let tx = db.begin(permit).await?;
    let gone = || Refusal::not_found(&["templateId"], "template");
    settings::for_update_in(&tx, template.id).await?.ok_or_else(gone)?;
    // Somebody may have taken the actor off the list while this waited for them.
    let object = object_in(&tx, organization, template.id).await?;
    if !actor.may(Permission::TemplateUpdate, object) {
        return Err(lost().into());
    }
    let name = store::hold_in(&tx, organization, subject).await?;
    let name = name.ok_or_else(|| Refusal::not_found(&["entries", field], noun))?;
    let before = store::role_in(&tx, template.id, subject).await?;
    let power = before.into_iter().chain(role).map(policy::listed);
    let power = power.fold(PermissionSet::NONE, PermissionSet::with);
    let missing: Vec<_> = power.iter().filter(|&permission| !actor.may(permission, object)).collect();
    if !missing.is_empty() {
        let deed = match (before, role) {
            (_, None) => Deed::Take,
            (None, Some(_)) => Deed::Give,
            (Some(_), Some(_)) => Deed::Change,
        };
        return Err(Refusal::missing_permissions(&["entries", "role"], deed, missing).into());
    }
    match (before, role) {
        (None, None) => return Ok(()),
        (Some(before), Some(role)) if before == role => return Ok(()),
        (None, Some(role)) => store::insert_in(&tx, organization, template.id, subject, role).await?,
        (Some(_), Some(role)) => store::update_in(&tx, template.id, subject, role).await?,
        (Some(_), None) => store::delete_in(&tx, template.id, subject).await?,
    }
    // The subject is the name of the fact: the log keeps what differs, and must say whose it is.
    let access = |role: Option<AclRole>| -> Facts {
        let whose = format!("access of {}", named(&name, &id));
        role.map(|role| Map::from_iter([(whose, json!(role.as_str()))])).unwrap_or_default()
    };
    let change = Change::new(
        Action::Update,
        Resource::Template,
        Some(organization),
        template.id,
        template.name.as_str(),
        &access(before),
        &access(role),
    );
    tx.commit(change).await
}
