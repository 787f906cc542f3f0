//! The end of a template.

use super::store::{deletion as store, settings as rows};
use super::{TemplateRow, access, dry_run, settings};
use crate::audit::{Action, Change, Facts};
use crate::authz::{Actor, Permission, Resource};
use crate::db::Db;
use crate::error::{Refusal, Result};
use crate::provisioner::job;

/// Deletes a template that no live workspace is made of. Its name is free then; its versions go out of sight with it, and
/// what still imports or tries one is canceled.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_DELETE`; a refusal that counts the workspaces which are in the way.
pub(crate) async fn delete(db: &Db, actor: &Actor, template: &TemplateRow) -> Result<()> {
    let organization = template.organization_id;
    let permit = access::admit(db, actor, template, Permission::TemplateDelete).await?;
    let mut tx = db.begin(permit).await?;
    // Before the template's row: so takes them the daemon that ends an import.
    for job in store::unfinished_in(&tx, (organization, template.id)).await? {
        if job::withdraw_in(&mut tx, job).await? {
            dry_run::ended_in(&tx, job).await?;
        }
    }
    let field = &["templateId"];
    let (current, settings) = rows::for_deletion_in(&tx, template.id)
        .await?
        .ok_or_else(|| Refusal::not_found(field, "template"))?;
    let workspaces = store::workspaces_in(&tx, template.id).await?;
    if workspaces > 0 {
        return Err(Refusal::template_in_use(field, workspaces).into());
    }
    store::delete_in(&tx, template.id).await?;
    let change = Change::new(
        Action::Delete,
        Resource::Template,
        Some(organization),
        template.id,
        current.name.as_str(),
        &settings::described(&current, &settings),
        &Facts::new(),
    );
    tx.commit(change).await
}
