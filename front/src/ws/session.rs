//! The life of one socket.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::Executor;
use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::{FutureExt as _, StreamExt as _, stream::SplitStream};
use http::HeaderValue;
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument as _;

use super::{
    PROTOCOL,
    message::{self, Close, Received},
    outbox::Outbox,
};
use crate::{
    ErrorCode,
    answer::errors_json,
    document::OperationKind,
    error::{GraphqlError, Refused},
    front::{Caller, Inner},
    host::{Ended, Host},
    params::GraphqlParams,
};

/// Serves a socket to its end.
pub(super) async fn serve<H: Host, S: Executor>(
    inner: Arc<Inner<H, S>>,
    socket: WebSocket,
    (token, identity): (Option<Arc<str>>, H::Identity),
    caller: Caller,
) {
    let spoken = socket.protocol().map(HeaderValue::as_bytes) == Some(PROTOCOL.as_bytes());
    let (sink, stream) = socket.split();
    let (outbox, queue) = Outbox::new(&inner.limits.streams);
    let writing = outbox.clone().write(sink, queue);
    let reading = async {
        if !spoken {
            return outbox.close(Close::NO_SUBPROTOCOL);
        }
        let (operations, tasks) = (HashMap::new(), JoinSet::new());
        let session = Session { inner, token, identity, caller, outbox: outbox.clone(), operations, tasks };
        outbox.close(session.run(stream).await);
    };
    // Both end: reading closes the outbox, and the writer gives every write a time limit.
    tokio::join!(writing, reading);
}

/// An open socket and what runs on it.
struct Session<H: Host, S: Executor> {
    inner: Arc<Inner<H, S>>,
    /// What every operation is recognised by anew: what its holder may do changes while the socket is open.
    token: Option<Arc<str>>,
    /// Whom the token was of when the socket was opened.
    identity: H::Identity,
    caller: Caller,
    outbox: Outbox,
    operations: HashMap<String, Running>,
    /// Dropped with the session, and with it every operation.
    tasks: JoinSet<()>,
}

/// An operation that holds its id.
struct Running {
    task: AbortHandle,
    /// Set before its last message is queued: whoever reads that message may use the id again.
    done: Arc<AtomicBool>,
}

impl Running {
    fn holds_its_id(&self) -> bool {
        !self.done.load(Ordering::Acquire) && !self.task.is_finished()
    }
}

impl<H: Host, S: Executor> Session<H, S> {
    async fn run(mut self, mut stream: SplitStream<WebSocket>) -> Close {
        let patience = Duration::from_millis(self.inner.limits.streams.init_timeout_ms);
        let closing = self.inner.closing.clone();
        let outbox = self.outbox.clone();
        let initialised = tokio::select! {
            initialised = timeout(patience, self.initialise(&mut stream)) => initialised,
            why = outbox.closed() => return why,
            () = closing.cancelled() => return Close::GOING_AWAY,
        };
        match initialised {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return why,
            Err(_elapsed) => return Close::INIT_TIMEOUT,
        }
        let ended = self.inner.host.ended(&self.identity);
        tokio::select! {
            why = self.converse(&mut stream) => why,
            why = outbox.closed() => why,
            why = ended => ended_close(why),
            () = closing.cancelled() => Close::GOING_AWAY,
        }
    }

    /// Waits for `connection_init`.
    async fn initialise(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<(), Close> {
        loop {
            match receive(stream).await? {
                Received::Init(payload) => {
                    if let Some(token) = message::token(&payload) {
                        let authenticated =
                            self.inner.host.authenticate(Some(token), &self.caller.peer).await;
                        self.token = Some(Arc::from(token));
                        self.identity = authenticated.map_err(|refusal| match refusal.code {
                            ErrorCode::Unavailable | ErrorCode::InternalServerError => Close::INTERNAL,
                            _ => Close::FORBIDDEN,
                        })?;
                    }
                    self.outbox.send(message::ack()).await;
                    return Ok(());
                }
                Received::Ping => self.outbox.send(message::pong()).await,
                Received::Pong | Received::Complete { .. } => {}
                Received::Subscribe { .. } => return Err(Close::UNAUTHORIZED),
            }
        }
    }

    async fn converse(&mut self, stream: &mut SplitStream<WebSocket>) -> Close {
        let interval = Duration::from_millis(self.inner.limits.streams.ping_interval_ms);
        let (mut next_ping, mut unanswered) = (Instant::now() + interval, false);
        loop {
            let received = tokio::select! {
                received = receive(stream) => received,
                Some(_) = self.tasks.join_next() => {
                    self.operations.retain(|_, operation| operation.holds_its_id());
                    continue;
                }
                () = sleep_until(next_ping) => {
                    if unanswered {
                        return Close::SILENT;
                    }
                    self.outbox.send(message::ping()).await;
                    (next_ping, unanswered) = (Instant::now() + interval, true);
                    continue;
                }
            };
            unanswered = false;
            match received {
                Ok(Received::Init(_)) => return Close::TOO_MANY,
                Ok(Received::Ping) => self.outbox.send(message::pong()).await,
                Ok(Received::Pong) => {}
                Ok(Received::Complete { id }) => {
                    if let Some(operation) = self.operations.remove(&id) {
                        operation.task.abort();
                    }
                }
                Ok(Received::Subscribe { id, params }) => {
                    if let Err(why) = self.subscribe(id, *params).await {
                        return why;
                    }
                }
                Err(why) => return why,
            }
        }
    }

    async fn subscribe(&mut self, id: String, params: GraphqlParams) -> Result<(), Close> {
        if self.operations.get(&id).is_some_and(Running::holds_its_id) {
            return Err(Close::ID_IN_USE);
        }
        let limit = self.inner.limits.streams.operations;
        let caller = Caller {
            arrived: std::time::Instant::now(),
            request_id: crate::request_id::fresh(),
            ..self.caller.clone()
        };
        self.operations.retain(|_, operation| operation.holds_its_id());
        if self.operations.len() >= limit {
            let message = format!("The socket has {limit} operations already: complete one first.");
            let refused = Refused::from(GraphqlError::limit(message, limit, limit + 1));
            self.inner.observe_refused(&caller, Some(&self.identity), &refused);
            self.outbox.send(error(&id, &refused, &caller, &self.inner)).await;
            return Ok(());
        }
        let (inner, outbox, done) =
            (Arc::clone(&self.inner), self.outbox.clone(), Arc::new(AtomicBool::new(false)));
        let span = inner.host.span(&caller);
        let operation = Operation { id: id.clone(), inner, caller, outbox, done: Arc::clone(&done) };
        let task = self.tasks.spawn(operation.run(params, self.token.clone()).instrument(span));
        self.operations.insert(id, Running { task, done });
        Ok(())
    }
}

/// The next message of the protocol.
///
/// # Errors
/// Why the socket is to be closed.
async fn receive(stream: &mut SplitStream<WebSocket>) -> Result<Received, Close> {
    loop {
        match stream.next().await {
            Some(Ok(Frame::Text(text))) => return Received::parse(text.as_str()),
            Some(Ok(Frame::Binary(_))) => return Err(Close::BAD_MESSAGE),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
            Some(Ok(Frame::Close(_))) | None => return Err(Close(1000, "")),
            Some(Err(error)) => return Err(broken(&error.to_string())),
        }
    }
}

fn broken(error: &str) -> Close {
    let too_long = error.contains("too long") || error.contains("too big");
    if too_long { Close::TOO_BIG } else { Close::BAD_MESSAGE }
}

fn ended_close(why: Ended) -> Close {
    match why {
        Ended::Suspended => Close(Close::FORBIDDEN.0, why.reason()),
        Ended::Expired | Ended::Revoked => Close(Close::UNAUTHORIZED.0, why.reason()),
    }
}

fn error<H: Host, S: Executor>(id: &str, refused: &Refused, caller: &Caller, inner: &Inner<H, S>) -> Frame {
    message::error(id, &errors_json(&refused.errors, &caller.request_id, &inner.limits))
}

/// One operation of a socket.
struct Operation<H: Host, S: Executor> {
    id: String,
    inner: Arc<Inner<H, S>>,
    caller: Caller,
    outbox: Outbox,
    done: Arc<AtomicBool>,
}

impl<H: Host, S: Executor> Operation<H, S> {
    async fn run(self, params: GraphqlParams, token: Option<Arc<str>>) {
        // Execution catches its own panics; this is for those of the host and of the front itself.
        let answering = AssertUnwindSafe(self.answer(params, token.as_deref())).catch_unwind();
        let last = answering
            .await
            .unwrap_or_else(|_panic| {
                tracing::error!(request_id = %self.caller.request_id, "an operation made the server panic");
                Err(Refused::masked())
            })
            .unwrap_or_else(|refused| error(&self.id, &refused, &self.caller, &self.inner));
        self.done.store(true, Ordering::Release);
        self.outbox.send(last).await;
    }

    /// Sends every `next`; the last message is returned.
    async fn answer(&self, params: GraphqlParams, token: Option<&str>) -> Result<Frame, Refused> {
        let Self { id, inner, caller, outbox, .. } = self;
        let identity = crate::http::recognise(&inner.host, token, &caller.peer)
            .await
            .inspect_err(|refused| inner.observe_refused(caller, None, refused))?;
        let admitted = inner
            .admit(params, &identity, caller)
            .inspect_err(|refused| inner.observe_refused(caller, Some(&identity), refused))?;
        if admitted.execution.operation.kind == OperationKind::Subscription {
            let mut events = std::pin::pin!(inner.events(admitted, identity));
            while let Some(event) = events.next().await {
                outbox.send(message::next(id, &event.json)).await;
            }
        } else {
            let answer = inner.run(admitted, &identity).await?;
            outbox.send(message::next(id, &answer.json)).await;
        }
        Ok(message::complete(id))
    }
}
