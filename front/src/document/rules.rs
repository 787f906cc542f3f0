//! Rules of the specification that the compiler leaves out.

use std::collections::{BTreeSet, HashMap, HashSet};

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{Argument, Value},
    executable::{Field, Selection, SelectionSet},
    schema::ExtendedType,
    validation::DiagnosticList,
};

use super::{lines::Lines, variables};
use crate::{
    Limits,
    error::{ErrorCode, GraphqlError, Refused},
};

/// Checks introspection (a setting), variables inside custom scalars, input fields that are given twice, and arguments that differ only in the length
/// of a list.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`.
pub(super) fn check(
    schema: &Schema,
    document: &ExecutableDocument,
    lines: &Lines<'_>,
    limits: &Limits,
) -> Result<(), Refused> {
    for operation in document.operations.iter() {
        let set = &operation.selection_set;
        introspection(document, set, lines, limits)?;
        for variable in &operation.variables {
            variable.default_value.iter().try_for_each(|default| unique_fields(default, lines))?;
        }
        unique_in_set(set, lines)?;
        variables::defined(document, operation, lines)?;
        Merging { schema, document, lines, seen: HashSet::new() }.agree(&[set])?;
    }
    document.fragments.values().try_for_each(|fragment| unique_in_set(&fragment.selection_set, lines))
}

/// Input fields in the arguments of a set, as it is written.
fn unique_in_set(set: &SelectionSet, lines: &Lines<'_>) -> Result<(), Refused> {
    for selection in &set.selections {
        let directives = selection.directives().iter().flat_map(|directive| &directive.arguments);
        directives.into_iter().try_for_each(|argument| unique_fields(&argument.value, lines))?;
        match selection {
            Selection::Field(field) => {
                field.arguments.iter().try_for_each(|argument| unique_fields(&argument.value, lines))?;
                field.selection_set.iter().try_for_each(|set| unique_in_set(set, lines))?;
            }
            Selection::InlineFragment(fragment) => unique_in_set(&fragment.selection_set, lines)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn unique_fields(value: &Node<Value>, lines: &Lines<'_>) -> Result<(), Refused> {
    match value.as_ref() {
        Value::List(items) => items.iter().try_for_each(|item| unique_fields(item, lines)),
        Value::Object(fields) => {
            let mut names = HashSet::new();
            fields.iter().try_for_each(|(name, value)| {
                if names.insert(name.as_str()) {
                    return unique_fields(value, lines);
                }
                let message = format!("There can be only one input field named \"{name}\".");
                let error = GraphqlError::new(ErrorCode::GraphqlValidationFailed, message);
                Err(error.at(lines.start(name.location())).into())
            })
        }
        _ => Ok(()),
    }
}

/// Whether a document is invalid only because the compiler counts the root fields of subscriptions one by one: the
/// specification counts their response names, so that `{ a a }` is one.
pub(super) fn only_counts_roots(errors: &DiagnosticList, document: &ExecutableDocument) -> bool {
    let counted = |error: Option<&str>| error == Some("SubscriptionUsesMultipleFields");
    let one_name = |set: &SelectionSet| {
        let mut fields = Vec::new();
        collect(document, set, &mut fields);
        let names: HashSet<&str> = fields.iter().map(|(_, field)| field.response_name().as_str()).collect();
        names.len() == 1
    };
    errors.iter().all(|found| counted(found.error.unstable_error_name()))
        && document
            .operations
            .iter()
            .all(|operation| !operation.is_subscription() || one_name(&operation.selection_set))
}

/// The schema is the largest answer there is, whatever the cost says: it is given once, or not at all.
fn introspection(
    document: &ExecutableDocument,
    set: &SelectionSet,
    lines: &Lines<'_>,
    limits: &Limits,
) -> Result<(), Refused> {
    let mut fields = Vec::new();
    collect(document, set, &mut fields);
    let mut asked = fields.iter().filter(|(_, field)| matches!(field.name.as_str(), "__schema" | "__type"));
    if let Some((_, field)) = asked.next().filter(|_| !limits.introspection) {
        let message = "Introspection is switched off; read the schema at /schema.graphql.";
        let error = GraphqlError::new(ErrorCode::GraphqlValidationFailed, message);
        return Err(error.at(lines.start(field.location())).into());
    }
    let schemas = fields.iter().filter(|(_, field)| field.name == "__schema");
    let names: BTreeSet<&str> = schemas.map(|(_, field)| field.response_name().as_str()).collect();
    if names.len() > 1 {
        return Err(GraphqlError::limit("Ask for \"__schema\" once in an operation.", 1, names.len()).into());
    }
    Ok(())
}

/// A field and the type it is selected on.
type Selected<'a> = (&'a str, &'a Node<Field>);

/// The fields of a set with its fragments; the shape of the document has bounded how many there are.
fn collect<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, fields: &mut Vec<Selected<'a>>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => fields.push((set.ty.as_str(), field)),
            Selection::InlineFragment(fragment) => collect(document, &fragment.selection_set, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    collect(document, &fragment.selection_set, fields);
                }
            }
        }
    }
}

/// The compiler takes `[1]` and `[1, 2]` for the same argument; merged, one of the fields would be answered wrongly.
struct Merging<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    lines: &'a Lines<'a>,
    /// Sets that were merged before: each combination is looked at once.
    seen: HashSet<Vec<*const SelectionSet>>,
}

impl<'a> Merging<'a> {
    fn agree(&mut self, sets: &[&'a SelectionSet]) -> Result<(), Refused> {
        if sets.is_empty() || !self.seen.insert(sets.iter().map(|set| std::ptr::from_ref(*set)).collect()) {
            return Ok(());
        }
        let mut fields = Vec::new();
        sets.iter().for_each(|set| collect(self.document, set, &mut fields));
        let mut groups: HashMap<&str, Vec<Selected<'a>>> = HashMap::new();
        for (parent, field) in fields {
            groups.entry(field.response_name().as_str()).or_default().push((parent, field));
        }
        for group in groups.into_values() {
            // Fields of two different object types never meet in one answer.
            let objects: BTreeSet<&str> =
                group.iter().map(|(ty, _)| *ty).filter(|ty| self.is_object(ty)).collect();
            if objects.is_empty() {
                self.group(group.iter().map(|(_, field)| *field).collect())?;
            }
            for object in objects {
                let meets = |ty: &str| ty == object || !self.is_object(ty);
                self.group(group.iter().filter(|(ty, _)| meets(ty)).map(|(_, field)| *field).collect())?;
            }
        }
        Ok(())
    }

    fn group(&mut self, group: Vec<&'a Node<Field>>) -> Result<(), Refused> {
        let (first, rest) = (group[0], &group[1..]);
        for field in rest {
            let differs = |argument: &Node<Argument>| {
                let other = first.arguments.iter().find(|other| other.name == argument.name);
                other.is_some_and(|other| !same_lengths(&other.value, &argument.value))
            };
            if field.arguments.iter().any(differs) {
                let message = format!(
                    "Fields \"{}\" conflict because they have differing arguments. \
                     Use different aliases on the fields to fetch both if this was intentional.",
                    field.response_name()
                );
                let error = GraphqlError::new(ErrorCode::GraphqlValidationFailed, message);
                return Err(error.at(self.lines.start(field.location())).into());
            }
        }
        let below: Vec<_> = group.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        self.agree(&below)
    }

    fn is_object(&self, ty: &str) -> bool {
        matches!(self.schema.types.get(ty), Some(ExtendedType::Object(_)))
    }
}

fn same_lengths(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_lengths(left, right))
        }
        (Value::Object(left), Value::Object(right)) => left.iter().all(|(name, left)| {
            right.iter().filter(|(other, _)| other == name).all(|(_, right)| same_lengths(left, right))
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str, limits: &Limits) -> Option<String> {
        let sdl = "type Query { u: U a(l: [Int], o: O): Int n: Query } union U = A | B input O { l: [Int] }
            type A { f(l: [Int]): Int } type B { f(l: [Int]): Int }";
        let schema = Schema::parse_and_validate(sdl, "schema").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, text, "request").unwrap();
        let refused = check(&schema, &document, &Lines::of(text), limits).err()?;
        Some(refused.errors[0].message.to_string())
    }

    #[test]
    fn lists_of_different_lengths_conflict() {
        let check = |text| check_text(text, &Limits::default());
        assert_eq!(check("{ a(l: [1]) a(l: [1]) }"), None);
        assert!(check("{ a(l: [1]) a(l: [1, 2]) }").unwrap().contains("\"a\" conflict"));
        assert!(check("{ n { a(o: {l: []}) } ...F } fragment F on Query { n { a(o: {l: [1]}) } }").is_some());
        assert_eq!(check("{ u { ... on A { f(l: [1]) } ... on B { f(l: [1, 2]) } } }"), None);
    }

    #[test]
    fn input_fields_are_given_once() {
        let check = |text| check_text(text, &Limits::default());
        assert!(check("{ a(o: {l: [1], l: [2]}) }").unwrap().contains("input field named \"l\""));
        assert!(check("query($o: O = {l: 1, l: 2}) { a(o: $o) }").is_some());
        assert!(check("{ n { ...F } } fragment F on Query { a(o: {l: [1], l: [2]}) }").is_some());
    }

    #[test]
    fn introspection_can_be_switched_off() {
        let off = Limits { introspection: false, ..Limits::default() };
        assert!(check_text("{ ...F } fragment F on Query { __schema { types { name } } }", &off).is_some());
        assert_eq!(check_text("{ __typename }", &off), None);
        let schema = "__schema { types { name } }";
        assert_eq!(check_text(&format!("{{ {schema} {schema} }}"), &Limits::default()), None);
        assert!(check_text(&format!("{{ a: {schema} b: {schema} }}"), &Limits::default()).is_some());
    }
}
