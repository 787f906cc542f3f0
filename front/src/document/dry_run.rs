//! `rateLimit(dryRun: true)` at the root of a query: nothing else of the query is executed, and nothing but the asking
//! is paid for. The field itself is never part of the price it tells.

use apollo_compiler::{
    ExecutableDocument,
    ast::Value as Literal,
    executable::{Field, Operation},
};
use async_graphql::{
    Value, Variables,
    parser::types::{self, DocumentOperations, Selection},
};

/// The field that tells the price of the operation it is in.
pub(crate) const FIELD: &str = "rateLimit";
/// Its argument that asks for a dry run.
const ARGUMENT: &str = "dryRun";

/// When an operation is a dry run.
#[derive(Debug)]
pub(super) enum DryRun {
    /// The price is not asked for.
    Unasked,
    Never,
    Always,
    /// When this variable is true.
    If(String),
}

impl DryRun {
    pub(super) fn of(document: &ExecutableDocument, operation: &Operation) -> Self {
        if !operation.operation_type.is_query() {
            return Self::Unasked;
        }
        let asks = |field: &Field| match field.specified_argument_by_name(ARGUMENT)?.as_ref() {
            Literal::Boolean(true) => Some(Self::Always),
            Literal::Variable(name) => Some(Self::If(name.to_string())),
            _ => None,
        };
        let mut roots = operation.root_fields(document).filter(|field| field.name == FIELD).peekable();
        let unless_dry = if roots.peek().is_some() { Self::Never } else { Self::Unasked };
        roots.find_map(|field| asks(field)).unwrap_or(unless_dry)
    }

    /// Whether the field is there at all.
    pub(super) fn asks_price(&self) -> bool {
        !matches!(self, Self::Unasked)
    }

    pub(super) fn is_asked_for(&self, variables: &Variables) -> bool {
        match self {
            Self::Unasked | Self::Never => false,
            Self::Always => true,
            Self::If(name) => variables.get(name.as_str()) == Some(&Value::Boolean(true)),
        }
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
