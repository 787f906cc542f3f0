//! Executes a request, for all who ask the same at the same time.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Executor, Request, Variables};
use futures_util::FutureExt as _;
use guildhall_flight::Flights;
use http::HeaderMap;

use crate::{
    answer::{Shaped, Written},
    digest::Digest,
    document::{Document, Operation, OperationKind},
    front::Inner,
    host::Host,
    introspect::SchemaPart,
};

/// What is asked, and who may hear the answer.
#[derive(Eq, Hash, PartialEq)]
pub(crate) struct Question<A> {
    audience: A,
    document: Digest,
    operation: Option<Arc<str>>,
    /// As JSON: a document says of which type each is.
    variables: String,
}

/// What is to be executed.
pub(crate) struct Execution {
    pub(crate) request: Request,
    pub(crate) operation: Arc<Operation>,
    pub(crate) schema_part: Option<SchemaPart>,
    pub(crate) request_id: Arc<str>,
}

/// What executing a request came to.
pub(crate) struct Executed {
    pub(crate) written: Written,
    /// Points it did cost.
    pub(crate) cost: u64,
    /// Headers that resolvers have set.
    pub(crate) headers: HeaderMap,
    /// The request that was executed.
    pub(crate) request_id: Arc<str>,
}

/// A resolver panicked.
#[derive(Clone, Copy)]
pub(crate) struct Panicked;

type Outcome = Result<Arc<Executed>, Panicked>;

/// What is executed for whoever asks the same.
pub(crate) type Executions<A> = Flights<Question<A>, Outcome>;

impl<H: Host, S: Executor> Inner<H, S> {
    /// What a request asks, where others may ask the same: a query, but none for the schema or for its own price.
    pub(crate) fn question(
        &self,
        document: &Document,
        operation: &Operation,
        variables: &Variables,
        identity: &H::Identity,
    ) -> Option<Question<H::Audience>> {
        if operation.kind != OperationKind::Query || operation.asks_schema || operation.asks_price() {
            return None;
        }
        Some(Question {
            audience: self.host.audience(identity)?,
            document: document.hash,
            operation: operation.name.clone(),
            variables: serde_json::to_string(variables).ok()?,
        })
    }

    /// Executes a request, unless one that asks the same is about to be executed: then that is the answer to both.
    pub(crate) async fn execute(
        self: &Arc<Self>,
        question: Option<Question<H::Audience>>,
        execution: Execution,
    ) -> Outcome {
        let executed = Arc::clone(self).executed(execution);
        match question {
            None => executed.await,
            Some(question) => {
                let answer = self.executions.join(question, |_, departure| async move {
                    // Whatever else can run comes first: the busier the server, the more of those who ask the same are told
                    // at once.
                    tokio::task::yield_now().await;
                    departure.begin();
                    executed.await
                });
                answer.await
            }
        }
    }

    async fn executed(self: Arc<Self>, execution: Execution) -> Outcome {
        let Execution { request, operation, schema_part, request_id } = execution;
        let response =
            AssertUnwindSafe(self.executor.execute(request)).catch_unwind().await.map_err(|_| Panicked)?;
        let mut response = match schema_part {
            None => response,
            Some(part) => self.introspection.complete(&self.schema, &operation, part, response),
        };
        let headers = std::mem::take(&mut response.http_headers);
        let shaped = Shaped::of(response, &request_id, &self.limits);
        let cost = operation.cost.used(shaped.data());
        Ok(Arc::new(Executed { written: shaped.written(), cost, headers, request_id }))
    }
}
