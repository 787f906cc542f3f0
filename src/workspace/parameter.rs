//! The values of a build: checked against the template's variables before anything is queued.

use guildhall_entity::json::{Variable, Variables};

use super::Given;
use crate::error::{Error, Refusal, Result};

/// The variable that receives the context of a build.
const RESERVED: &str = "workspace";
/// The longest value, in bytes.
const VALUE_MAX: usize = 64 * 1024;

/// A checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) sensitive: bool,
}

/// Checks what somebody gave, over the values of the build before. Values of variables that the version no longer has
/// are dropped.
///
/// # Errors
/// One refusal for each value that is wrong or missing.
pub(super) fn check(variables: &Variables, given: Vec<Given>, before: Vec<Given>) -> Result<Vec<Value>> {
    let mut refusals = Vec::new();
    for (i, value) in given.iter().enumerate() {
        let at = i.to_string();
        let field = ["parameters", at.as_str()];
        match find(variables, &value.name) {
            None => refusals.push(Refusal::invalid(&field, unknown(variables, &value.name))),
            Some(variable) => {
                if given[..i].iter().any(|earlier| earlier.name == value.name) {
                    refusals.push(Refusal::invalid(&field, format!("`{}` is given twice", variable.name)));
                }
                if let Err(problem) = fits(variable, &value.value) {
                    refusals.push(Refusal::invalid(&field, problem));
                }
            }
        }
    }
    let mut values = Vec::new();
    for variable in variables.0.iter().filter(|variable| variable.name != RESERVED) {
        let named = |value: &&Given| value.name == variable.name;
        match given.iter().find(named).or_else(|| before.iter().find(named)) {
            Some(value) => values.push(Value {
                name: variable.name.clone(),
                value: value.value.clone(),
                sensitive: variable.sensitive || variable.ephemeral,
            }),
            None if variable.required => {
                let what = if variable.description.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", variable.description)
                };
                let message = format!("the template needs a value for `{}`{what}", variable.name);
                refusals.push(Refusal::invalid(&["parameters"], message));
            }
            None => {}
        }
    }
    if refusals.is_empty() { Ok(values) } else { Err(Error::Refused(refusals)) }
}

fn find<'a>(variables: &'a Variables, name: &str) -> Option<&'a Variable> {
    variables.0.iter().find(|variable| variable.name == name && name != RESERVED)
}

fn unknown(variables: &Variables, name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let names: Vec<_> =
        variables.0.iter().map(|variable| variable.name.as_str()).filter(|name| *name != RESERVED).collect();
    if names.is_empty() {
        return format!("the template has no parameter `{shown}`; it has none at all");
    }
    format!("the template has no parameter `{shown}`; it has {}", names.join(", "))
}

/// What can be said without Terraform: simple types. Conditions are Terraform's to judge, when the build plans.
fn fits(variable: &Variable, value: &str) -> Result<(), String> {
    let name = &variable.name;
    if value.len() > VALUE_MAX {
        return Err(format!("the value of `{name}` has more than {VALUE_MAX} bytes"));
    }
    if value.contains('\0') {
        return Err(format!("the value of `{name}` contains a NUL character"));
    }
    let parsed = || serde_json::from_str::<serde_json::Value>(value);
    match variable.r#type.trim() {
        "number" if value.trim().parse::<f64>().map_or(true, |number| !number.is_finite()) => {
            Err(format!("`{name}` is a number, e.g. 2 or 0.5"))
        }
        "bool" if !matches!(value.trim(), "true" | "false") => Err(format!("`{name}` is true or false")),
        kind if kind.starts_with("list(") || kind.starts_with("set(") || kind.starts_with("tuple(") => {
            match parsed() {
                Ok(serde_json::Value::Array(_)) => Ok(()),
                _ => Err(format!("`{name}` is a {kind}: write it as JSON, e.g. [\"a\", \"b\"]")),
            }
        }
        kind if kind.starts_with("map(") || kind.starts_with("object(") => match parsed() {
            Ok(serde_json::Value::Object(_)) => Ok(()),
            _ => Err(format!("`{name}` is a map or object: write it as JSON, e.g. {{\"a\": \"b\"}}")),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, kind: &str, required: bool) -> Variable {
        Variable {
            name: name.into(),
            r#type: kind.into(),
            description: String::new(),
            default: None,
            required,
            sensitive: name == "token",
            nullable: true,
            ephemeral: false,
            validations: Vec::new(),
        }
    }

    fn given(name: &str, value: &str) -> Given {
        Given { name: name.into(), value: value.into() }
    }

    #[test]
    fn values_are_checked_one_by_one() {
        let variables = Variables(vec![
            variable("cpu", "number", true),
            variable("zones", "list(string)", false),
            variable("token", "string", false),
            variable("workspace", "object({})", true),
        ]);
        let good =
            check(&variables, vec![given("cpu", "2"), given("token", "x")], Vec::new()).expect("they fit");
        assert_eq!(good.len(), 2);
        assert!(good[1].sensitive);
        let problems = |values| match check(&variables, values, Vec::new()) {
            Err(Error::Refused(refusals)) => refusals.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(problems(vec![]), 1);
        assert_eq!(problems(vec![given("cpu", "two")]), 1);
        assert_eq!(problems(vec![given("cpu", "NaN")]), 1);
        assert_eq!(problems(vec![given("cpu", "2"), given("cpu", "3")]), 1);
        assert_eq!(problems(vec![given("cpu", "2"), given("zones", "a")]), 1);
        assert_eq!(problems(vec![given("cpu", "2"), given("workspace", "{}")]), 1);
        assert_eq!(problems(vec![given("ram", "2")]), 2);
    }

    #[test]
    fn earlier_values_are_kept_where_nothing_new_is_given() {
        let variables = Variables(vec![variable("cpu", "number", true)]);
        let kept =
            check(&variables, Vec::new(), vec![given("cpu", "2"), given("gone", "x")]).expect("they fit");
        assert_eq!(kept, vec![Value { name: "cpu".into(), value: "2".into(), sensitive: false }]);
        let changed = check(&variables, vec![given("cpu", "4")], kept_as_given(&kept)).expect("they fit");
        assert_eq!(changed[0].value, "4");
    }

    fn kept_as_given(values: &[Value]) -> Vec<Given> {
        values.iter().map(|value| given(&value.name, &value.value)).collect()
    }
}
