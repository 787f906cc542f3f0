//! From what an engine found to what the API takes.

use guildhall_client::provisioner::{
    ProvisionerJobResultInput, TemplateDryRunResultInput, TemplateImportResultInput, TemplateVariableInput,
    VariableRuleInput, VariableValidationInput, WorkspaceAppInput, WorkspaceBuildResultInput,
    WorkspaceMetadataInput, WorkspaceResourceInput,
};

use crate::engine::module::{Rule, Variable};
use crate::engine::{BuildOutcome, DryRunOutcome, ImportOutcome, Resource};

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
                rules: rule.rules.into_iter().map(understood).collect(),
            })
            .collect(),
        display_name: variable.display_name,
        icon: variable.icon,
        order: variable.order,
        immutable: variable.immutable,
    }
}

fn understood(rule: Rule) -> VariableRuleInput {
    // A bound beyond 32 bits holds for every text and list that there can be.
    let length = |bound: u32| i32::try_from(bound).unwrap_or(i32::MAX);
    match rule {
        Rule::OneOf(options) => VariableRuleInput::OneOf(options),
        Rule::AtLeast(bound) => VariableRuleInput::AtLeast(bound),
        Rule::MoreThan(bound) => VariableRuleInput::MoreThan(bound),
        Rule::AtMost(bound) => VariableRuleInput::AtMost(bound),
        Rule::LessThan(bound) => VariableRuleInput::LessThan(bound),
        Rule::Whole => VariableRuleInput::Whole(true),
        Rule::LengthAtLeast(bound) => VariableRuleInput::LengthAtLeast(length(bound)),
        Rule::LengthAtMost(bound) => VariableRuleInput::LengthAtMost(length(bound)),
        Rule::Pattern(pattern) => VariableRuleInput::Pattern(pattern),
    }
}

fn resources(found: Vec<Resource>) -> Vec<WorkspaceResourceInput> {
    let resource = |resource: Resource| WorkspaceResourceInput {
        address: resource.address,
        kind: resource.kind,
        name: resource.name,
    };
    found.into_iter().map(resource).collect()
}

pub(super) fn dry_run(outcome: DryRunOutcome) -> ProvisionerJobResultInput {
    ProvisionerJobResultInput::TemplateDryRun(TemplateDryRunResultInput {
        resources: resources(outcome.resources),
        daily_cost: outcome.daily_cost,
    })
}

pub(super) fn build(outcome: BuildOutcome) -> ProvisionerJobResultInput {
    let apps = outcome.apps.into_iter();
    let metadata = outcome.metadata.into_iter();
    ProvisionerJobResultInput::WorkspaceBuild(WorkspaceBuildResultInput {
        resources: resources(outcome.resources),
        apps: apps.map(|app| WorkspaceAppInput { name: app.name, url: app.url, icon: app.icon }).collect(),
        metadata: metadata.map(|(key, value)| WorkspaceMetadataInput { key, value }).collect(),
        daily_cost: outcome.daily_cost,
    })
}
