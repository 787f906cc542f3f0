//! GraphQL over server-sent events, distinct connections mode: one operation per stream.

use std::{pin::Pin, sync::Arc, time::Duration};

use async_graphql::Executor;
use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::mpsc::{self, Sender};
use tracing::Instrument as _;

use crate::{
    Limits,
    answer::{errors_json, refusal_body},
    document::OperationKind,
    error::{ErrorCode, GraphqlError, Phase, Refused},
    front::{Admitted, Caller, Inner},
    host::{Ended, Host},
    http::accept::Media,
    run::Event,
};

/// Whether a refusal is an answer of the operation, which belongs into the stream, or one of the transport.
pub(crate) fn in_stream(refused: &Refused) -> bool {
    matches!(refused.phase, Phase::Document(_))
}

/// A stream that reports the errors of a refused operation and completes.
pub(crate) fn refused(refused: &Refused, caller: &Caller, limits: &Limits) -> Response {
    let mut bytes = next(&refusal_body(refused, &caller.request_id, limits), None);
    bytes.extend_from_slice(COMPLETE);
    event_stream(Body::from(bytes))
}

/// Runs an admitted operation as an event stream.
///
/// # Errors
/// 503 when there are too many streams, or the server is closing them.
pub(crate) fn stream<H: Host, S: Executor>(
    inner: &Arc<Inner<H, S>>,
    admitted: Admitted<H>,
    identity: H::Identity,
) -> Result<Response, Refused> {
    let permit =
        Arc::clone(&inner.streams).try_acquire_owned().ok().filter(|_| !inner.closing.is_cancelled());
    let Some(permit) = permit else { return Err(no_room()) };
    let inner = Arc::clone(inner);
    let request_id = Arc::clone(&admitted.execution.meta.request_id);
    let (sender, receiver) = mpsc::channel(inner.limits.streams.queue.max(1));
    // The stream runs in a task of its own, so that it notices the end of the session and a reader that hangs even
    // while nobody reads.
    let tasks = inner.tasks.clone();
    let running = async move {
        let _permit = permit;
        let ended = inner.host.ended(&identity);
        let work = async {
            let events = operation(&inner, admitted, identity);
            forward(events, &sender, &inner.limits).await
        };
        tokio::select! {
            () = work => {}
            why = ended => report_end(why, &sender, &request_id, &inner.limits),
            () = inner.closing.cancelled() => {}
            () = sender.closed() => {}
        }
    };
    tasks.spawn(running.in_current_span());
    let frames = stream::unfold(receiver, |mut receiver| async move {
        receiver
            .recv()
            .await
            .map(|bytes: Bytes| (Ok::<_, std::convert::Infallible>(Frame::data(bytes)), receiver))
    });
    Ok(event_stream(Body::new(StreamBody::new(frames))))
}

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

fn operation<H: Host, S: Executor>(
    inner: &Arc<Inner<H, S>>,
    admitted: Admitted<H>,
    identity: H::Identity,
) -> Events {
    if admitted.execution.operation.kind == OperationKind::Subscription {
        return Box::pin(inner.events(admitted, identity));
    }
    let inner = Arc::clone(inner);
    Box::pin(stream::once(async move {
        let request_id = Arc::clone(&admitted.execution.meta.request_id);
        let json = match inner.run(admitted, &identity).await {
            Ok(answer) => answer.json,
            Err(refused) => refusal_body(&refused, &request_id, &inner.limits),
        };
        Event { json, cursor: None }
    }))
}

/// Sends events until the operation ends or the reader is too slow; a comment when there is nothing to send.
async fn forward(mut events: Events, sender: &Sender<Bytes>, limits: &Limits) {
    let patience = Duration::from_millis(limits.streams.slow_reader_ms);
    let quiet = Duration::from_millis(limits.streams.comment_interval_ms);
    loop {
        let bytes = match tokio::time::timeout(quiet, events.next()).await {
            Ok(Some(event)) => next(&event.json, event.cursor.as_deref()),
            Ok(None) => break,
            Err(_quiet) => b":\n\n".to_vec(),
        };
        if sender.send_timeout(Bytes::from(bytes), patience).await.is_err() {
            return;
        }
    }
    let _ = sender.send_timeout(Bytes::from_static(COMPLETE), patience).await;
}

fn report_end(why: Ended, sender: &Sender<Bytes>, request_id: &str, limits: &Limits) {
    let errors = [GraphqlError::new(ErrorCode::Unauthenticated, why.reason())];
    let mut json = b"{\"errors\":".to_vec();
    json.extend(errors_json(&errors, request_id, limits));
    json.push(b'}');
    let mut bytes = next(&json, None);
    bytes.extend_from_slice(COMPLETE);
    // A reader that does not read learns it from the end of the stream.
    let _ = sender.try_send(Bytes::from(bytes));
}

const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// A `next` event. JSON has no raw line ends, so it fits one `data` line.
fn next(json: &[u8], id: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(json.len() + 32);
    if let Some(id) = id.filter(|id| !id.contains(['\n', '\r', '\0'])) {
        bytes.extend_from_slice(b"id: ");
        bytes.extend_from_slice(id.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(b"event: next\ndata: ");
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(b"\n\n");
    bytes
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Media::EventStream.content_type()));
    // Proxies that buffer answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn no_room() -> Refused {
    let message = "The server has no room for another stream: try again in a moment.";
    let refused = Refused::transport(
        StatusCode::SERVICE_UNAVAILABLE,
        GraphqlError::new(ErrorCode::Unavailable, message),
    );
    Refused { retry_after: Some(5), ..refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_with_an_id_that_cannot_break_out() {
        assert_eq!(next(b"{}", Some("c1")), b"id: c1\nevent: next\ndata: {}\n\n");
        assert_eq!(next(b"{}", Some("c1\ndata: x")), b"event: next\ndata: {}\n\n");
        assert_eq!(next(b"{}", None), b"event: next\ndata: {}\n\n");
    }
}
