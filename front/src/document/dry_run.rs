//! `rateLimit(dryRun: true)` at the root of a query: nothing else of the query is executed, and nothing but the asking
//! is paid for. The field itself is never part of the price it tells.

use apollo_compiler::{ExecutableDocument, ast::Value as Literal, executable::Operation};
use async_graphql::{
    Value, Variables,
    parser::types::{self, DocumentOperations, Selection},
};

/// The field that tells the price of the operation it is in.
pub(crate) const FIELD: &str = "rateLimit";
/// Its argument that asks for a dry run.
const ARGUMENT: &str = "dryRun";

/// Whether an operation asks for its price, and when it is a dry run.
#[derive(Debug)]
pub(super) struct DryRun {
    asks_price: bool,
    always: bool,
    /// When one of these variables is true.
    variables: Vec<String>,
}

impl DryRun {
    pub(super) fn of(document: &ExecutableDocument, operation: &Operation) -> Self {
        let mut dry_run = Self { asks_price: false, always: false, variables: Vec::new() };
        if !operation.operation_type.is_query() {
            return dry_run;
        }
        for field in operation.root_fields(document).filter(|field| field.name == FIELD) {
            dry_run.asks_price = true;
            match field.specified_argument_by_name(ARGUMENT).map(|value| value.as_ref()) {
                Some(Literal::Boolean(true)) => dry_run.always = true,
                Some(Literal::Variable(name)) => dry_run.variables.push(name.to_string()),
                _ => {}
            }
        }
        dry_run
    }

    /// Whether a resolver will want the price.
    pub(super) fn asks_price(&self) -> bool {
        self.asks_price
    }

    pub(super) fn is_asked_for(&self, variables: &Variables) -> bool {
        let is_true = |name: &String| variables.get(name.as_str()) == Some(&Value::Boolean(true));
        self.always || self.variables.iter().any(is_true)
    }
}

/// Leaves of an operation only the field that answers a dry run.
pub(super) fn reduce(document: &mut types::ExecutableDocument) {
    let operations: Vec<_> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        operation.node.selection_set.node.items.retain(|item| match &item.node {
            Selection::Field(field) => field.node.name.node == FIELD,
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
        });
    }
}
