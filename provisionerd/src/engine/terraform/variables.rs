//! The values that a build or a dry run gives to the module's variables.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::engine::module::{Module, RESERVED_VARIABLE, parse_value};
use crate::engine::{EngineError, LogLevel, LogSink, Parameter, Stage, Transition};

/// The content of the variable file, each value converted by the type its variable declares. Sensitive values
/// are hidden from the log from here on.
///
/// # Errors
/// [`EngineError::Parameter`] names the first value that doesn't fit.
pub(crate) fn values(
    module: &Module,
    parameters: &[Parameter],
    workspace: &Value,
    transition: Transition,
    sink: &LogSink,
) -> Result<Map<String, Value>, EngineError> {
    let mut values = Map::new();
    for parameter in parameters {
        let declared = module.variables.iter().find(|variable| variable.name == parameter.name);
        let text = parameter.value.expose_secret();
        if parameter.sensitive || declared.is_some_and(|variable| variable.sensitive) {
            sink.hide(text);
        }
        let Some(variable) = declared else {
            let note =
                format!("This version declares no variable `{}`: its value is left out.", parameter.name);
            sink.daemon(LogLevel::Warn, Stage::Setup, &note);
            continue;
        };
        let value = parse_value(variable.type_expression.as_deref(), text)
            .map_err(|reason| EngineError::Parameter { name: parameter.name.clone(), reason })?;
        values.insert(parameter.name.clone(), value);
    }
    hide_sensitive_defaults(module, sink);
    if module.wants_workspace {
        let mut workspace = workspace.clone();
        if let Some(fields) = workspace.as_object_mut() {
            // One spelling for templates to compare with, whatever the API's enumeration looks like.
            fields.insert("transition".to_owned(), json!(transition.name()));
        }
        values.insert(RESERVED_VARIABLE.to_owned(), workspace);
    }
    Ok(values)
}

/// What an import plans with: the defaults, and a workspace that stands for any.
pub(super) fn sample(module: &Module, sink: &LogSink) -> Map<String, Value> {
    hide_sensitive_defaults(module, sink);
    let mut values = Map::new();
    if module.wants_workspace {
        let workspace = json!({
            "id": "wks_00000000000000000000000000",
            "name": "example",
            "transition": "start",
            "owner": "example",
            "organization": "example",
        });
        values.insert(RESERVED_VARIABLE.to_owned(), workspace);
    }
    values
}

fn hide_sensitive_defaults(module: &Module, sink: &LogSink) {
    for default in module.variables.iter().filter(|v| v.sensitive).filter_map(|v| v.default.as_ref()) {
        match default {
            Value::String(text) => sink.hide(text),
            other => sink.hide(&other.to_string()),
        }
    }
}
