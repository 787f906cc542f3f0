//! The schema as the front executes it: every resolver's error gets its code before it leaves, and writes that the policy
//! denied are noted in the audit log. A wrapper, not an extension: with an extension async-graphql takes a longer way
//! through every single field.

use std::any::TypeId;
use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Data, Executor, PathSegment, Request, Response, ServerError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::Schema;
use super::context;
use super::error::{code, with_lacked};
use super::named::Named;
use crate::audit_log;
use crate::db::boxed;
use crate::error::Error;

/// The schema with coded errors.
#[derive(Clone)]
pub struct Coded(Schema);

impl Coded {
    pub(crate) fn new(schema: Schema) -> Self {
        Self(schema)
    }
}

/// Fields run at once. What failed is told in the order of the document all the same, so that the same question has the same
/// answer, and the same errors are left out where there are too many.
fn coded(mut response: Response) -> Response {
    response.errors.iter_mut().for_each(code);
    let place = |error: &ServerError| {
        let index = |step: &PathSegment| match step {
            PathSegment::Field(_) => None,
            PathSegment::Index(index) => Some(*index),
        };
        let entry: Vec<usize> = error.path.iter().filter_map(index).collect();
        (error.locations.first().copied(), entry)
    };
    response.errors.sort_by_cached_key(place);
    response
}

/// The context of a request; none has a request that the server did not prepare.
fn context_of(request: &Request) -> Option<Arc<context::Request>> {
    let context = request.data.get(&TypeId::of::<Arc<context::Request>>())?;
    context.downcast_ref::<Arc<context::Request>>().cloned()
}

fn is_mutation(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    match &document.operations {
        DocumentOperations::Single(operation) => operation.node.ty == OperationType::Mutation,
        DocumentOperations::Multiple(operations) => name
            .and_then(|name| operations.get(name.as_str()))
            .is_some_and(|operation| operation.node.ty == OperationType::Mutation),
    }
}

impl Coded {
    /// Executes a mutation, and notes what it was denied.
    async fn change(&self, mut request: Request, context: &context::Request) -> Response {
        let named = Named::of(&mut request);
        let (response, lacked) = with_lacked(context.drive(self.0.execute(request))).await;
        let denied = response.errors.iter().filter_map(|error| match error.source::<Error>() {
            Some(Error::Denied(denied)) => denied.lacking().map(|denial| (denial, None)),
            _ => None,
        });
        let lacked = lacked.into_iter().map(|(permission, item)| ((permission, named.organization()), item));
        let denials: Vec<_> = denied.chain(lacked).collect();
        if !denials.is_empty() {
            let found = boxed(context.drive(named.find(context))).await;
            for (denial, item) in denials {
                for target in found.targets(item) {
                    let about = (named.tried(), target.cloned());
                    boxed(audit_log::note_denial(&context.db, &context.actor, denial, about)).await;
                }
            }
        }
        coded(response)
    }
}

#[async_trait::async_trait]
impl Executor for Coded {
    async fn execute(&self, mut request: Request) -> Response {
        let is_mutation = is_mutation(&mut request);
        let Some(context) = context_of(&request) else { return coded(self.0.execute(request).await) };
        if !is_mutation {
            return coded(context.drive(self.0.execute(request)).await);
        }
        boxed(self.change(request, &context)).await
    }

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        Executor::execute_stream(&self.0, request, session_data).map(coded).boxed()
    }
}
