//! `templates archive` and `templates unarchive`.

use super::{find, version_called};
use crate::context::Context;
use crate::failure::{Exit, Failure, lines};
use crate::names::{InOrganization, Scoped};

pub(super) async fn archive(
    context: &Context,
    name: &Scoped,
    versions: &[String],
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let mut ids = Vec::with_capacity(versions.len());
    for version in versions {
        ids.push(version_called(&client, &template, version).await?.id);
    }
    let results = client.archive_template_versions(&template.id, ids).await?;
    if context.output.is_json() {
        context.output.json(&results)?;
    }
    let mut refused = Vec::new();
    for (version, result) in versions.iter().zip(&results) {
        if !result.user_errors.is_empty() {
            refused.push(format!("{version}: {}", lines(&result.user_errors)));
        } else if !context.output.is_json() {
            context.output.line(&format!("{version} of {} is out of use now.", template.name))?;
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Refused, refused.join("\n"))) }
}

pub(super) async fn unarchive(
    context: &Context,
    name: &Scoped,
    version: &str,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let version = version_called(&client, &template, version).await?;
    let version = client.unarchive_template_version(&version.id).await?;
    let sentence = format!("{} of {} is in use again.", version.name, template.name);
    context.output.done(&version, &sentence)
}
