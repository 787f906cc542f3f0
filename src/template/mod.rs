//! Templates: Terraform modules that workspaces are made from, their versions and files. Owns the tables `template`,
//! `template_version`, `template_acl`, `template_dry_run`, `file`, `file_content` and `file_chunk`. Refuses to promote a version that is not a
//! succeeded, unarchived version of the same template, and to delete a template that workspaces are made of.

pub(crate) mod access;
pub(crate) mod compare;
pub(crate) mod deletion;
pub(crate) mod dry_run;
pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod graphql;
pub(crate) mod parameter;
pub(crate) mod settings;
mod store;
pub(crate) mod version;
pub(crate) mod version_change;

pub(crate) use store::dry_run::DryRunRow;
pub(crate) use store::file::FileRow;
pub(crate) use store::settings::SettingsRow;
pub(crate) use store::template::{TemplateList, TemplateOrder, TemplateRow};
pub(crate) use store::version::{TemplateVersionList, TemplateVersionOrder, VersionContent, VersionRow};

use guildhall_entity::id::{FileId, OrganizationId, TemplateId, TemplateVersionId};
use guildhall_entity::json::Tags;

use crate::audit::{Action, Change, Facts};
use crate::authz::{Actor, Denied, Object, Permission, Resource};
use crate::db::{Db, OnViolation};
use crate::error::{Refusal, Result};
use crate::name::Slug;
use settings::Patch;

/// A version to be made.
#[derive(Debug)]
pub(crate) struct NewVersion {
    pub(crate) name: Slug,
    pub(crate) message: String,
    pub(crate) file: FileId,
    pub(crate) tags: Tags,
    pub(crate) promote: bool,
}

/// Creates a template with its settings and its first version, which becomes the active one when its import succeeds. Everybody
/// in the organization may use it.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_CREATE`; refusals for values that break a rule, a name in use and a file that is not the actor's.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    organization: OrganizationId,
    new: Patch,
    first: NewVersion,
) -> Result<(TemplateId, TemplateVersionId)> {
    let permit = actor.authorize(Permission::TemplateCreate, Object::in_organization(organization))?;
    let creator = actor.user_id().ok_or(Denied::Lacking(Permission::TemplateCreate))?;
    let id: TemplateId = db.clock().id();
    let (template, settings) = new.found(id, organization, db.clock().now())?;
    file::require_own(db, actor, first.file, &["version", "fileId"]).await?;
    let mut tx = db.begin(permit).await?;
    store::template::insert_in(&tx, &template, &settings, creator)
        .await
        .on_violation("uq_template_name", || Refusal::name_taken(&["name"], "template", &template.name))?;
    store::template::allow_everyone_in(&tx, organization, id).await?;
    let (version, version_change) = version::insert_in(&mut tx, &template, creator, first).await?;
    let mut after = settings::described(&template, &settings);
    after.retain(|_, value| !value.is_null());
    let name = template.name.as_str();
    let change =
        Change::new(Action::Create, Resource::Template, Some(organization), id, name, &Facts::new(), &after);
    tx.commit_all(vec![change, version_change]).await?;
    Ok((id, version))
}

/// Finds a template that the actor can see.
pub(crate) async fn find(db: &Db, actor: &Actor, id: TemplateId) -> Result<Option<TemplateRow>> {
    db.find(actor, id).await
}
