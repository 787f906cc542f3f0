//! Executes a request, for all who ask the same at the same time.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
};

use async_graphql::{Executor, Request, Variables};
use futures_util::FutureExt as _;
use guildhall_flight::Flights;
use http::HeaderMap;
use tracing::Instrument as _;

use crate::{
    answer::{Shaped, Written},
    argument::explain,
    digest::Digest,
    document::{Document, Operation, OperationKind},
    front::Inner,
    host::{EventCursor, Host, RequestMeta},
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
pub(crate) struct Execution<H: Host> {
    pub(crate) operation: Arc<Operation>,
    pub(crate) variables: Variables,
    pub(crate) meta: Arc<RequestMeta>,
    pub(crate) identity: H::Identity,
    /// What the host counts; there from the moment in which it begins.
    pub(crate) work: Arc<OnceLock<H::Work>>,
}

/// What is executed now.
pub(crate) struct Begun {
    pub(crate) request: Request,
    schema_part: Option<SchemaPart>,
    /// Where a subscription's client can resume.
    pub(crate) cursor: Option<EventCursor>,
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
        execution: Execution<H>,
    ) -> Outcome {
        let Some(question) = question else { return self.executed(&execution).await };
        let answer = self.executions.join(question, |_, departure| {
            let inner = Arc::clone(self);
            let work = async move {
                // Whatever else can run comes first: the busier the server, the more of those who ask the same are told at
                // once.
                guildhall_flight::turn().await;
                departure.begin();
                inner.executed(&execution).await
            };
            // Whoever of those who wait for it goes on with it.
            work.in_current_span()
        });
        answer.await
    }

    async fn executed(&self, execution: &Execution<H>) -> Outcome {
        let executed = async {
            let Begun { request, schema_part, .. } = self.begin(execution);
            let response = self.executor.execute(request).await;
            match schema_part {
                None => response,
                Some(part) => self.introspection.complete(
                    &self.schema,
                    &execution.operation,
                    part,
                    self.limits.errors,
                    response,
                ),
            }
        };
        let mut response = AssertUnwindSafe(executed).catch_unwind().await.map_err(|_| Panicked)?;
        let Execution { operation, variables, .. } = execution;
        explain(&self.schema, operation, variables, self.limits.errors, &mut response.errors);
        let headers = std::mem::take(&mut response.http_headers);
        let request_id = Arc::clone(&execution.meta.request_id);
        let shaped = Shaped::of(response, &request_id, &self.limits);
        let cost = execution.operation.cost.used(shaped.data());
        Ok(Arc::new(Executed { written: shaped.written(), cost, headers, request_id }))
    }

    /// What the executor is given.
    pub(crate) fn begin(&self, execution: &Execution<H>) -> Begun {
        let Execution { operation, variables, meta, identity, work } = execution;
        let mut executable = operation.executable(&self.schema, variables);
        let schema_part = operation.asks_schema.then(|| SchemaPart::take(&mut executable, variables));
        let mut request = Request::new(String::new());
        request.set_parsed_query(executable);
        request.operation_name = operation.name.as_deref().map(str::to_owned);
        request.variables = variables.clone();
        request.data.insert(Arc::clone(meta));
        let cursor = (operation.kind == OperationKind::Subscription).then(EventCursor::default);
        if let Some(cursor) = &cursor {
            request.data.insert(cursor.clone());
        }
        let (request, counted) = self.host.prepare(request, identity, meta);
        // An execution begins once.
        _ = work.set(counted);
        Begun { request, schema_part, cursor }
    }
}
