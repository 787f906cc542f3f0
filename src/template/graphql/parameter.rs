//! How parameters look: variables as a form shows them.

use async_graphql::{Enum, Object};
use guildhall_entity::json::{Rule, Variable};

use super::variable::VariableValidation;
use crate::graphql::scalar::Json;

/// What a value of a parameter is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum TemplateParameterType {
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A list, set or tuple; given as JSON.
    List,
    /// A map or object; given as JSON.
    Object,
    /// Anything: JSON if it is some, else text.
    Any,
}

/// A parameter.
#[derive(Clone)]
pub(crate) struct TemplateParameter(pub(super) Variable);

impl TemplateParameter {
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.validations.iter().flat_map(|validation| &validation.rules)
    }
}

/// A variable of the module as people give it a value: with what the module's `guildhall.toml` says of it, and the conditions
/// that could be read without Terraform. The server holds values against those before it queues a build; Terraform judges
/// the others. Visible with its version.
#[Object]
impl TemplateParameter {
    /// The name of the variable.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name as people read it; the name where the manifest gives none.
    async fn display_name(&self) -> &str {
        if self.0.display_name.is_empty() { &self.0.name } else { &self.0.display_name }
    }

    /// What its author says of it; may be empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// An emoji, URL or site path; may be empty.
    async fn icon(&self) -> &str {
        &self.0.icon
    }

    /// What its values are made of.
    #[graphql(name = "type")]
    async fn kind(&self) -> TemplateParameterType {
        let expression = self.0.r#type.trim();
        match expression.split('(').next().unwrap_or_default().trim() {
            "string" => TemplateParameterType::String,
            "number" => TemplateParameterType::Number,
            "bool" => TemplateParameterType::Bool,
            "list" | "set" | "tuple" => TemplateParameterType::List,
            "map" | "object" => TemplateParameterType::Object,
            _ => TemplateParameterType::Any,
        }
    }

    /// Its Terraform type expression, e.g. `list(string)`.
    async fn type_expression(&self) -> &str {
        &self.0.r#type
    }

    /// Its default; null when there is none. Null for a sensitive one.
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

    /// Whether it stays as it was when the workspace was made.
    async fn immutable(&self) -> bool {
        self.0.immutable
    }

    /// Whether its value is for one build: the next one does not take it over, and it is never shown.
    async fn ephemeral(&self) -> bool {
        self.0.ephemeral
    }

    /// The values that it takes; null when they are not listed.
    async fn options(&self) -> Option<Vec<Json>> {
        self.rules().find_map(|rule| match rule {
            Rule::OneOf(options) => Some(options.iter().cloned().map(Json).collect()),
            _ => None,
        })
    }

    /// The smallest number that it takes; null when there is none. With `minimumIsExclusive` it takes larger ones only.
    async fn minimum(&self) -> Option<f64> {
        self.lower().map(|(bound, _)| bound)
    }

    /// Whether `minimum` itself is too small.
    async fn minimum_is_exclusive(&self) -> bool {
        self.lower().is_some_and(|(_, exclusive)| exclusive)
    }

    /// The largest number that it takes; null when there is none. With `maximumIsExclusive` it takes smaller ones only.
    async fn maximum(&self) -> Option<f64> {
        self.upper().map(|(bound, _)| bound)
    }

    /// Whether `maximum` itself is too large.
    async fn maximum_is_exclusive(&self) -> bool {
        self.upper().is_some_and(|(_, exclusive)| exclusive)
    }

    /// Whether it takes whole numbers only.
    async fn is_whole(&self) -> bool {
        self.rules().any(|rule| *rule == Rule::Whole)
    }

    /// The fewest characters of a text or entries of a list or object; null when there is no such bound.
    async fn minimum_length(&self) -> Option<u32> {
        let bounds = self.rules().filter_map(|rule| match rule {
            Rule::LengthAtLeast(bound) => Some(*bound),
            _ => None,
        });
        bounds.max()
    }

    /// The most characters of a text or entries of a list or object; null when there is no such bound.
    async fn maximum_length(&self) -> Option<u32> {
        let bounds = self.rules().filter_map(|rule| match rule {
            Rule::LengthAtMost(bound) => Some(*bound),
            _ => None,
        });
        bounds.min()
    }

    /// A regular expression (RE2) that matches somewhere in every text it takes; null when there is none.
    async fn pattern(&self) -> Option<&str> {
        self.rules().find_map(|rule| match rule {
            Rule::Pattern(pattern) => Some(pattern.as_str()),
            _ => None,
        })
    }

    /// All conditions that a value must fulfil, as they are written.
    async fn validations(&self) -> Vec<VariableValidation> {
        self.0.validations.iter().map(VariableValidation::from).collect()
    }
}

impl TemplateParameter {
    fn lower(&self) -> Option<(f64, bool)> {
        let bounds = self.rules().filter_map(|rule| match rule {
            Rule::AtLeast(bound) => Some((*bound, false)),
            Rule::MoreThan(bound) => Some((*bound, true)),
            _ => None,
        });
        bounds.max_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)))
    }

    fn upper(&self) -> Option<(f64, bool)> {
        let bounds = self.rules().filter_map(|rule| match rule {
            Rule::AtMost(bound) => Some((*bound, false)),
            Rule::LessThan(bound) => Some((*bound, true)),
            _ => None,
        });
        bounds.min_by(|one, two| one.0.total_cmp(&two.0).then(two.1.cmp(&one.1)))
    }
}
