//! `templates push`: from a folder to a version that workspaces can start from.

use std::path::{Path, PathBuf};

use clap::Args;
use guildhall_client::organization::OrganizationRef;
use guildhall_client::tag::TagInput;
use guildhall_client::template::{CreateTemplateInput, FirstTemplateVersionInput, Template};
use guildhall_client::template_version::{CreateTemplateVersionInput, TemplateVersion};
use guildhall_client::{Client, Id};
use serde_json::json;
use tempfile::NamedTempFile;

use super::called;
use crate::change::Once;
use crate::context::Context;
use crate::failure::Failure;
use crate::follow::{Lines, follow};
use crate::names::{InOrganization, Scoped};
use crate::parameters::{self, Pair};

/// The arguments of `guildhall templates push`.
#[derive(Debug, Args)]
#[command(after_help = "\
The folder is packed without .git, .terraform, Terraform state and what its .guildhallignore lists.
The import is followed until it ends; the exit code is 8 when the module is not accepted.

Examples:
  guildhall templates push docker-dev --org data-platform --directory ./template
  guildhall templates push docker-dev -d . --message 'Bigger disks' --no-promote")]
pub struct Push {
    /// NAME or ORG/NAME; a template that does not exist yet is created
    name: Scoped,
    /// The folder of the Terraform module
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// What is new
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Slug of the version; default: v1, v2, …
    #[arg(long, value_name = "NAME")]
    version_name: Option<String>,
    /// Leave the active version as it is
    #[arg(long)]
    no_promote: bool,
    /// A tag for its jobs, which only daemons with that tag run; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<Pair>,
    /// Name for people, for a new template
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Description, for a new template
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An emoji, an https: URL or a site path, for a new template
    #[arg(long, value_name = "ICON")]
    icon: Option<String>,
    /// Don't wait for the import
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    once: Once,
}

impl Push {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve_for(&client, &self.name).await?;
        let existing = called(&client, &organization.id, &self.name.name).await?;
        if existing.is_none() && self.no_promote {
            return Err(Failure::usage(format!(
                "`{}` would be a new template, whose first version is always promoted: leave --no-promote out",
                self.name.name
            )));
        }
        let archive = pack(&self.directory).await?;
        let file = client.upload_file(archive.path(), "application/gzip").await?;
        context.output.note(&format!("Uploaded {} ({} bytes).", self.directory.display(), file.size));
        let detach = self.detach;
        let (template, version) = self.register(&client, organization, existing, file.id).await?;
        if !detach {
            let what = format!("the import of {} {}", template.name, version.name);
            if let Some(job) = &version.job {
                follow(&client, &context.output, &job.id, &what, Lines::Progress).await?;
            }
        }
        report(context, &client, template, version, detach).await
    }

    /// Makes the template or the version from the uploaded file.
    async fn register(
        self,
        client: &Client,
        organization: OrganizationRef,
        existing: Option<Template>,
        file_id: Id,
    ) -> Result<(Template, TemplateVersion), Failure> {
        let tags: Vec<TagInput> = parameters::tags(self.tags);
        let (name, message, promote) = (self.version_name, self.message, !self.no_promote);
        if let Some(template) = existing {
            let template_id = template.id.clone();
            let input = CreateTemplateVersionInput {
                template_id,
                file_id,
                name,
                message,
                tags,
                promote,
                idempotency_key: self.once.idempotency_key,
            };
            let version = client.create_template_version(input).await?;
            return Ok((template, version));
        }
        let made = client
            .create_template(CreateTemplateInput {
                organization_id: organization.id,
                name: self.name.name,
                display_name: self.display_name,
                description: self.description,
                icon: self.icon,
                version: FirstTemplateVersionInput { file_id, name, message, tags },
                idempotency_key: self.once.idempotency_key,
            })
            .await?;
        Ok((made.template, made.version))
    }
}

/// Packs `directory` into a temporary file, away from the asynchronous threads: packing blocks.
async fn pack(directory: &Path) -> Result<NamedTempFile, Failure> {
    let what = format!("pack {}", directory.display());
    let directory = directory.to_owned();
    let packing = tokio::task::spawn_blocking(move || {
        let mut file = NamedTempFile::new().map_err(|error| error.to_string())?;
        guildhall_archive::pack(&directory, &mut file).map_err(|error| error.to_string())?;
        Ok::<_, String>(file)
    });
    let packed = packing.await.map_err(|error| Failure::local(&what, error))?;
    packed.map_err(|error| Failure::local(&what, error))
}

async fn report(
    context: &Context,
    client: &Client,
    template: Template,
    version: TemplateVersion,
    detach: bool,
) -> Result<(), Failure> {
    // What the import has found out, unless nobody waited for it.
    let version = if detach { version } else { client.template_version(&version.id).await? };
    let place = format!("{}/{}", template.organization.name, template.name);
    let sentence = match (detach, version.is_active) {
        (true, _) => format!(
            "Pushed {place} {}; its import goes on. See `guildhall templates versions {place}`.",
            version.name
        ),
        (false, true) => format!(
            "Pushed {place} {}. Create a workspace with `guildhall workspaces create NAME --template {place}`.",
            version.name
        ),
        (false, false) => format!(
            "Pushed {place} {}. Promote it with `guildhall templates promote {place} {0}`.",
            version.name
        ),
    };
    context.output.done(&json!({ "template": template, "templateVersion": version }), &sentence)
}
