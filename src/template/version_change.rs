//! What becomes of versions that are there: other names, out of use, and back.

use guildhall_entity::kind::JobState;
use serde_json::json;

use super::store::{settings, version as store};
use super::version::path;
use super::{TemplateRow, VersionRow, access};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::{self, Slug};

fn change(template: &TemplateRow, version: &VersionRow, before: &Facts, after: &Facts) -> Change {
    let organization = Some(template.organization_id);
    let name = path(template, &version.name);
    Change::new(Action::Update, Resource::Template, organization, version.id, name, before, after)
}

/// What is to change of a version; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Patch<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) expected_version: Option<i32>,
}

/// Changes name and message.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; refusals for a stale version, a name in use and texts that break a rule.
pub(crate) async fn describe(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    version: &VersionRow,
    patch: Patch<'_>,
) -> Result<()> {
    let permit = access::admit(db, actor, template, Permission::TemplateUpdate).await?;
    let name = patch.name.map(|name| Slug::parse(&["name"], name)).transpose()?;
    let message = patch.message.map(|text| name::description(&["message"], text)).transpose()?;
    let tx = db.begin(permit).await?;
    let (_, current) = locked(&tx, template, version).await?;
    Refusal::unless_current(patch.expected_version, current.version)?;
    let described = |row: &VersionRow| facts(json!({ "name": row.name, "message": row.message }));
    let mut next = current.clone();
    next.name = name.map_or(next.name, String::from);
    next.message = message.unwrap_or(next.message);
    let change = change(template, &next, &described(&current), &described(&next));
    if change.alters() {
        store::describe_in(&tx, &next).await.on_violation("uq_template_version_name", || {
            Refusal::name_taken(&["name"], "template version", &next.name)
        })?;
    }
    tx.commit(change).await
}

/// Puts a version out of use: it can't be promoted, and nothing new is made from it. Workspaces that are at it stay there, and
/// start from it still. Nothing happens to one that is out of use already.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; refusals for a stale version, the active one, and one whose import goes on.
pub(crate) async fn archive(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    version: &VersionRow,
    expected_version: Option<i32>,
) -> Result<()> {
    let field = &["templateVersionId"];
    let tx = db.begin(access::admit(db, actor, template, Permission::TemplateUpdate).await?).await?;
    let (template, current) = locked(&tx, template, version).await?;
    Refusal::unless_current(expected_version, current.version)?;
    if current.archived {
        return Ok(());
    }
    if template.active_version_id == Some(version.id) {
        let message = format!("`{}` is the active version; promote another one first", version.name);
        return Err(Refusal::conflict(field, message).into());
    }
    // An import may promote its version when it ends.
    if store::import_state_in(&tx, version.id).await?.is_some_and(|state| !JobState::is_final(state)) {
        let message = "its import has not ended yet; wait for it, or cancel its job";
        return Err(Refusal::conflict(field, message).into());
    }
    shelve(tx, &template, &current, true).await
}

/// Takes a version back into use. Nothing happens to one that is in use.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; a refusal for a stale version.
pub(crate) async fn unarchive(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    version: &VersionRow,
    expected_version: Option<i32>,
) -> Result<()> {
    let tx = db.begin(access::admit(db, actor, template, Permission::TemplateUpdate).await?).await?;
    let (template, current) = locked(&tx, template, version).await?;
    Refusal::unless_current(expected_version, current.version)?;
    if current.archived { shelve(tx, &template, &current, false).await } else { Ok(()) }
}

/// A version and its template as they are now, while nobody else changes the template or versions of it.
async fn locked(tx: &Tx, template: &TemplateRow, version: &VersionRow) -> Result<(TemplateRow, VersionRow)> {
    let gone = || Refusal::not_found(&["templateVersionId"], "template version");
    let (template, _) = settings::for_update_in(tx, template.id).await?.ok_or_else(gone)?;
    Ok((template, store::row_in(tx, version.id).await?.ok_or_else(gone)?))
}

async fn shelve(tx: Tx, template: &TemplateRow, version: &VersionRow, archived: bool) -> Result<()> {
    store::set_archived_in(&tx, version.id, archived).await?;
    let (before, after) = (facts(json!({ "archived": !archived })), facts(json!({ "archived": archived })));
    tx.commit(change(template, version, &before, &after)).await
}
