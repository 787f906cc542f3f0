//! The JSON syntax, `*.tf.json`.

use serde_json::{Map, Value};

use super::{Declarations, ModuleError, Place, Validation, VariableBlock};
use crate::engine::Resource;

pub(super) fn read(file: &str, text: &str) -> Result<Declarations, ModuleError> {
    let root: Value = serde_json::from_str(text).map_err(|error| ModuleError::Syntax {
        file: file.to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
        source_line: text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().to_owned(),
    })?;
    let mut declared = Declarations::default();
    for (name, body) in labelled(&root, "variable") {
        declared.variables.push(variable(file, name, body)?);
    }
    for (kind, named) in labelled(&root, "resource") {
        for (name, _) in blocks(named).flat_map(Map::iter) {
            let address = format!("{kind}.{name}");
            declared.resources.push(Resource { address, kind: kind.clone(), name: name.clone() });
        }
    }
    for terraform in root.get("terraform").into_iter().flat_map(blocks) {
        for name in ["backend", "cloud"] {
            if terraform.contains_key(name) {
                declared.backend = Some(name);
            }
        }
    }
    Ok(declared)
}

fn variable(file: &str, name: &str, body: &Value) -> Result<VariableBlock, ModuleError> {
    let place = Place { file: file.to_owned(), line: None };
    let refuse = |message: String| ModuleError::Block { place: place.clone(), message };
    let Some(body) = blocks(body).next() else {
        return Err(refuse(format!("variable `{name}` must be an object")));
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let boolean = |key: &str| body.get(key).and_then(Value::as_bool);
    let mut validations = Vec::new();
    for validation in body.get("validation").into_iter().flat_map(blocks) {
        let part = |key: &str| validation.get(key).and_then(Value::as_str);
        let (Some(condition), Some(message)) = (part("condition"), part("error_message")) else {
            let rule = "needs both `condition` and `error_message`";
            return Err(refuse(format!("a validation of variable `{name}` {rule}")));
        };
        // In JSON an expression is a template of one interpolation.
        let expression = condition.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let condition = expression.unwrap_or(condition).trim().to_owned();
        validations.push(Validation { condition, error_message: message.to_owned(), rules: Vec::new() });
    }
    Ok(VariableBlock {
        name: name.to_owned(),
        place,
        type_expression: text("type"),
        description: text("description"),
        default: body.get("default").cloned(),
        sensitive: boolean("sensitive"),
        nullable: boolean("nullable"),
        ephemeral: boolean("ephemeral"),
        validations,
    })
}

/// The blocks of a kind with their first label. A comment (`"//"`) is no label.
fn labelled<'a>(root: &'a Value, kind: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let found = root.get(kind).into_iter().flat_map(blocks);
    found.flat_map(Map::iter).filter(|(label, _)| *label != "//")
}

/// Several blocks may be written as a list, one as itself.
fn blocks(value: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let list = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    list.iter().filter_map(Value::as_object)
}
