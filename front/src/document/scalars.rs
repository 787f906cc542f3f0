//! Literals of scalars that the schema has of its own. The compiler takes any literal for one; the host is asked, once for
//! each document, so that a wrong one is told with its place before anything runs, as a wrong value in a variable is.

use std::fmt::Write as _;

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{Type, Value},
    executable::{Selection, SelectionSet},
    schema::ExtendedType,
};

use super::lines::Lines;
use crate::{
    coerce::{OwnScalar, bad_input, constant},
    error::Refused,
};

/// Checks defaults of variables and arguments of fields.
///
/// # Errors
/// `BAD_USER_INPUT` for the first that does not fit, with its path in `argument`.
pub(super) fn check(
    schema: &Schema,
    own: &OwnScalar<'_>,
    document: &ExecutableDocument,
    lines: &Lines<'_>,
) -> Result<(), Refused> {
    let literals = Literals { schema, own, lines };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            let Some(default) = &variable.default_value else { continue };
            let what = format!("Variable \"${}\"", variable.name);
            literals.whole(&what, variable.name.as_str(), &variable.ty, default)?;
        }
        literals.set(&operation.selection_set)?;
    }
    document.fragments.values().try_for_each(|fragment| literals.set(&fragment.selection_set))
}

struct Literals<'a> {
    schema: &'a Schema,
    own: &'a OwnScalar<'a>,
    lines: &'a Lines<'a>,
}

/// A literal that does not fit, and what is expected.
type Wrong<'a> = (&'a Node<Value>, String);

impl Literals<'_> {
    /// The arguments of a set, as it is written.
    fn set(&self, set: &SelectionSet) -> Result<(), Refused> {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        let name = argument.name.as_str();
                        let Some(defined) = field.definition.argument_by_name(name) else { continue };
                        self.whole(&format!("Argument \"{name}\""), name, &defined.ty, &argument.value)?;
                    }
                    field.selection_set.iter().try_for_each(|set| self.set(set))?;
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    /// A literal and all that is in it. `what` has it under `name`.
    fn whole(&self, what: &str, name: &str, ty: &Type, literal: &Node<Value>) -> Result<(), Refused> {
        let mut path = name.to_owned();
        self.value(ty, literal, &mut path).map_err(|(at, problem)| {
            bad_input(what, name, &path, &problem).at(self.lines.start(at.location())).into()
        })
    }

    /// Leaves the path at what is wrong.
    fn value<'v>(&self, ty: &Type, literal: &'v Node<Value>, path: &mut String) -> Result<(), Wrong<'v>> {
        let length = path.len();
        match (ty, literal.as_ref()) {
            (_, Value::Null | Value::Variable(_)) => {}
            (Type::List(item) | Type::NonNullList(item), Value::List(items)) => {
                for (index, literal) in items.iter().enumerate() {
                    // Writing to a string does not fail.
                    let _ = write!(path, "[{index}]");
                    self.value(item, literal, path)?;
                    path.truncate(length);
                }
            }
            (Type::List(item) | Type::NonNullList(item), _) => self.value(item, literal, path)?,
            (Type::Named(name) | Type::NonNullNamed(name), value) => {
                match (self.schema.types.get(name), value) {
                    (Some(ExtendedType::Scalar(definition)), _) if !definition.is_built_in() => {
                        (self.own)(name, &constant(value)).map_err(|problem| (literal, problem))?;
                    }
                    (Some(ExtendedType::InputObject(definition)), Value::Object(fields)) => {
                        for (name, literal) in fields {
                            let Some(field) = definition.fields.get(name) else { continue };
                            let _ = write!(path, ".{name}");
                            self.value(&field.ty, literal, path)?;
                            path.truncate(length);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value as Constant;

    use super::*;

    /// What is said of a document: the path of what is wrong, the message and the place.
    fn check_text(text: &str) -> Option<(String, String, String)> {
        let sdl =
            "scalar Small scalar JSON input In { small: Small inner: In smalls: [Small!] any: JSON n: Int }
            type Query { f(small: Small, in: In, smalls: [[Small]], any: JSON): Int n: Query }";
        let schema = Schema::parse_and_validate(sdl, "schema").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, text, "request").unwrap();
        let small = |name: &str, value: &Constant| match value {
            Constant::String(text) if text.len() <= 3 => Ok(()),
            _ if name == "Small" => Err("expected three letters".to_owned()),
            _ => Ok(()),
        };
        let refused = check(&schema, &small, &document, &Lines::of(text)).err()?;
        let error = &refused.errors[0];
        let (_, argument) = error.details.iter().find(|(name, _)| name == "argument").unwrap();
        let place = error.locations[0];
        let argument = argument.as_str().unwrap().to_owned();
        Some((argument, error.message.to_string(), format!("{}:{}", place.line, place.column)))
    }

    #[test]
    fn what_fits_is_let_through() {
        for text in [
            r#"{ f(small: "abc", in: { small: null, smalls: "a", inner: { smalls: ["a", "b"] } }) }"#,
            r#"query($s: Small = "abc", $i: In = { smalls: ["a"] }) { f(small: $s, in: $i) }"#,
            r#"query($s: Small!) { f(in: { smalls: [$s] }, any: { x: [$s, 12345, "12345"] }) }"#,
            r#"{ f(smalls: [["a", null], []]) }"#,
        ] {
            assert_eq!(check_text(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not_is_told_where_it_is() {
        for (text, path, place) in [
            (r#"{ f(small: "abcd") }"#, "small", "1:12"),
            ("{ f(small: 7) }", "small", "1:12"),
            ("{ f(small: { small: 7 }) }", "small", "1:12"),
            (r#"{ n { f(in: { n: 1, small: "abcd" }) } }"#, "in.small", "1:28"),
            (r#"{ f(in: { inner: { smalls: ["a", "abcd"] } }) }"#, "in.inner.smalls[1]", "1:34"),
            (r#"{ f(in: { smalls: "abcd" }) }"#, "in.smalls", "1:19"),
            (r#"{ f(smalls: [["a"], ["b", "abcd"]]) }"#, "smalls[1][1]", "1:27"),
            (r#"query($s: Small = "abcd") { f(small: $s) }"#, "s", "1:19"),
            (r#"query($i: In = { smalls: ["abcd"] }) { f(in: $i) }"#, "i.smalls[0]", "1:27"),
            ("{ n { ...F } } fragment F on Query { ... { f(small: 7) } }", "small", "1:53"),
            (r#"{ f(small: "abcd") @skip(if: true) }"#, "small", "1:12"),
        ] {
            let (argument, message, at) = check_text(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((argument.as_str(), at.as_str()), (path, place), "{text}: {message}");
            assert!(message.ends_with(": expected three letters.") && !message.contains("abcd"), "{message}");
        }
        let (_, message, _) = check_text(r#"{ f(in: { small: "abcd" }) }"#).unwrap();
        assert_eq!(message, r#"Argument "in" got an invalid value at "in.small": expected three letters."#);
        let (_, message, _) = check_text(r#"query($s: Small = "abcd") { f(small: $s) }"#).unwrap();
        assert_eq!(message, r#"Variable "$s" got an invalid value: expected three letters."#);
    }
}
