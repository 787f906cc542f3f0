//! How variables look.

use async_graphql::{InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use guildhall_entity::json::{Rule, Validation, Variable};

use crate::error::{Refusal, Result};
use crate::graphql::scalar::Json;
use crate::name;

/// The longest display name of a parameter, in characters.
const DISPLAY_NAME_MAX: usize = 64;

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

    /// Whether its value is for one build, by Terraform's `ephemeral` or by the module's manifest.
    async fn ephemeral(&self) -> bool {
        self.0.ephemeral
    }

    /// Conditions that a value must fulfil.
    async fn validations(&self) -> Vec<VariableValidation> {
        self.0.validations.iter().map(VariableValidation::from).collect()
    }
}

/// A condition that a value must fulfil.
#[derive(Clone, SimpleObject)]
pub(super) struct VariableValidation {
    /// The Terraform expression.
    condition: String,
    /// What to tell a person when it is false.
    error_message: String,
}

impl From<&Validation> for VariableValidation {
    fn from(validation: &Validation) -> Self {
        Self { condition: validation.condition.clone(), error_message: validation.error_message.clone() }
    }
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
    /// Whether its value is for one build.
    ephemeral: bool,
    /// Conditions that a value must fulfil.
    validations: Vec<VariableValidationInput>,
    /// Its name as people read it, from the manifest; at most 64 characters.
    #[graphql(default)]
    display_name: String,
    /// An emoji, `https:` URL or site path, from the manifest.
    #[graphql(default)]
    icon: String,
    /// Its place among the parameters, from the manifest; those without one come last.
    order: Option<i32>,
    /// Whether it stays as it was when the workspace was made, by the manifest.
    #[graphql(default)]
    immutable: bool,
}

/// A condition that a value must fulfil.
#[derive(InputObject)]
struct VariableValidationInput {
    /// The Terraform expression.
    condition: String,
    /// What to tell a person when it is false.
    error_message: String,
    /// What of the condition can be told without Terraform.
    #[graphql(default)]
    rules: Vec<VariableRuleInput>,
}

/// A rule that a condition holds.
#[derive(OneofObject)]
enum VariableRuleInput {
    /// The value is one of these.
    OneOf(Vec<Json>),
    /// A number that is not less.
    AtLeast(f64),
    /// A number that is more.
    MoreThan(f64),
    /// A number that is not more.
    AtMost(f64),
    /// A number that is less.
    LessThan(f64),
    /// A number without a fraction; the value is true.
    Whole(bool),
    /// A text of at least so many characters, or a collection of so many entries.
    LengthAtLeast(u32),
    /// A text of at most so many characters, or a collection of so many entries.
    LengthAtMost(u32),
    /// A text in which this regular expression (RE2) matches somewhere.
    Pattern(String),
}

impl From<VariableRuleInput> for Rule {
    fn from(input: VariableRuleInput) -> Self {
        match input {
            VariableRuleInput::OneOf(options) => {
                Self::OneOf(options.into_iter().map(|Json(option)| option).collect())
            }
            VariableRuleInput::AtLeast(bound) => Self::AtLeast(bound),
            VariableRuleInput::MoreThan(bound) => Self::MoreThan(bound),
            VariableRuleInput::AtMost(bound) => Self::AtMost(bound),
            VariableRuleInput::LessThan(bound) => Self::LessThan(bound),
            VariableRuleInput::Whole(_) => Self::Whole,
            VariableRuleInput::LengthAtLeast(bound) => Self::LengthAtLeast(bound),
            VariableRuleInput::LengthAtMost(bound) => Self::LengthAtMost(bound),
            VariableRuleInput::Pattern(pattern) => Self::Pattern(pattern),
        }
    }
}

impl TemplateVariableInput {
    /// The variable, as the import of `field` found it.
    ///
    /// # Errors
    /// For texts of the manifest that break a rule of ours.
    pub(crate) fn parse(self, field: &[&str]) -> Result<Variable, Refusal> {
        let display_name =
            name::one_line(&[field, &["displayName"]].concat(), &self.display_name, DISPLAY_NAME_MAX)?;
        let icon = name::icon(&[field, &["icon"]].concat(), &self.icon)?;
        if !is_identifier(&self.name) {
            let message = "a variable is called by letters, digits, `_` and `-`, and begins with a letter or `_`; at most 128 \
                           characters";
            return Err(Refusal::invalid(&[field, &["name"]].concat(), message));
        }
        let variable: Variable = self.into();
        // What is never shown is not kept either.
        let default = variable.default.clone().filter(|_| !variable.sensitive);
        Ok(Variable { display_name, icon, default, ..variable })
    }
}

/// Whether Terraform would take it for the name of a variable.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && name.chars().count() <= 128
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
            rules: input.rules.into_iter().map(Into::into).collect(),
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
            display_name: input.display_name,
            icon: input.icon,
            order: input.order,
            immutable: input.immutable,
        }
    }
}
