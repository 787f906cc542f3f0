//! Variables that are used but not defined. The compiler looks for them everywhere but inside literals of custom
//! scalars, where one of them would make the executor fail.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::Value,
    executable::{Argument, Operation, Selection, SelectionSet},
};

use super::lines::Lines;
use crate::error::{ErrorCode, GraphqlError, Refused};

/// Checks the variables of an operation and of the fragments it uses.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` for the first variable without a definition.
pub(super) fn defined(
    document: &ExecutableDocument,
    operation: &Operation,
    lines: &Lines<'_>,
) -> Result<(), Refused> {
    let defined = operation.variables.iter().map(|variable| variable.name.as_str()).collect();
    let mut uses = Uses { document, defined, seen: HashSet::new() };
    match uses.first_unknown(&operation.selection_set) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Variable \"${name}\" is not defined.");
            let error = GraphqlError::new(ErrorCode::GraphqlValidationFailed, message);
            Err(error.at(lines.start(name.location())).into())
        }
    }
}

struct Uses<'a> {
    document: &'a ExecutableDocument,
    defined: HashSet<&'a str>,
    /// Fragments that were looked at.
    seen: HashSet<&'a str>,
}

impl<'a> Uses<'a> {
    fn first_unknown(&mut self, set: &'a SelectionSet) -> Option<&'a Name> {
        set.selections.iter().find_map(|selection| {
            let mut directives = selection.directives().iter();
            directives.find_map(|directive| self.in_arguments(&directive.arguments)).or_else(|| {
                match selection {
                    Selection::Field(field) => self
                        .in_arguments(&field.arguments)
                        .or_else(|| field.selection_set.as_ref().and_then(|set| self.first_unknown(set))),
                    Selection::InlineFragment(fragment) => self.first_unknown(&fragment.selection_set),
                    Selection::FragmentSpread(spread) => {
                        let fragment = self.document.fragments.get(&spread.fragment_name)?;
                        if self.seen.insert(spread.fragment_name.as_str()) {
                            self.first_unknown(&fragment.selection_set)
                        } else {
                            None
                        }
                    }
                }
            })
        })
    }

    fn in_arguments(&self, arguments: &'a [Node<Argument>]) -> Option<&'a Name> {
        arguments.iter().find_map(|argument| self.in_value(&argument.value))
    }

    fn in_value(&self, value: &'a Value) -> Option<&'a Name> {
        match value {
            Value::Variable(name) => (!self.defined.contains(name.as_str())).then_some(name),
            Value::List(items) => items.iter().find_map(|item| self.in_value(item)),
            Value::Object(fields) => fields.iter().find_map(|(_, value)| self.in_value(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema;

    use super::*;

    #[test]
    fn variables_inside_custom_scalars_are_found() {
        let schema =
            Schema::parse_and_validate("scalar JSON type Query { json(v: JSON): Int n: Query }", "schema");
        let schema = schema.unwrap();
        let check = |text: &str| {
            let document = ExecutableDocument::parse_and_validate(&schema, text, "request").unwrap();
            let operation = document.operations.iter().next().unwrap();
            defined(&document, operation, &Lines::of(text))
                .err()
                .map(|refused| refused.errors[0].message.to_string())
        };
        assert_eq!(check("query($a: Int) { json(v: {x: [$a]}) }"), None);
        let problem = Some("Variable \"$b\" is not defined.".to_owned());
        assert_eq!(check("query($a: Int) { json(v: {x: [$a, $b]}) }"), problem);
        assert_eq!(
            check(
                "{ n { ...F } } fragment F on Query { n { ...G } } fragment G on Query { json(v: {x: [$b]}) }"
            ),
            problem
        );
    }
}
