//! GraphQL over WebSocket: the subprotocol `graphql-transport-ws`.

use std::sync::Arc;

use async_graphql::Executor;
use axum::response::Response;
use http::{Method, request::Parts};

use crate::{
    error::Refused,
    front::{Caller, Inner},
    host::Host,
};

pub(crate) fn is_upgrade(parts: &Parts) -> bool {
    parts.method == Method::GET && crate::http::upgrades_to_websocket(parts)
}

pub(crate) async fn upgrade<H: Host, S: Executor>(
    _inner: &Arc<Inner<H, S>>,
    _parts: &mut Parts,
    _caller: Caller,
) -> Result<Response, Refused> {
    Err(Refused::malformed("not yet"))
}
