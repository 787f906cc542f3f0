//! A TCP stream that times out where HTTP says it may: while a header trickles in, between requests, and while an
//! answer is not read. Between those a request takes the time it takes.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{ListenerLimits, opening::Opening};

/// What the requests of a connection are doing.
#[derive(Default)]
pub(super) struct Activity {
    /// Requests so far: one may begin and end between two looks at the connection.
    begun: AtomicUsize,
    requests: AtomicUsize,
    upgraded: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A request whose header is complete. It is over when the value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.requests.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(self))
    }

    /// The connection speaks another protocol now, with timers of its own.
    pub(super) fn upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Acquire) > 0 || self.upgraded.load(Ordering::Acquire)
    }
}

pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a connection waits for while no request is being served.
#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    /// The rest of a header.
    Header,
    /// The next request.
    Request,
    /// Nothing: a request is being served.
    Served,
}

pub(super) struct Timed {
    stream: TcpStream,
    activity: Arc<Activity>,
    waiting: Waiting,
    /// Requests that had begun at the last look.
    seen: usize,
    deadline: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
    header_read: Duration,
    idle: Duration,
    write_stall: Duration,
    opening: Opening,
}

impl Timed {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>, limits: &ListenerLimits) -> Self {
        let header_read = Duration::from_millis(limits.header_read_ms);
        Self {
            stream,
            activity,
            waiting: Waiting::Header,
            seen: 0,
            deadline: Box::pin(sleep_until(Instant::now() + header_read)),
            stalled: None,
            header_read,
            idle: Duration::from_millis(limits.idle_ms),
            write_stall: Duration::from_millis(limits.write_stall_ms),
            opening: Opening::new(),
        }
    }

    fn wait_for(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        let patience = match waiting {
            Waiting::Header => self.header_read,
            Waiting::Request => self.idle,
            Waiting::Served => return,
        };
        self.deadline.as_mut().reset(Instant::now() + patience);
    }

    /// Notes whether a request has begun since the last look, and whether one is being served.
    fn look(&mut self) -> bool {
        let begun = self.activity.begun.load(Ordering::Acquire);
        let busy = self.activity.is_busy();
        if busy || begun != self.seen {
            self.waiting = Waiting::Served;
        }
        self.seen = begun;
        busy
    }

    fn received(&mut self, bytes: &[u8]) {
        self.opening.received(bytes);
        if self.look() {
            return;
        }
        match self.opening {
            // Frames of HTTP/2 come between requests too, so that only silence counts. A header that does not end lets
            // its client send nothing else, so that a ping is not answered.
            Opening::Http2 => self.wait_for(Waiting::Request),
            Opening::Http1 if self.waiting != Waiting::Header => self.wait_for(Waiting::Header),
            // The time runs from the first byte.
            Opening::Http1 | Opening::Preface { .. } => {}
        }
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    self.received(&buffer.filled()[before..]);
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                if self.look() {
                    return Poll::Pending;
                }
                if self.waiting == Waiting::Served {
                    self.wait_for(Waiting::Request);
                }
                self.deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl Timed {
    /// Ends a connection whose client has stopped reading.
    fn watch_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let until = Instant::now() + self.write_stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(until)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
