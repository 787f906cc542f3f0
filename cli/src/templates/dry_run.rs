//! `templates dry-run`: what a workspace would be made of, without making one.

use std::path::PathBuf;

use clap::Args;
use guildhall_client::ClientError;

use super::{find, version_called};
use crate::change::Once;
use crate::context::Context;
use crate::failure::Failure;
use crate::follow::{Lines, follow};
use crate::names::{InOrganization, Scoped};
use crate::output::Nothing;
use crate::parameters::{Pair, parameters};

/// The arguments of `guildhall templates dry-run`.
#[derive(Debug, Args)]
#[command(after_help = "\
The version is planned with the given values. Nothing is made and no state is kept.

Examples:
  guildhall templates dry-run docker-dev --param memory=4
  guildhall templates dry-run data-platform/docker-dev v7 --rich-parameter-file big.toml")]
pub struct DryRun {
    /// NAME or ORG/NAME
    name: Scoped,
    /// Name of the version; default: the active one
    version: Option<String>,
    /// A value for a parameter; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    params: Vec<Pair>,
    /// A TOML file of values
    #[arg(long, value_name = "FILE")]
    rich_parameter_file: Option<PathBuf>,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    once: Once,
}

impl DryRun {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let values = parameters(self.rich_parameter_file.as_deref(), self.params)?;
        let client = context.client()?;
        let template = find(&client, &self.name, &self.organization).await?;
        let version = match (&self.version, &template.active_version) {
            (Some(version), _) => version_called(&client, &template, version).await?.id,
            (None, Some(active)) => active.id.clone(),
            (None, None) => {
                let name = format!("{} (an active one)", template.name);
                return Err(ClientError::NotFound { kind: "template version", name }.into());
            }
        };
        let queued =
            client.create_template_version_dry_run(&version, values, self.once.idempotency_key).await?;
        let what = format!("the dry run of {}", template.name);
        follow(&client, &context.output, &queued.job.id, &what, Lines::Progress).await?;
        let planned = client.template_version_dry_run(&queued.id).await?;
        if context.output.is_json() {
            return context.output.json(&planned);
        }
        context.output.list(
            &planned.resources,
            &["RESOURCE", "TYPE"],
            |resource| vec![resource.address.as_str().into(), resource.r#type.as_str().into()],
            &Nothing::of("resource").hint("A workspace would have no resources."),
        )?;
        let cost =
            planned.daily_cost.map_or_else(|| "known after the apply".to_owned(), |cost| cost.to_string());
        context.output.line(&format!("\nCredits a day: {cost}"))
    }
}
