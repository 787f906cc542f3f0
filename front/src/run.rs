//! Runs admitted requests: once, or as a stream of events.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_graphql::{Executor, Response};
use futures_util::{Stream, StreamExt as _};
use http::StatusCode;
use serde_json::json;

use crate::{
    answer::{Answer, Shaped},
    argument::explain,
    cost::json_of,
    error::{ErrorCode, GraphqlError, Refused},
    execute::{Begun, Execution, Panicked},
    front::{Admitted, Caller, Front, Inner},
    host::{EventCursor, Host, RequestMeta, RequestRecord},
    params::GraphqlParams,
};

impl<H: Host, S: Executor> Front<H, S> {
    /// Checks and runs a query or a mutation.
    ///
    /// # Errors
    /// A [`Refused`] for a request that was not executed, or not to its end.
    pub async fn execute(
        &self,
        params: GraphqlParams,
        identity: &H::Identity,
        caller: &Caller,
    ) -> Result<Answer, Refused> {
        let inner = &self.0;
        match inner.admit(params, identity, caller) {
            Ok(admitted) => inner.run(admitted, identity).await,
            Err(refused) => {
                inner.observe_refused(caller, Some(identity), &refused);
                Err(refused)
            }
        }
    }
}

/// One event of a subscription.
pub(crate) struct Event {
    /// The response as JSON.
    pub(crate) json: Vec<u8>,
    /// Where a client can resume after this event.
    pub(crate) cursor: Option<String>,
}

impl<H: Host, S: Executor> Inner<H, S> {
    /// Runs a query or a mutation to its end, its panic or its time-out.
    pub(crate) async fn run(
        self: &Arc<Self>,
        admitted: Admitted<H>,
        identity: &H::Identity,
    ) -> Result<Answer, Refused> {
        let Admitted { execution, charge, slot, explain, question, .. } = admitted;
        let limit = Duration::from_millis(self.limits.request_timeout_ms);
        let (operation, meta) = (Arc::clone(&execution.operation), Arc::clone(&execution.meta));
        let work = Arc::clone(&execution.work);
        let request_id = &meta.request_id;
        let mut unheard = Unheard {
            host: &self.host,
            meta: &meta,
            work: &work,
            identity,
            cost: charge.points,
            ended: false,
        };
        let outcome = tokio::time::timeout(limit, self.execute(question, execution)).await;
        unheard.ended = true;
        drop(unheard);
        drop(slot);
        let executed = match outcome {
            Ok(Ok(executed)) => Ok(executed),
            Ok(Err(Panicked)) => Err(panicked(&meta)),
            Err(_elapsed) => Err(timed_out(limit)),
        };
        let answered_by = executed.as_ref().ok().map(|executed| Arc::clone(&executed.request_id));
        let result = executed.map(|executed| {
            let cost = executed.cost.min(charge.points);
            let rate = self
                .rate
                .as_ref()
                .zip(charge.key)
                .map(|(rate, key)| rate.refund(key, charge.points - cost, Instant::now()));
            let extensions = explain.map(|variables| {
                let by_path = json_of(operation.cost.by_path(&variables));
                json!({"cost": {"requested": charge.points, "used": cost, "byPath": by_path}})
            });
            let json = executed.written.response(request_id, &self.limits, extensions.as_ref());
            Answer { json, codes: executed.written.codes(), cost, rate, headers: executed.headers.clone() }
        });
        self.host.observe(&RequestRecord {
            request_id,
            transport: meta.transport,
            identity: Some(identity),
            operation: Some(&meta),
            work: work.get(),
            status: result.as_ref().map_or_else(|refused| refused.status(false), |_| StatusCode::OK).as_u16(),
            codes: &result.as_ref().map_or_else(Refused::codes, |answer| answer.codes.clone()),
            answered_by: answered_by.as_deref().filter(|id| *id != &**request_id),
            cost: result.as_ref().map_or(charge.points, |answer| answer.cost),
            bytes: result.as_ref().map_or(0, |answer| answer.json.len()),
            duration: meta.started.elapsed(),
        });
        result
    }

    /// Runs a subscription. The stream ends with the subscription, or after the event that reports its panic.
    pub(crate) fn events(
        self: &Arc<Self>,
        admitted: Admitted<H>,
        identity: H::Identity,
    ) -> impl Stream<Item = Event> + Send + use<H, S> {
        let Admitted { execution, begun, charge, slot, .. } = admitted;
        // An idle subscription is no load.
        drop(slot);
        let Begun { request, cursor, .. } = begun.unwrap_or_else(|| self.begin(&execution));
        let Execution { operation, variables, meta, work, .. } = execution;
        let inner = Arc::clone(self);
        let mut watch = Watch {
            inner: Arc::clone(self),
            meta,
            work,
            identity,
            cost: charge.points,
            codes: Vec::new(),
            bytes: 0,
        };
        let responses = AssertUnwindSafe(self.executor.execute_stream(request, None)).catch_unwind();
        responses.map(move |response| {
            let mut response = response.ok();
            if let Some(response) = &mut response {
                explain(&inner.schema, &operation, &variables, inner.limits.errors, &mut response.errors);
            }
            watch.event(response, cursor.as_ref())
        })
    }

    /// Tells the host about a request that was not executed.
    pub(crate) fn observe_refused(&self, caller: &Caller, identity: Option<&H::Identity>, refused: &Refused) {
        self.host.observe(&RequestRecord {
            request_id: &caller.request_id,
            transport: caller.transport,
            identity,
            operation: None,
            work: None,
            status: refused.status(false).as_u16(),
            codes: &refused.codes(),
            answered_by: None,
            cost: 0,
            bytes: 0,
            duration: caller.arrived.elapsed(),
        });
    }
}

/// What a log knows a request by whose client did not wait for the answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Reports a query or a mutation that is dropped before its end, because nobody is there to hear it.
struct Unheard<'a, H: Host> {
    host: &'a H,
    meta: &'a RequestMeta,
    work: &'a OnceLock<H::Work>,
    identity: &'a H::Identity,
    cost: u64,
    ended: bool,
}

impl<H: Host> Drop for Unheard<'_, H> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.host.observe(&RequestRecord {
            request_id: &self.meta.request_id,
            transport: self.meta.transport,
            identity: Some(self.identity),
            operation: Some(self.meta),
            work: self.work.get(),
            status: CLIENT_CLOSED_REQUEST,
            codes: &[],
            answered_by: None,
            cost: self.cost,
            bytes: 0,
            duration: self.meta.started.elapsed(),
        });
    }
}

/// Follows a subscription and reports it when it ends, whoever ends it.
struct Watch<H: Host, S: Executor> {
    inner: Arc<Inner<H, S>>,
    meta: Arc<RequestMeta>,
    work: Arc<OnceLock<H::Work>>,
    identity: H::Identity,
    cost: u64,
    codes: Vec<ErrorCode>,
    bytes: usize,
}

impl<H: Host, S: Executor> Watch<H, S> {
    /// An event; without a response, the one that reports a panic.
    fn event(&mut self, response: Option<Response>, cursor: Option<&EventCursor>) -> Event {
        let limits = &self.inner.limits;
        let (json, codes) = match response {
            Some(response) => {
                let written = Shaped::of(response, &self.meta.request_id, limits).written();
                (written.response(&self.meta.request_id, limits, None), written.codes())
            }
            None => {
                let refused = panicked(&self.meta);
                (crate::answer::refusal_body(&refused, &self.meta.request_id, limits), refused.codes())
            }
        };
        let unseen = codes.into_iter().filter(|code| !self.codes.contains(code)).collect::<Vec<_>>();
        self.codes.extend(unseen);
        self.bytes += json.len();
        Event { json, cursor: cursor.and_then(EventCursor::take) }
    }
}

impl<H: Host, S: Executor> Drop for Watch<H, S> {
    fn drop(&mut self) {
        self.inner.host.observe(&RequestRecord {
            request_id: &self.meta.request_id,
            transport: self.meta.transport,
            identity: Some(&self.identity),
            operation: Some(&self.meta),
            work: self.work.get(),
            status: StatusCode::OK.as_u16(),
            codes: &self.codes,
            answered_by: None,
            cost: self.cost,
            bytes: self.bytes,
            duration: self.meta.started.elapsed(),
        });
    }
}

fn panicked(meta: &RequestMeta) -> Refused {
    let operation = meta.operation_name.as_deref().unwrap_or_default();
    tracing::error!(request_id = %meta.request_id, operation, document = %meta.document, "a resolver panicked");
    Refused::masked()
}

fn timed_out(limit: Duration) -> Refused {
    let message =
        format!("The operation took longer than {} ms and was given up: ask for less.", limit.as_millis());
    let error = GraphqlError::new(ErrorCode::Timeout, message);
    Refused::transport(StatusCode::GATEWAY_TIMEOUT, error)
}
