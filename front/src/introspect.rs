//! Introspection, answered from the schema that documents are validated against.
//!
//! The executor has an introspection of its own, which knows another edition of the specification than validation
//! does: fields that validate would fail there. So `__schema` and `__type` are taken out of what it is given, answered
//! here, and put back in their places.

use apollo_compiler::{
    Name as TypeName, Schema, collections::HashMap, introspection::partial_execute, response::JsonMap,
    schema::Implementers, validation::Valid,
};
use async_graphql::{
    Name, Response, Value, Variables,
    indexmap::IndexMap,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};

use crate::document::Operation;

/// The schema, with what introspection asks of it again and again.
pub(crate) struct Introspection {
    implementers: HashMap<TypeName, Implementers>,
}

/// The part of a request that asks about the schema.
pub(crate) struct SchemaPart {
    /// Response names at the root, in the order of the answer.
    order: Vec<Name>,
    variables: Variables,
}

impl SchemaPart {
    /// Takes the part out of a lowered document, whose root has no fragments left.
    pub(crate) fn take(document: &mut ExecutableDocument, variables: &Variables) -> Self {
        let operations: Vec<_> = match &mut document.operations {
            DocumentOperations::Single(operation) => vec![operation],
            DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
        };
        let mut order = Vec::new();
        for operation in operations {
            operation.node.selection_set.node.items.retain(|item| match &item.node {
                Selection::Field(field) => {
                    order.push(field.node.response_key().node.clone());
                    !field.node.name.node.starts_with("__")
                }
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => true,
            });
        }
        Self { order, variables: variables.clone() }
    }
}

impl Introspection {
    pub(crate) fn of(schema: &Schema) -> Self {
        Self { implementers: schema.implementers_map() }
    }

    /// Answers the part and merges it with what the executor answered.
    pub(crate) fn complete(
        &self,
        schema: &Valid<Schema>,
        operation: &Operation,
        part: SchemaPart,
        mut response: Response,
    ) -> Response {
        let Value::Object(mut executed) = std::mem::take(&mut response.data) else { return response };
        match self.answer(schema, operation, &part.variables) {
            Ok(mut known) => {
                let take = |name: Name| {
                    let value = executed.swap_remove(&name).or_else(|| known.swap_remove(&name))?;
                    Some((name, value))
                };
                response.data = Value::Object(part.order.into_iter().filter_map(take).collect());
                response
            }
            Err(problem) => {
                response.errors = vec![async_graphql::ServerError::new(problem, None)];
                response
            }
        }
    }

    fn answer(
        &self,
        schema: &Valid<Schema>,
        operation: &Operation,
        variables: &Variables,
    ) -> Result<IndexMap<Name, Value>, String> {
        let variables = serde_json::to_value(variables).and_then(serde_json::from_value::<JsonMap>);
        let variables = Valid::assume_valid(variables.map_err(|error| error.to_string())?);
        let (document, operation) = operation.source().ok_or("the document was not kept")?;
        let answer = partial_execute(schema, &self.implementers, document, operation, &variables);
        let answer = answer.map_err(|error| error.message().to_string())?;
        match async_graphql::to_value(&answer.data).map_err(|error| error.to_string())? {
            Value::Object(fields) => Ok(fields),
            _ => Err("the schema could not be introspected".to_owned()),
        }
    }
}
