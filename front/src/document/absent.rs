//! Arguments whose variable was left out count as left out themselves, so that their defaults apply.

use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

type Arguments = Vec<(Positioned<Name>, Positioned<Value>)>;

/// Removes such arguments from a lowered document.
pub(super) fn remove(document: &mut ExecutableDocument, variables: &Variables) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => from_set(&mut operation.node.selection_set.node, variables),
        DocumentOperations::Multiple(operations) => {
            operations
                .values_mut()
                .for_each(|operation| from_set(&mut operation.node.selection_set.node, variables));
        }
    }
}

fn from_set(set: &mut SelectionSet, variables: &Variables) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                from_arguments(&mut field.node.arguments, variables);
                for directive in &mut field.node.directives {
                    from_arguments(&mut directive.node.arguments, variables);
                }
                from_set(&mut field.node.selection_set.node, variables);
            }
            Selection::InlineFragment(fragment) => from_set(&mut fragment.node.selection_set.node, variables),
            // Lowered documents have none.
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn from_arguments(arguments: &mut Arguments, variables: &Variables) {
    arguments.retain(|(_, value)| match &value.node {
        Value::Variable(name) => variables.contains_key(name),
        _ => true,
    });
}
