//! What can be said of a value without Terraform: its type, and the conditions whose meaning the import has read. All others
//! are Terraform's to judge, when the build plans.

use guildhall_entity::json::{Rule, Variable};
use regex::RegexBuilder;
use serde_json::Value;

use crate::error::MismatchKind;

/// The longest value, in bytes.
const VALUE_MAX: usize = 64 * 1024;
/// The longest pattern that is evaluated, in bytes, and the most memory that it may take.
const PATTERN_MAX: usize = 1024;
const PATTERN_MEMORY: usize = 1024 * 1024;

type Problem = (MismatchKind, String);

/// Whether a variable takes a value.
///
/// # Errors
/// What is wrong with it, without the value itself, which may be secret.
pub(super) fn fits(variable: &Variable, text: &str) -> Result<(), Problem> {
    let value = typed(variable, text).map_err(|message| (MismatchKind::Type, message))?;
    for validation in &variable.validations {
        for rule in &validation.rules {
            if let Some(kind) = broken(rule, &value) {
                return Err((kind, said(variable, rule, &validation.error_message)));
            }
        }
    }
    Ok(())
}

/// The value of a type that rules can be held against; null for every other.
fn typed(variable: &Variable, text: &str) -> Result<Value, String> {
    let name = &variable.name;
    if text.len() > VALUE_MAX {
        return Err(format!("the value of `{name}` has more than {VALUE_MAX} bytes"));
    }
    if text.contains('\0') {
        return Err(format!("the value of `{name}` contains a NUL character"));
    }
    let parsed = || serde_json::from_str::<Value>(text.trim());
    let kind = variable.r#type.trim();
    // Where there is a default, Terraform takes that instead.
    let needs_value = variable.required && !variable.nullable && kind != "string";
    if needs_value && parsed().is_ok_and(|value| value.is_null()) {
        return Err(format!("`{name}` needs a value: null is none"));
    }
    match kind {
        "string" => Ok(Value::String(text.to_owned())),
        "number" => match parsed() {
            Ok(value @ (Value::Number(_) | Value::Null)) => Ok(value),
            _ => Err(format!("`{name}` is a number, e.g. 2 or 0.5")),
        },
        "bool" => match parsed() {
            Ok(value @ (Value::Bool(_) | Value::Null)) => Ok(value),
            _ => Err(format!("`{name}` is true or false")),
        },
        kind if ["list(", "set(", "tuple("].iter().any(|outer| kind.starts_with(outer)) => match parsed() {
            Ok(value @ (Value::Array(_) | Value::Null)) => Ok(value),
            _ => Err(format!("`{name}` is a {kind}: write it as JSON, e.g. [\"a\", \"b\"]")),
        },
        kind if ["map(", "object("].iter().any(|outer| kind.starts_with(outer)) => match parsed() {
            Ok(value @ (Value::Object(_) | Value::Null)) => Ok(value),
            _ => Err(format!("`{name}` is a map or object: write it as JSON, e.g. {{\"a\": \"b\"}}")),
        },
        _ => Ok(Value::Null),
    }
}

/// How a value breaks a rule; `None` when it keeps it, or when only Terraform can tell.
fn broken(rule: &Rule, value: &Value) -> Option<MismatchKind> {
    let number = value.as_f64();
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        _ => None,
    };
    let is_out = |out: bool, kind| out.then_some(kind);
    match rule {
        Rule::OneOf(options) => {
            let simple = matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
            is_out(simple && !options.iter().any(|option| same(option, value)), MismatchKind::Option)
        }
        Rule::AtLeast(bound) => is_out(number.is_some_and(|number| number < *bound), MismatchKind::Range),
        Rule::MoreThan(bound) => is_out(number.is_some_and(|number| number <= *bound), MismatchKind::Range),
        Rule::AtMost(bound) => is_out(number.is_some_and(|number| number > *bound), MismatchKind::Range),
        Rule::LessThan(bound) => is_out(number.is_some_and(|number| number >= *bound), MismatchKind::Range),
        Rule::Whole => is_out(number.is_some_and(|number| number.fract() != 0.0), MismatchKind::Range),
        Rule::LengthAtLeast(bound) => {
            is_out(length.is_some_and(|length| length < *bound as usize), MismatchKind::Range)
        }
        Rule::LengthAtMost(bound) => {
            is_out(length.is_some_and(|length| length > *bound as usize), MismatchKind::Range)
        }
        Rule::Pattern(pattern) => {
            is_out(value.as_str().is_some_and(|text| misses(pattern, text)), MismatchKind::Pattern)
        }
    }
}

fn same(option: &Value, value: &Value) -> bool {
    match (option.as_f64(), value.as_f64()) {
        (Some(option), Some(value)) => option == value,
        _ => option == value,
    }
}

/// Whether a text surely does not match: the patterns of both sides are nearly the same language. Where they differ (classes
/// such as `\d` know more than ASCII here), or a pattern is too large, Terraform decides.
fn misses(pattern: &str, text: &str) -> bool {
    if pattern.len() > PATTERN_MAX || (!text.is_ascii() && pattern.contains('\\')) {
        return false;
    }
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_MEMORY).dfa_size_limit(PATTERN_MEMORY).build();
    built.is_ok_and(|regex| !regex.is_match(text))
}

/// What the author says of it, with what would be right where that is short.
fn said(variable: &Variable, rule: &Rule, error_message: &str) -> String {
    let right = match rule {
        Rule::OneOf(options) => {
            let options: Vec<_> = options
                .iter()
                .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
                .collect();
            format!("one of {}", options.join(", "))
        }
        Rule::AtLeast(bound) => format!("at least {bound}"),
        Rule::MoreThan(bound) => format!("more than {bound}"),
        Rule::AtMost(bound) => format!("at most {bound}"),
        Rule::LessThan(bound) => format!("less than {bound}"),
        Rule::Whole => "a whole number".to_owned(),
        Rule::LengthAtLeast(bound) => format!("at least {bound} long"),
        Rule::LengthAtMost(bound) => format!("at most {bound} long"),
        Rule::Pattern(pattern) => format!("a text that matches `{pattern}`"),
    };
    format!("`{}` is {right}: {error_message}", variable.name)
}
