//! The end of a template.

use super::store::settings as store;
use super::{TemplateRow, access, settings};
use crate::audit::{Action, Change, Facts};
use crate::authz::{Actor, Permission, Resource};
use crate::db::Db;
use crate::error::{Refusal, Result};

/// Deletes a template that no live workspace is made of. Its name is free then; its versions go out of sight with it.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_DELETE`; a refusal that counts the workspaces which are in the way.
pub(crate) async fn delete(db: &Db, actor: &Actor, template: &TemplateRow) -> Result<()> {
    let organization = template.organization_id;
    let permit = access::admit(db, actor, template, Permission::TemplateDelete).await?;
    let tx = db.begin(permit).await?;
    let field = &["templateId"];
    let (current, settings) = store::for_deletion_in(&tx, template.id)
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
