//! Template versions: made from an uploaded archive, imported by a job, promoted when that succeeded.

use guildhall_entity::id::{ProvisionerJobId, TemplateId, TemplateVersionId, UserId};
use guildhall_entity::json::{Tags, Variables};
use guildhall_entity::kind::{JobState, JobType};
use serde_json::json;

use super::access;
use super::store::version as store;
use super::store::version::VersionContent;
use super::{NewVersion, TemplateRow, VersionRow, file};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Denied, Permission, Resource};
use crate::db::{Db, OnViolation, Tx};
use crate::error::{Refusal, Result};
use crate::name::Slug;
use crate::provisioner::job::{self, NewJob, Priority};

/// Creates a version of a template.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; refusals for a name in use and a file that is not the actor's.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    new: NewVersion,
) -> Result<TemplateVersionId> {
    let permit = access::admit(db, actor, template, Permission::TemplateUpdate).await?;
    let creator = actor.user_id().ok_or(Denied::Lacking(Permission::TemplateUpdate))?;
    file::require_own(db, actor, new.file, &["fileId"]).await?;
    let mut tx = db.begin(permit).await?;
    let (id, change) = insert_in(&mut tx, template, creator, new).await?;
    tx.commit(change).await?;
    Ok(id)
}

/// Makes a version and queues its import, inside the caller's transaction.
pub(super) async fn insert_in(
    tx: &mut Tx,
    template: &TemplateRow,
    creator: UserId,
    new: NewVersion,
) -> Result<(TemplateVersionId, Change)> {
    let organization = template.organization_id;
    let import = NewJob {
        organization,
        kind: JobType::TemplateImport,
        tags: new.tags,
        initiator: Some(creator),
        owner: creator,
        priority: Priority::Person,
    };
    let job = job::insert_in(tx, import).await?;
    let id: TemplateVersionId = tx.clock().id();
    let name = String::from(new.name);
    let after = facts(json!({
        "name": name, "message": new.message, "template": named(&template.name, template.id), "file": new.file.to_string(),
        "promote": new.promote,
    }));
    let row = store::NewRow {
        id,
        organization,
        template: template.id,
        name: name.clone(),
        message: new.message,
        file: new.file,
        job,
        promote: new.promote,
        created_by: creator,
    };
    store::insert_in(tx, row).await.on_violation("uq_template_version_name", || {
        Refusal::name_taken(&["name"], "template version", &name)
    })?;
    let name = path(template, &name);
    let change =
        Change::new(Action::Create, Resource::Template, Some(organization), id, name, &Facts::new(), &after);
    Ok((id, change))
}

/// A version as the audit log calls it: every template has a `v1`.
pub(super) fn path(template: &TemplateRow, version: &str) -> String {
    format!("{}/{version}", template.name)
}

/// The name of a template's next version where none is given.
///
/// # Errors
/// When the database fails.
pub(crate) async fn next_name(db: &Db, template: TemplateId) -> Result<Slug> {
    let next = store::count(db, template).await? + 1;
    Ok(Slug::parse(&["name"], &format!("v{next}"))?)
}

/// Makes a version the one that new workspaces are made from.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; a refusal for a version that is stale, whose import has not succeeded or that is
/// archived.
pub(crate) async fn promote(
    db: &Db,
    actor: &Actor,
    template: &TemplateRow,
    version: &VersionRow,
    expected_version: Option<i32>,
) -> Result<()> {
    let permit = access::admit(db, actor, template, Permission::TemplateUpdate).await?;
    let tx = db.begin(permit).await?;
    let field = &["templateVersionId"];
    // Nobody puts the version out of use meanwhile.
    let gone = || Refusal::not_found(field, "template version");
    let (template, _) = super::store::settings::for_update_in(&tx, template.id).await?.ok_or_else(gone)?;
    if expected_version.is_some() {
        let current = store::row_in(&tx, version.id).await?.ok_or_else(gone)?;
        Refusal::unless_current(expected_version, current.version)?;
    }
    match store::import_state_in(&tx, version.id).await? {
        Some(JobState::Succeeded) => {}
        None => {
            return Err(Refusal::conflict(
                field,
                "an archived version can't be promoted; unarchive it first",
            )
            .into());
        }
        Some(JobState::Failed | JobState::Canceled) => {
            return Err(Refusal::conflict(field, "its import failed; push a version that imports").into());
        }
        Some(_) => {
            return Err(
                Refusal::conflict(field, "its import has not ended yet; promote it when it has").into()
            );
        }
    }
    let active = active_in(&tx, &template).await?;
    let change = activate_in(&tx, &template, active.as_ref(), version).await?;
    tx.commit(change).await
}

/// The active version of a template, which the transaction has locked.
async fn active_in(tx: &Tx, template: &TemplateRow) -> Result<Option<VersionRow>> {
    match template.active_version_id {
        Some(id) => store::row_in(tx, id).await,
        None => Ok(None),
    }
}

/// Makes a version the active one of its template, which the transaction has locked, in place of the one that is.
async fn activate_in(
    tx: &Tx,
    template: &TemplateRow,
    active: Option<&VersionRow>,
    version: &VersionRow,
) -> Result<Change> {
    let fact = |active: Option<&VersionRow>| {
        facts(json!({ "activeVersion": active.map(|row| named(&row.name, row.id)) }))
    };
    let change = Change::new(
        Action::Update,
        Resource::Template,
        Some(template.organization_id),
        template.id,
        template.name.as_str(),
        &fact(active),
        &fact(Some(version)),
    );
    if change.alters() {
        super::store::template::set_active_version_in(tx, template.id, version.id).await?;
    }
    Ok(change)
}

/// Keeps what an import found and promotes the version if it was made for that, inside the transaction that ends the job;
/// answers what that changed of the template.
pub(crate) async fn imported_in(
    tx: &Tx,
    version: &VersionRow,
    readme: &str,
    variables: Variables,
) -> Result<Option<Change>> {
    // The template before its version, as who changes a version locks them: else each could wait for the other.
    let mut promoted = None;
    if version.promote_on_success
        && let Some((template, _)) = super::store::settings::for_update_in(tx, version.template_id).await?
    {
        // A newer one may have been faster: what was pushed later stays.
        let active = active_in(tx, &template).await?;
        let pushed = |version: &VersionRow| (version.created_at, version.id.0);
        if active.as_ref().is_none_or(|active| pushed(active) < pushed(version)) {
            promoted = Some(activate_in(tx, &template, active.as_ref(), version).await?);
        }
    }
    store::set_content_in(tx, version.id, readme, variables).await?;
    Ok(promoted)
}

/// The version that a job imports, for the daemon that holds the job.
pub(crate) async fn of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<VersionRow>> {
    store::of_job(db, job).await
}

/// A version that a build refers to, for the daemon and for whoever may see the build.
pub(crate) async fn referred(
    db: &Db,
    version: TemplateVersionId,
) -> Result<Option<(VersionRow, VersionContent)>> {
    store::referred(db, version).await
}

/// Versions that builds refer to, for whoever may see those builds.
pub(crate) async fn referred_rows(db: &Db, versions: &[TemplateVersionId]) -> Result<Vec<VersionRow>> {
    store::referred_rows(db, versions).await
}

/// Where the import of a version that is not archived stands.
pub(crate) async fn import_state(db: &Db, version: TemplateVersionId) -> Result<Option<JobState>> {
    store::import_state(db, version).await
}

/// Where the import of a version stands, archived or not, and the tags of its job.
pub(super) async fn import_of(db: &Db, version: TemplateVersionId) -> Result<Option<(JobState, Tags)>> {
    store::import_of(db, version).await
}

/// The long texts of versions that the actor can see.
pub(crate) async fn contents(
    db: &Db,
    actor: &Actor,
    versions: &[TemplateVersionId],
) -> Result<Vec<VersionContent>> {
    store::contents(db, actor, versions).await
}
