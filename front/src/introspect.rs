//! Introspection, answered from the schema that documents are validated against.
//!
//! The executor has an introspection of its own, which knows another edition of the specification than validation
//! does: fields that validate would fail there. So `__schema` and `__type` are taken out of what it is given, answered
//! here, and put back in their places.

use apollo_compiler::{
    Name as TypeName, Schema,
    collections::HashMap,
    introspection::partial_execute,
    response::{GraphQLError, JsonMap, ResponseDataPathSegment},
    schema::Implementers,
    validation::Valid,
};
use async_graphql::{
    Name, PathSegment, Response, ServerError, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};

use crate::{argument::null_in_introspection, document::Operation};

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

    /// Answers the part and merges it with what the executor answered, and with the first `most` errors.
    pub(crate) fn complete(
        &self,
        schema: &Valid<Schema>,
        operation: &Operation,
        part: SchemaPart,
        most: usize,
        mut response: Response,
    ) -> Response {
        let Value::Object(mut executed) = std::mem::take(&mut response.data) else { return response };
        match self.answer(schema, operation, &part.variables, most) {
            Ok((known, errors)) => {
                response.errors.extend(errors);
                // Without an object, a null has come up to the root.
                let Value::Object(mut known) = known else { return response };
                let take = |name: Name| {
                    let value = executed.swap_remove(&name).or_else(|| known.swap_remove(&name))?;
                    Some((name, value))
                };
                response.data = Value::Object(part.order.into_iter().filter_map(take).collect());
                response
            }
            Err(problem) => {
                response.errors = vec![ServerError::new(problem, None)];
                response
            }
        }
    }

    fn answer(
        &self,
        schema: &Valid<Schema>,
        operation: &Operation,
        variables: &Variables,
        most: usize,
    ) -> Result<(Value, Vec<ServerError>), String> {
        let given = serde_json::to_value(variables).and_then(serde_json::from_value::<JsonMap>);
        let given = Valid::assume_valid(given.map_err(|error| error.to_string())?);
        let (document, source) = operation.source().ok_or("the document was not kept")?;
        let answer = partial_execute(schema, &self.implementers, document, source, &given);
        let answer = answer.map_err(|error| error.message().to_string())?;
        let data = async_graphql::to_value(&answer.data).map_err(|error| error.to_string())?;
        if answer.errors.is_empty() {
            return Ok((data, Vec::new()));
        }
        let executable = operation.executable(schema, variables);
        let errors = answer.errors.into_iter().take(most.max(1));
        Ok((data, errors.map(|error| reported(&executable, variables, error)).collect()))
    }
}

/// An error of introspection. Its arguments are booleans and names, so that all that gets past validation is a null;
/// anything else is a fault.
fn reported(document: &ExecutableDocument, variables: &Variables, error: GraphQLError) -> ServerError {
    let reported = match error.message.strip_prefix("null value for non-nullable argument ") {
        Some(argument) => null_in_introspection(document, variables, argument),
        None => ServerError::new(error.message, None),
    };
    let path = error.path.into_iter().map(|segment| match segment {
        ResponseDataPathSegment::Field(name) => PathSegment::Field(name.to_string()),
        ResponseDataPathSegment::ListIndex(index) => PathSegment::Index(index),
    });
    reported.with_path(path.collect())
}
