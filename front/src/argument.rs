//! Which argument the executor complains about: it tells the place of the value, and not whose it is.

use std::fmt::Write as _;

use apollo_compiler::{Schema, validation::Valid};
use async_graphql::{
    Name, Positioned, ServerError, Value as Constant, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

use crate::{
    answer::input_problem,
    coerce::bad_input,
    document::Operation,
    error::{ErrorCode, GraphqlError},
};

/// Says in those of the first `most` errors that are about arguments which one it is, and what to do.
pub(crate) fn explain(
    schema: &Valid<Schema>,
    operation: &Operation,
    variables: &Variables,
    most: usize,
    errors: &mut [ServerError],
) {
    let mut unexplained = errors.iter_mut().take(most).filter(|error| is_unexplained(error)).peekable();
    if unexplained.peek().is_none() {
        return;
    }
    let document = operation.executable(schema, variables);
    for error in unexplained {
        let Some(at) = error.locations.first().copied() else { continue };
        let Some((name, value)) = find(&document, &|_, value| value.pos == at) else { continue };
        let explained = match expected(&error.message) {
            Some((ty, true)) => null(name, &value.node, ty, variables),
            Some((ty, false)) => invalid(name, name, &format!("expected {ty}")),
            None => {
                GraphqlError::new(ErrorCode::BadUserInput, error.message.clone()).with("argument", &**name)
            }
        };
        carry(error, explained);
    }
}

/// The error for an argument of this name that introspection found to be null. A variable is what makes it so, as a
/// literal is found by validation.
pub(crate) fn null_in_introspection(
    document: &ExecutableDocument,
    variables: &Variables,
    argument: &str,
) -> ServerError {
    let is_null = |name: &Name, value: &Positioned<Value>| {
        *name == *argument && matches!(&value.node, Value::Variable(name) if given_null(name, variables))
    };
    let mut error = ServerError::new(String::new(), None);
    let explained = match find(document, &is_null) {
        Some((name, value)) => {
            error.locations.push(value.pos);
            null(name, &value.node, "a value", variables)
        }
        None => invalid(argument, argument, "expected a value, found null"),
    };
    carry(&mut error, explained);
    error
}

fn is_unexplained(error: &ServerError) -> bool {
    let has_code = error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some());
    !has_code && input_problem(error).is_some()
}

/// The type that a complaint of the executor names, and whether null was found.
fn expected(message: &str) -> Option<(&str, bool)> {
    let (ty, found) = message.strip_prefix("Expected input type \"")?.split_once('"')?;
    Some((ty, found.starts_with(", found null")))
}

/// The error for a null in an argument. Where one variable is null, it is that: a literal is found by validation.
fn null(argument: &str, value: &Value, ty: &str, variables: &Variables) -> GraphqlError {
    let problem = format!("expected {ty}, found null");
    let mut nulls = Vec::new();
    null_variables(value, variables, &mut argument.to_owned(), &mut nulls);
    match nulls.as_slice() {
        [(path, variable)] => {
            // A variable that may be null gets here by a default only, so that there is one.
            let advice = format!("{problem}; give the variable \"${variable}\" a value, or leave it out");
            invalid(argument, path, &advice)
        }
        _ => invalid(argument, argument, &problem),
    }
}

fn null_variables(value: &Value, variables: &Variables, path: &mut String, nulls: &mut Vec<(String, Name)>) {
    let length = path.len();
    match value {
        Value::Variable(name) if given_null(name, variables) => nulls.push((path.clone(), name.clone())),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                // Writing to a string does not fail.
                let _ = write!(path, "[{index}]");
                null_variables(item, variables, path, nulls);
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let _ = write!(path, ".{name}");
                null_variables(field, variables, path, nulls);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn given_null(name: &Name, variables: &Variables) -> bool {
    variables.get(name) == Some(&Constant::Null)
}

fn invalid(argument: &str, path: &str, problem: &str) -> GraphqlError {
    bad_input(&format!("Argument \"{argument}\""), argument, path, problem)
}

/// Puts into an error of the executor what is to be told.
fn carry(error: &mut ServerError, explained: GraphqlError) {
    error.message = explained.message.into_owned();
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("code", explained.code.as_str());
    for (name, value) in explained.details {
        // What JSON can hold, a value can.
        extensions.set(name, Constant::from_json(value).unwrap_or_default());
    }
}

/// The first argument of a field for which `is` holds.
fn find<'a>(
    document: &'a ExecutableDocument,
    is: &impl Fn(&Name, &Positioned<Value>) -> bool,
) -> Option<(&'a Name, &'a Positioned<Value>)> {
    match &document.operations {
        DocumentOperations::Single(operation) => find_in(&operation.node.selection_set.node, is),
        DocumentOperations::Multiple(operations) => {
            operations.values().find_map(|operation| find_in(&operation.node.selection_set.node, is))
        }
    }
}

fn find_in<'a>(
    set: &'a SelectionSet,
    is: &impl Fn(&Name, &Positioned<Value>) -> bool,
) -> Option<(&'a Name, &'a Positioned<Value>)> {
    set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => {
            let mut arguments = field.node.arguments.iter().map(|(name, value)| (&name.node, value));
            let found = arguments.find(|(name, value)| is(name, value));
            found.or_else(|| find_in(&field.node.selection_set.node, is))
        }
        Selection::InlineFragment(fragment) => find_in(&fragment.node.selection_set.node, is),
        // Lowered documents have none.
        Selection::FragmentSpread(_) => None,
    })
}
