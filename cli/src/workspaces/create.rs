//! `workspaces create`.

use std::path::PathBuf;

use clap::Args;
use guildhall_client::template_version::{TemplateVariable, TemplateVersion};
use guildhall_client::workspace::{CreateWorkspaceInput, ParameterInput};
use secrecy::ExposeSecret;

use super::build::Waiting;
use super::show::present;
use crate::change::Once;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::follow::{Lines, follow};
use crate::names::{InOrganization, Scoped};
use crate::parameters::{Pair, parameters};
use crate::prompt::Person;
use crate::templates;

/// The variable of a module that the server fills itself.
const RESERVED: &str = "workspace";

/// The arguments of `guildhall workspaces create`.
#[derive(Debug, Args)]
#[command(after_help = "\
Parameters without a default are asked for on a terminal.
Numbers, booleans, lists and objects are given as JSON.
The first build is followed until it ends; the exit code is 8 when it fails.

Examples:
  guildhall workspaces create dev --template data-platform/docker-dev
  guildhall workspaces create dev -t docker-dev -p cpus=4 -p 'ports=[80,443]'
  guildhall workspaces create dev -t docker-dev --rich-parameter-file dev.toml --detach")]
pub struct Create {
    /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
    name: String,
    /// The template: NAME or ORG/NAME
    #[arg(long, short, value_name = "TEMPLATE")]
    template: Scoped,
    /// Name of the version; default: the active one
    #[arg(long, value_name = "NAME")]
    template_version: Option<String>,
    /// A value for a variable of the template; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    parameters: Vec<Pair>,
    /// A TOML file of values
    #[arg(long, value_name = "FILE")]
    rich_parameter_file: Option<PathBuf>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    once: Once,
}

impl Create {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut parameters = parameters(self.rich_parameter_file.as_deref(), self.parameters)?;
        let client = context.client()?;
        let template = templates::find(&client, &self.template, &self.organization).await?;
        let version = match (&self.template_version, &template.active_version) {
            (Some(name), _) => templates::version_called(&client, &template, name).await?,
            (None, Some(active)) => client.template_version(&active.id).await?,
            (None, None) => {
                let message = format!("no version of {} has been imported yet", template.name);
                return Err(Failure::new(Exit::Refused, message).hint(format!(
                    "`guildhall templates show {}/{}` shows why",
                    template.organization.name, template.name
                )));
            }
        };
        complete(context.person, &version, &mut parameters)?;
        let input = CreateWorkspaceInput {
            template_id: template.id,
            name: self.name,
            template_version_id: self.template_version.map(|_| version.id),
            parameters,
            idempotency_key: self.once.idempotency_key,
        };
        let workspace = client.create_workspace(input).await?;
        let place = format!("{}/{}", workspace.organization.name, workspace.name);
        if self.waiting.detach {
            let sentence =
                format!("Created {place}. Watch it with `guildhall workspaces logs {place} --follow`.");
            return context.output.done(&workspace, &sentence);
        }
        let what = format!("the first start of {place}");
        follow(&client, &context.output, &workspace.latest_build.job.id, &what, Lines::Progress)
            .await
            .map_err(|failure| match failure.exit {
                Exit::JobFailed => failure.hint(format!(
                    "the workspace exists; try again, with other values if need be: `guildhall workspaces start {place} \
                     --param NAME=VALUE`"
                )),
                _ => failure,
            })?;
        present(context, &client.workspace(&workspace.id).await?)
    }
}

/// Adds what is missing, by asking where somebody can be asked.
fn complete(
    person: Person,
    version: &TemplateVersion,
    parameters: &mut Vec<ParameterInput>,
) -> Result<(), Failure> {
    let missing = missing(&version.variables, parameters);
    if missing.is_empty() {
        return Ok(());
    }
    if !person.is_there() {
        let names = missing.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>();
        return Err(Failure::new(
            Exit::Refused,
            format!("the template needs values for: {}", names.join(", ")),
        )
        .hint("give each with --param NAME=VALUE, or all with --rich-parameter-file"));
    }
    for variable in missing {
        let value = ask(person, variable)?;
        parameters.push(ParameterInput { name: variable.name.clone(), value });
    }
    Ok(())
}

/// The variables that need a value and have none.
fn missing<'a>(variables: &'a [TemplateVariable], given: &[ParameterInput]) -> Vec<&'a TemplateVariable> {
    let needed = variables.iter().filter(|variable| variable.required && variable.name != RESERVED);
    needed.filter(|variable| given.iter().all(|parameter| parameter.name != variable.name)).collect()
}

fn ask(person: Person, variable: &TemplateVariable) -> Result<String, Failure> {
    let question = match variable.description.as_str() {
        "" => format!("{} ({})", variable.name, variable.r#type),
        description => format!("{} ({}): {description}", variable.name, variable.r#type),
    };
    let instead = "pass --param NAME=VALUE";
    if variable.sensitive {
        return person.secret(&question, instead).map(|value| value.expose_secret().to_owned());
    }
    person.text(&question, instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, required: bool) -> TemplateVariable {
        TemplateVariable {
            name: name.to_owned(),
            r#type: "string".to_owned(),
            description: String::new(),
            default: None,
            required,
            sensitive: false,
            validations: Vec::new(),
        }
    }

    #[test]
    fn only_required_variables_without_a_value_are_missing_and_never_the_reserved_one() {
        let variables = [
            variable("image", true),
            variable("zone", true),
            variable("size", false),
            variable("workspace", true),
        ];
        let given = [ParameterInput { name: "zone".to_owned(), value: "a".to_owned() }];
        let names = missing(&variables, &given).iter().map(|one| one.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["image"]);
    }
}
