//! From what an engine found to what the API takes.

use guildhall_client::provisioner::{
    ProvisionerJobResultInput, TemplateImportResultInput, TemplateVariableInput, VariableValidationInput,
    WorkspaceAppInput, WorkspaceBuildResultInput, WorkspaceMetadataInput, WorkspaceResourceInput,
};

use crate::engine::module::Variable;
use crate::engine::{BuildOutcome, ImportOutcome};

pub(super) fn import(outcome: ImportOutcome) -> ProvisionerJobResultInput {
    ProvisionerJobResultInput::TemplateImport(TemplateImportResultInput {
        readme: outcome.readme,
        variables: outcome.variables.into_iter().map(variable).collect(),
    })
}

fn variable(variable: Variable) -> TemplateVariableInput {
    let validations = variable.validations.into_iter();
    TemplateVariableInput {
        name: variable.name,
        type_expression: variable.type_expression.unwrap_or_else(|| "any".to_owned()),
        description: variable.description,
        required: variable.default.is_none(),
        // Shown to everyone who may use the template; Terraform finds the default in the module by itself.
        default: variable.default.filter(|_| !variable.sensitive),
        sensitive: variable.sensitive,
        nullable: variable.nullable,
        ephemeral: variable.ephemeral,
        validations: validations
            .map(|rule| VariableValidationInput {
                condition: rule.condition,
                error_message: rule.error_message,
            })
            .collect(),
    }
}

pub(super) fn build(outcome: BuildOutcome) -> ProvisionerJobResultInput {
    let resources = outcome.resources.into_iter().map(|resource| WorkspaceResourceInput {
        address: resource.address,
        kind: resource.kind,
        name: resource.name,
    });
    let apps = outcome.apps.into_iter();
    let metadata = outcome.metadata.into_iter();
    ProvisionerJobResultInput::WorkspaceBuild(WorkspaceBuildResultInput {
        resources: resources.collect(),
        apps: apps.map(|app| WorkspaceAppInput { name: app.name, url: app.url, icon: app.icon }).collect(),
        metadata: metadata.map(|(key, value)| WorkspaceMetadataInput { key, value }).collect(),
        daily_cost: outcome.daily_cost,
    })
}
