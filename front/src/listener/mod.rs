//! Serves a router over TCP with the timers and limits that `axum::serve` does not set.

mod answer;
mod header;
mod io;
mod opening;

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use http::{
    HeaderValue, Request, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{
    Limits,
    answer::refusal_body,
    error::Refused,
    request_id::{self, X_REQUEST_ID},
};
use answer::{Held, Unread};
use io::{Activity, Timed};

/// What a connection may take. Sizes are bytes, times are milliseconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenerLimits {
    /// Connections at once; further ones wait in the backlog.
    pub connections: usize,
    /// Header fields of a request; more are answered 431.
    pub headers: usize,
    /// Size of all header fields of a request; more is answered 431.
    pub header_bytes: usize,
    /// Time from the first byte of a request to the end of its header; in HTTP/2, from the connection to the end of its
    /// first settings.
    pub header_read_ms: u64,
    /// Time a connection may be open without a request.
    pub idle_ms: u64,
    /// Time a client may leave an answer unread. A connection of HTTP/2 takes no further request from half of it on.
    pub write_stall_ms: u64,
    /// HTTP/2 requests at once on one connection.
    pub http2_streams: u32,
    /// Time for requests to end after a shutdown has begun; then they are cut off.
    pub drain_ms: u64,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            headers: 64,
            header_bytes: 32 << 10,
            header_read_ms: 10_000,
            idle_ms: 60_000,
            write_stall_ms: 30_000,
            http2_streams: 100,
            drain_ms: 15_000,
        }
    }
}

/// Serves until `shutdown` is cancelled, then lets the requests in flight end.
///
/// Handlers find the client's address in [`ConnectInfo<SocketAddr>`]. Streams end with
/// [`Front::close_streams`](crate::Front::close_streams), which the caller calls when it cancels.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ListenerLimits,
    shutdown: CancellationToken,
) {
    let limits = Arc::new(limits);
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, address, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: others have to end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (router, limits, shutdown) = (router.clone(), Arc::clone(&limits), shutdown.clone());
        connections.spawn(async move {
            let _permit = permit;
            connect(stream, address, router, limits, shutdown).await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let patience = Duration::from_millis(limits.drain_ms);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not end in time and were cut off");
    }
    connections.shutdown().await;
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, address, permit))
}

/// Serves one connection to its end.
async fn connect(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    limits: Arc<ListenerLimits>,
    shutdown: CancellationToken,
) {
    let (activity, unread) = (Activity::new(), Arc::<Unread>::default());
    let io = TokioIo::new(Timed::new(stream, Arc::clone(&activity), &limits));
    let service = service_fn({
        let (limits, unread) = (Arc::clone(&limits), Arc::clone(&unread));
        move |request| {
            let (activity, unread) = (Arc::clone(&activity), Arc::clone(&unread));
            handle(request, router.clone(), address, activity, unread, Arc::clone(&limits))
        }
    });
    let mut connection = pin!(builder(&limits).serve_connection_with_upgrades(io, service).into_owned());
    let patience = Duration::from_millis(limits.write_stall_ms);
    // Behind a proxy the other answers of the connection are other people's: they have the second half of the time to
    // end, while further requests go to another connection.
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %address, "a connection ended early");
                }
                return;
            }
            () = shutdown.cancelled(), if !leaving => {}
            () = unread.stalled(if leaving { patience } else { patience / 2 }) => {
                if leaving {
                    tracing::debug!(%address, "a connection was closed whose client leaves an answer unread");
                    return;
                }
            }
        }
        leaving = true;
        connection.as_mut().graceful_shutdown();
    }
}

fn builder(limits: &ListenerLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A header past our limit but below these is answered with a body; past these, hyper answers a bare 431.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers((limits.headers * 4).max(100))
        .max_buf_size((limits.header_bytes * 4).max(8_192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes * 2).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_millis(limits.idle_ms / 2))
        .keep_alive_timeout(Duration::from_millis(limits.idle_ms / 2));
    builder
}

async fn handle(
    request: Request<Incoming>,
    router: Router,
    address: SocketAddr,
    activity: Arc<Activity>,
    unread: Arc<Unread>,
    limits: Arc<ListenerLimits>,
) -> Result<http::Response<Held>, Infallible> {
    let busy = activity.begin();
    let unread = (request.version() == Version::HTTP_2).then_some(unread);
    let response = match header::refusal(&request, &limits) {
        Some(refused) => refuse(&request, &refused),
        None => {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            router.oneshot(request).await?
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.upgraded();
    }
    Ok(response.map(|body| Held::new(body, unread, busy)))
}

/// The answer to a request that is not looked into, the last of its connection: where its body ends is not certain.
fn refuse(request: &Request<Incoming>, refused: &Refused) -> Response {
    let request_id = request_id::of(request.headers());
    let mut response = Response::new(Body::from(refusal_body(refused, &request_id, &Limits::default())));
    *response.status_mut() = refused.status(false);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
    if request.version() < Version::HTTP_2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
