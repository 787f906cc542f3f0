//! GraphQL over HTTP: one endpoint for queries, mutations, event streams and WebSocket upgrades.

pub(crate) mod accept;
mod body;
mod coding;
mod respond;

use std::{borrow::Cow, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use async_graphql::Executor;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
    routing::any,
};
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts};
use tower::util::MapRequestLayer;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate as _,
        predicate::{NotForContentType, SizeAbove},
    },
};
use tracing::Instrument as _;

use crate::{
    document::OperationKind,
    error::{ErrorCode, GraphqlError, Refused},
    front::{Admitted, Caller, Front, Inner},
    host::{Host, Peer, Refusal, Transport},
    params::GraphqlParams,
    request_id, sse, ws,
};
use accept::{Accepted, Media, negotiate, prefers_html};

/// Methods the endpoint answers to.
const ALLOW: &str = "GET, HEAD, POST";

impl<H: Host, S: Executor> Front<H, S> {
    /// Routes `/graphql` and its alias `/graphql/stream`, which answers with event streams unless asked otherwise.
    pub fn router(&self) -> Router {
        let compression = CompressionLayer::new()
            .quality(CompressionLevel::Fastest)
            .compress_when(SizeAbove::new(self.0.limits.compress_from_bytes).and(NotForContentType::SSE));
        Router::new()
            .route("/graphql", any(endpoint::<H, S>))
            .route("/graphql/stream", any(stream_endpoint::<H, S>))
            .layer(compression)
            .layer(MapRequestLayer::new(coding::without_refusals))
            .with_state(self.clone())
    }
}

async fn endpoint<H: Host, S: Executor>(State(front): State<Front<H, S>>, request: Request) -> Response {
    serve(front.0, request, false).await
}

async fn stream_endpoint<H: Host, S: Executor>(
    State(front): State<Front<H, S>>,
    request: Request,
) -> Response {
    serve(front.0, request, true).await
}

async fn serve<H: Host, S: Executor>(inner: Arc<Inner<H, S>>, request: Request, streaming: bool) -> Response {
    let request_id = request_id::of(request.headers());
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let peer = inner.host.peer(request.headers(), connected);
    let caller = Caller {
        request_id: Arc::clone(&request_id),
        transport: Transport::Http,
        peer,
        last_event_id: last_event_id(request.headers()),
        safe: false,
        streams: false,
        traceparent: traceparent(request.headers()),
        arrived: Instant::now(),
    };
    let span = inner.host.span(&caller);
    // Execution catches its own panics; this is for those of the host and of the front itself.
    let responding =
        AssertUnwindSafe(respond(&inner, request, caller, streaming).instrument(span)).catch_unwind();
    let mut response = responding.await.unwrap_or_else(|_panic| {
        tracing::error!(%request_id, "a request made the server panic");
        respond::refused(&Refused::masked(), Media::Json, &request_id, &inner.limits)
    });
    respond::common_headers(&mut response, &request_id);
    response
}

async fn respond<H: Host, S: Executor>(
    inner: &Arc<Inner<H, S>>,
    request: Request,
    mut caller: Caller,
    streaming: bool,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if ws::is_upgrade(&parts) {
        return match ws::upgrade(inner, &mut parts, caller.clone()).await {
            Ok(response) => response,
            Err(refused) => turn_away(inner, &caller, None, &refused, Media::Json),
        };
    }
    if matches!(parts.method, Method::GET | Method::HEAD)
        && let Some(page) = page(inner, &parts)
    {
        return page;
    }
    let Some(Accepted { media, streams }) = negotiate(&parts.headers, streaming) else {
        return turn_away(inner, &caller, None, &not_acceptable(), Media::Json);
    };
    caller.safe = parts.method != Method::POST;
    caller.streams = streams;
    if media == Media::EventStream {
        caller.transport = Transport::EventStream;
    }
    let (admitted, identity) = match receive(inner, parts, body, &caller).await {
        Ok(received) => received,
        // The specification of event streams has a refused operation answered within the stream.
        Err((identity, refused)) if media == Media::EventStream && sse::in_stream(&refused) => {
            inner.observe_refused(&caller, identity.as_ref(), &refused);
            return sse::refused(&refused, &caller, &inner.limits);
        }
        Err((identity, refused)) => return turn_away(inner, &caller, identity.as_ref(), &refused, media),
    };
    let outcome =
        if media == Media::EventStream || admitted.execution.operation.kind == OperationKind::Subscription {
            sse::stream(inner, admitted, identity)
        } else {
            inner.run(admitted, &identity).await.map(|answer| respond::answer(answer, media))
        };
    outcome.unwrap_or_else(|refused| respond::refused(&refused, media, &caller.request_id, &inner.limits))
}

/// What was refused, and whose it was where that is known.
type Rejection<H> = (Option<<H as Host>::Identity>, Refused);

/// From a request to something that can run.
async fn receive<H: Host, S: Executor>(
    inner: &Inner<H, S>,
    parts: Parts,
    body: Body,
    caller: &Caller,
) -> Result<(Admitted<H>, H::Identity), Rejection<H>> {
    let unknown = |refused| (None, refused);
    // What the header alone can refuse is refused before the token costs a look-up and the body is read.
    let from_header = match parts.method {
        Method::POST => body::check_content_type(&parts.headers).map(|()| None),
        Method::GET | Method::HEAD => from_uri(&parts.uri, inner.limits.query_string_bytes).map(Some),
        _ => Err(method_not_allowed()),
    };
    let from_header = from_header.map_err(unknown)?;
    let identity = authenticate(&inner.host, &parts, &caller.peer).await.map_err(unknown)?;
    let params = match from_header {
        Some(params) => Ok(params),
        None => {
            let bytes = body::read(&parts.headers, body, &inner.limits).await;
            bytes.and_then(|bytes| GraphqlParams::from_json(&bytes))
        }
    };
    match params.and_then(|params| inner.admit(params, &identity, caller)) {
        Ok(admitted) => Ok((admitted, identity)),
        Err(refused) => Err((Some(identity), refused)),
    }
}

/// The page for a browser that opens the address without a request in it.
fn page<H: Host, S>(inner: &Inner<H, S>, parts: &Parts) -> Option<Response> {
    (is_bare(&parts.uri) && prefers_html(&parts.headers)).then(|| inner.host.page())?
}

/// Reports a refused request to the host and answers it.
fn turn_away<H: Host, S: Executor>(
    inner: &Inner<H, S>,
    caller: &Caller,
    identity: Option<&H::Identity>,
    refused: &Refused,
    media: Media,
) -> Response {
    inner.observe_refused(caller, identity, refused);
    respond::refused(refused, media, &caller.request_id, &inner.limits)
}

/// The identity of an HTTP request.
///
/// # Errors
/// 401 with a challenge for a bad token; 403, 429 and 503 as the host says.
async fn authenticate<H: Host>(host: &H, parts: &Parts, peer: &Peer) -> Result<H::Identity, Refused> {
    let token = token(host, parts)?;
    recognise(host, token.as_deref(), peer).await
}

/// The token of a request.
///
/// # Errors
/// 401 for an `Authorization` header of another form.
pub(crate) fn token<'a, H: Host>(host: &H, parts: &'a Parts) -> Result<Option<Cow<'a, str>>, Refused> {
    host.token(&parts.headers).map_err(refusal)
}

/// Whose a token is now.
///
/// # Errors
/// As [`Host::authenticate`].
pub(crate) async fn recognise<H: Host>(
    host: &H,
    token: Option<&str>,
    peer: &Peer,
) -> Result<H::Identity, Refused> {
    host.authenticate(token, peer).await.map_err(refusal)
}

fn refusal(refusal: Refusal) -> Refused {
    let status = match refusal.code {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    let challenge = status == StatusCode::UNAUTHORIZED;
    Refused { challenge, ..Refused::transport(status, GraphqlError::new(refusal.code, refusal.message)) }
}

fn from_uri(uri: &Uri, limit: usize) -> Result<GraphqlParams, Refused> {
    let query = uri.query().unwrap_or_default();
    if query.len() > limit {
        let message = format!("The query string is longer than {limit} bytes: send the request with POST.");
        let error = GraphqlError::new(ErrorCode::DocumentTooLarge, message).with("limit", limit);
        return Err(Refused::transport(StatusCode::URI_TOO_LONG, error.with("actual", query.len())));
    }
    GraphqlParams::from_query_string(query)
}

fn is_bare(uri: &Uri) -> bool {
    !GraphqlParams::are_in(uri.query().unwrap_or_default())
}

fn not_acceptable() -> Refused {
    let message = "Answers are application/graphql-response+json, application/json or text/event-stream.";
    Refused::transport(StatusCode::NOT_ACCEPTABLE, GraphqlError::new(ErrorCode::BadRequest, message))
}

fn method_not_allowed() -> Refused {
    let error = GraphqlError::new(ErrorCode::BadRequest, "Requests come by POST, queries also by GET.");
    Refused { allow: Some(ALLOW), ..Refused::transport(StatusCode::METHOD_NOT_ALLOWED, error) }
}

/// Of the length that the header has in every version so far, and not much more.
fn traceparent(headers: &HeaderMap) -> Option<Arc<str>> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    (value.len() <= 128).then(|| Arc::from(value))
}

fn last_event_id(headers: &HeaderMap) -> Option<Arc<str>> {
    let value = headers.get("last-event-id")?.to_str().ok()?;
    (!value.is_empty() && value.len() <= 512).then(|| Arc::from(value))
}

/// The header that allows a connection to become a WebSocket.
pub(crate) fn upgrades_to_websocket(parts: &Parts) -> bool {
    let has = |name: header::HeaderName, token: &str| {
        let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket")
}
