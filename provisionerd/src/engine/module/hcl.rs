//! The native syntax, `*.tf`.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Block, BlockLabel, Body};
use hcl_edit::template::{Element, HeredocTemplate};
use serde_json::{Map, Number, Value};

use super::{Declarations, ModuleError, Place, Validation, VariableBlock};
use crate::engine::Resource;

const SHOWN_LINE: usize = 160;

pub(super) fn read(file: &str, text: &str) -> Result<Declarations, ModuleError> {
    let body: Body = text.parse().map_err(|error| syntax(file, &error))?;
    let source = Source { file, text };
    let mut declared = Declarations::default();
    for block in body.blocks() {
        match block.ident.as_str() {
            "variable" => declared.variables.push(source.variable(block)?),
            "resource" => declared.resources.push(source.resource(block)?),
            "terraform" => {
                for (name, nested) in [("backend", "backend"), ("cloud", "cloud")] {
                    if block.body.has_blocks(nested) {
                        declared.backend = Some(name);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(declared)
}

fn syntax(file: &str, error: &hcl_edit::parser::Error) -> ModuleError {
    ModuleError::Syntax {
        file: file.to_owned(),
        line: error.location().line(),
        column: error.location().column(),
        message: error.message().to_owned(),
        source_line: error.line().trim_end().chars().take(SHOWN_LINE).collect(),
    }
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn variable(&self, block: &Block) -> Result<VariableBlock, ModuleError> {
        let [name] = self.labels(block, "a variable has one label, its name: `variable \"region\" {`")?;
        let attribute = |key| block.body.get_attribute(key).map(|attribute| &attribute.value);
        let mut variable = VariableBlock {
            name,
            place: self.place(block),
            type_expression: attribute("type").map(|value| self.type_expression(value)),
            description: attribute("description").and_then(text),
            sensitive: attribute("sensitive").and_then(boolean),
            nullable: attribute("nullable").and_then(boolean),
            ephemeral: attribute("ephemeral").and_then(boolean),
            ..VariableBlock::default()
        };
        if let Some(default) = attribute("default") {
            variable.default = Some(literal(default).ok_or_else(|| {
                self.refuse(
                    block,
                    format!("the default of variable `{}` must be a literal value", variable.name),
                )
            })?);
        }
        for validation in block.body.get_blocks("validation") {
            let part = |key| validation.body.get_attribute(key).map(|attribute| &attribute.value);
            let (Some(condition), Some(message)) = (part("condition"), part("error_message")) else {
                let why = format!(
                    "a validation of variable `{}` needs both `condition` and `error_message`",
                    variable.name
                );
                return Err(self.refuse(validation, why));
            };
            variable.validations.push(Validation {
                condition: self.written(condition),
                error_message: text(message).unwrap_or_else(|| self.written(message)),
                rules: Vec::new(),
            });
        }
        Ok(variable)
    }

    fn resource(&self, block: &Block) -> Result<Resource, ModuleError> {
        let [kind, name] = self.labels(block, "a resource has two labels, its type and its name")?;
        Ok(Resource { address: format!("{kind}.{name}"), kind, name })
    }

    fn labels<const N: usize>(&self, block: &Block, rule: &str) -> Result<[String; N], ModuleError> {
        let labels = block.labels.iter().map(BlockLabel::as_str).map(str::to_owned).collect::<Vec<_>>();
        <[String; N]>::try_from(labels).map_err(|_| self.refuse(block, rule.to_owned()))
    }

    /// Terraform 0.11 wrote `type = "string"`.
    fn type_expression(&self, value: &Expression) -> String {
        text(value).unwrap_or_else(|| self.written(value))
    }

    /// The expression as it stands in the file.
    fn written(&self, expression: &Expression) -> String {
        let range = expression.span().unwrap_or_default();
        self.text.get(range).unwrap_or_default().trim().to_owned()
    }

    fn place(&self, block: &Block) -> Place {
        let start = block.span().unwrap_or_default().start;
        let before = self.text.get(..start).unwrap_or_default();
        Place { file: self.file.to_owned(), line: Some(before.matches('\n').count() + 1) }
    }

    fn refuse(&self, block: &Block, message: String) -> ModuleError {
        ModuleError::Block { place: self.place(block), message }
    }
}

fn text(expression: &Expression) -> Option<String> {
    match literal(expression)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn boolean(expression: &Expression) -> Option<bool> {
    match literal(expression)? {
        Value::Bool(value) => Some(value),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The value of an expression that needs no evaluation; `None` for every other.
pub(super) fn literal(expression: &Expression) -> Option<Value> {
    Some(match expression {
        Expression::Null(_) => Value::Null,
        Expression::Bool(value) => Value::Bool(*value.value()),
        Expression::Number(value) => Value::Number(number(value.value())?),
        Expression::String(value) => Value::String(value.value().clone()),
        Expression::HeredocTemplate(value) => Value::String(heredoc(value)?),
        Expression::Parenthesis(value) => literal(value.inner())?,
        Expression::Array(items) => Value::Array(items.iter().map(literal).collect::<Option<_>>()?),
        Expression::Object(object) => {
            let mut fields = Map::new();
            for (key, value) in object.iter() {
                let key = match key {
                    ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                    ObjectKey::Expression(expression) => match literal(expression)? {
                        Value::String(text) => text,
                        Value::Number(number) => number.to_string(),
                        Value::Bool(value) => value.to_string(),
                        _ => return None,
                    },
                };
                fields.insert(key, literal(value.expr())?);
            }
            Value::Object(fields)
        }
        Expression::UnaryOp(operation) if *operation.operator.value() == UnaryOperator::Neg => {
            match literal(&operation.expr)? {
                Value::Number(number) => Value::Number(negative(&number)?),
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn number(number: &hcl_edit::Number) -> Option<Number> {
    match (number.as_i64(), number.as_u64()) {
        (Some(value), _) => Some(value.into()),
        (None, Some(value)) => Some(value.into()),
        (None, None) => Number::from_f64(number.as_f64()?),
    }
}

fn negative(number: &Number) -> Option<Number> {
    match number.as_i64().and_then(i64::checked_neg) {
        Some(value) => Some(value.into()),
        None => Number::from_f64(-number.as_f64()?),
    }
}

fn heredoc(heredoc: &HeredocTemplate) -> Option<String> {
    let mut heredoc = heredoc.clone();
    if heredoc.indent().is_some() {
        heredoc.dedent();
    }
    heredoc
        .template
        .iter()
        .map(|element| match element {
            Element::Literal(text) => Some(text.as_str()),
            Element::Interpolation(_) | Element::Directive(_) => None,
        })
        .collect()
}
