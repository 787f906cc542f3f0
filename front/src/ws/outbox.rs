//! The writing half of a socket: a bounded queue, server pings, and the end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use futures_util::{SinkExt as _, stream::SplitSink};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    sync::watch,
    time::timeout,
};

use super::message::Close;
use crate::StreamLimits;

/// Where operations put what is to be written.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: Sender<Frame>,
    closing: watch::Sender<Option<Close>>,
    patience: Duration,
}

impl Outbox {
    pub(super) fn new(limits: &StreamLimits) -> (Self, Receiver<Frame>) {
        let (queue, receiver) = mpsc::channel(limits.queue.max(1));
        let patience = Duration::from_millis(limits.slow_reader_ms);
        (Self { queue, closing: watch::Sender::new(None), patience }, receiver)
    }

    /// Queues a message. A queue that stays full closes the socket: its client is too slow.
    pub(super) async fn send(&self, frame: Frame) {
        if let Err(mpsc::error::SendTimeoutError::Timeout(_)) =
            self.queue.send_timeout(frame, self.patience).await
        {
            self.close(Close::SLOW);
        }
    }

    /// Closes the socket; the first reason counts.
    pub(super) fn close(&self, why: Close) {
        self.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert(why);
            first
        });
    }

    /// Resolves when the socket is to be closed.
    pub(super) async fn closed(&self) -> Close {
        let mut closing = self.closing.subscribe();
        match closing.wait_for(Option::is_some).await {
            Ok(why) => why.unwrap_or(Close::INTERNAL),
            // The sender is part of this value.
            Err(_) => Close::INTERNAL,
        }
    }

    /// Writes what is queued until the socket is to be closed, then says why and ends it.
    pub(super) async fn write(self, mut sink: SplitSink<WebSocket, Frame>, mut queue: Receiver<Frame>) {
        let why = loop {
            let frame = tokio::select! {
                biased;
                why = self.closed() => break why,
                frame = queue.recv() => frame,
            };
            let Some(frame) = frame else { return };
            match timeout(self.patience, sink.send(frame)).await {
                Ok(Ok(())) => {}
                // The other end is gone.
                Ok(Err(_)) => return self.close(Close::INTERNAL),
                Err(_elapsed) => break Close::SLOW,
            }
        };
        self.close(why);
        let close = Frame::Close(Some(CloseFrame { code: why.0, reason: why.1.into() }));
        // A client that does not read even this is dropped.
        let _ = timeout(Duration::from_secs(1), sink.send(close)).await;
        let _ = timeout(Duration::from_secs(1), sink.close()).await;
    }
}
