//! How variables look.

use async_graphql::{InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::json::{Validation, Variable};

use crate::graphql::scalar::Json;

/// A variable.
#[derive(Clone)]
pub(crate) struct TemplateVariable(pub(super) Variable);

/// A `variable` block of the module: a parameter of the template.
#[Object]
impl TemplateVariable {
    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its Terraform type expression, e.g. `string`, `number`, `list(string)`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.r#type
    }

    /// What its author says of it; may be empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Its default; null when there is none. Null for a sensitive variable.
    async fn default(&self) -> Option<Json> {
        if self.0.sensitive { None } else { self.0.default.clone().map(Json) }
    }

    /// Whether a value must be given.
    async fn required(&self) -> bool {
        self.0.required
    }

    /// Whether its value is never shown.
    async fn sensitive(&self) -> bool {
        self.0.sensitive
    }

    /// Whether null is a value.
    async fn nullable(&self) -> bool {
        self.0.nullable
    }

    /// Whether its value is kept neither in state nor in plans.
    async fn ephemeral(&self) -> bool {
        self.0.ephemeral
    }

    /// Conditions that a value must fulfil.
    async fn validations(&self) -> Vec<VariableValidation> {
        let look = |validation: &Validation| VariableValidation {
            condition: validation.condition.clone(),
            error_message: validation.error_message.clone(),
        };
        self.0.validations.iter().map(look).collect()
    }
}

/// A condition that a value must fulfil.
#[derive(Clone, SimpleObject)]
struct VariableValidation {
    /// The Terraform expression.
    condition: String,
    /// What to tell a person when it is false.
    error_message: String,
}

/// A `variable` block that an import found.
#[derive(InputObject)]
pub(crate) struct TemplateVariableInput {
    /// Its name.
    name: String,
    /// Its Terraform type expression.
    #[graphql(name = "type")]
    kind: String,
    /// What its author says of it.
    description: String,
    /// Its default; absent when there is none, null for a default of null.
    default: MaybeUndefined<Json>,
    /// Whether a value must be given.
    required: bool,
    /// Whether its value is never shown.
    sensitive: bool,
    /// Whether null is a value.
    nullable: bool,
    /// Whether its value is kept neither in state nor in plans.
    ephemeral: bool,
    /// Conditions that a value must fulfil.
    validations: Vec<VariableValidationInput>,
}

/// A condition that a value must fulfil.
#[derive(InputObject)]
struct VariableValidationInput {
    /// The Terraform expression.
    condition: String,
    /// What to tell a person when it is false.
    error_message: String,
}

impl From<TemplateVariableInput> for Variable {
    fn from(input: TemplateVariableInput) -> Self {
        let default = match input.default {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(serde_json::Value::Null),
            MaybeUndefined::Value(Json(value)) => Some(value),
        };
        let validation = |input: VariableValidationInput| Validation {
            condition: input.condition,
            error_message: input.error_message,
        };
        Self {
            name: input.name,
            r#type: input.kind,
            description: input.description,
            default,
            required: input.required,
            sensitive: input.sensitive,
            nullable: input.nullable,
            ephemeral: input.ephemeral,
            validations: input.validations.into_iter().map(validation).collect(),
        }
    }
}
