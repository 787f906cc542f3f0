//! GraphQL over WebSocket: the subprotocol `graphql-transport-ws`.
//!
//! One task reads a socket and starts operations, one writes what they answer; between them is a bounded queue. Each
//! operation is a task of its own, ended by its `complete`, by the client's, or with the socket.

mod message;
mod outbox;
mod session;

use std::sync::Arc;

use async_graphql::Executor;
use axum::{
    extract::{
        FromRequestParts as _,
        ws::{WebSocket, WebSocketUpgrade},
    },
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use crate::{
    error::{ErrorCode, GraphqlError, Refused},
    front::{Caller, Inner},
    host::{Host, Transport},
};

/// The subprotocol spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// The version of RFC 6455, and the only one there is.
pub(crate) const VERSION: &str = "13";
/// Bytes of a `Sec-WebSocket-Key`, once decoded.
const KEY_BYTES: usize = 16;
/// Read buffer of one socket; larger messages are read in parts.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade(parts: &Parts) -> bool {
    parts.method == Method::GET && crate::http::upgrades_to_websocket(parts)
}

/// Turns a request into a socket.
///
/// A token in the header of the request is checked here, before there is a socket; one in `connection_init` takes its
/// place later.
///
/// # Errors
/// 400 for a bad handshake, 426 for one of another version, 401 for a bad token, 503 when there are too many sockets or the server is closing them.
pub(crate) async fn upgrade<H: Host, S: Executor>(
    inner: &Arc<Inner<H, S>>,
    parts: &mut Parts,
    mut caller: Caller,
) -> Result<Response, Refused> {
    check_handshake(&parts.headers)?;
    caller.transport = Transport::WebSocket;
    caller.streams = true;
    let token: Option<Arc<str>> = crate::http::token(&inner.host, parts)?.map(Arc::from);
    let identity = crate::http::recognise(&inner.host, token.as_deref(), &caller.peer).await?;
    let permit =
        Arc::clone(&inner.streams).try_acquire_owned().ok().filter(|_| !inner.closing.is_cancelled());
    let Some(permit) = permit else { return Err(no_room()) };
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            // A status of its own with our body.
            let status = rejection.into_response().status();
            let error = GraphqlError::new(ErrorCode::BadRequest, "The WebSocket handshake is not complete.");
            return Err(Refused::transport(status, error));
        }
    };
    let bytes = inner.limits.body_bytes;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(bytes)
        .max_frame_size(bytes)
        // Most sockets are idle most of the time: a thousand of them with the usual buffers take 128 MB.
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0);
    let inner = Arc::clone(inner);
    let task = inner.tasks.token();
    Ok(upgrade.on_upgrade(move |socket: WebSocket| async move {
        let _held = (permit, task);
        session::serve(inner, socket, (token, identity), caller).await;
    }))
}

/// What the extractor does not look at, or answers with less than a client can act on (RFC 6455 §4.2.1 and §4.4).
fn check_handshake(headers: &HeaderMap) -> Result<(), Refused> {
    if only(headers, header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        let message = "The WebSocket handshake is not of version 13: send `Sec-WebSocket-Version: 13`.";
        let error = GraphqlError::new(ErrorCode::BadRequest, message);
        return Err(Refused::transport(StatusCode::UPGRADE_REQUIRED, error));
    }
    let key = only(headers, header::SEC_WEBSOCKET_KEY).and_then(|key| BASE64.decode(key.as_bytes()).ok());
    if key.is_none_or(|key| key.len() != KEY_BYTES) {
        return Err(Refused::malformed("`Sec-WebSocket-Key` must be 16 bytes in base64, and be there once."));
    }
    Ok(())
}

/// The value of a field that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn no_room() -> Refused {
    let error = GraphqlError::new(
        ErrorCode::Unavailable,
        "The server has no room for another socket: try again in a moment.",
    );
    Refused { retry_after: Some(5), ..Refused::transport(StatusCode::SERVICE_UNAVAILABLE, error) }
}
