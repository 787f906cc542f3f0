//! Readers that count, so that a claim in a header never decides how much is read.

use std::{
    cell::{Cell, RefCell},
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
};

use crate::{Error, Format};

/// What happened below a parser. Parsers flatten errors into texts of their own; this keeps the cause.
#[derive(Clone, Default)]
pub(crate) struct Trace(Rc<Events>);

#[derive(Default)]
struct Events {
    /// The caller's reader failed: a matter of the system, not of the archive.
    failed: RefCell<Option<io::Error>>,
    /// A bound was reached.
    exceeded: Cell<Option<Exceeded>>,
}

#[derive(Clone, Copy)]
enum Exceeded {
    Total(u64),
    /// Headers alone, between two files.
    Headers,
}

impl Trace {
    /// Tells the cause of a parser's failure: the system, a bound, or else the archive itself.
    pub(crate) fn explain(&self, format: Format, parser: impl std::fmt::Display) -> Error {
        if let Some(source) = self.0.failed.take() {
            return Error::io("read", "the archive", source);
        }
        match self.0.exceeded.get() {
            Some(Exceeded::Total(limit)) => Error::TotalTooLarge { limit },
            Some(Exceeded::Headers) => {
                Error::Damaged { format, detail: "its headers are too large".to_owned() }
            }
            None => Error::Damaged { format, detail: parser.to_string() },
        }
    }

    fn exceed(&self, what: Exceeded) -> io::Error {
        self.0.exceeded.set(Some(what));
        io::Error::other("a bound of the archive guard was reached")
    }
}

/// The caller's reader. Remembers its failures, and bounds what a parser reads before the first entry.
pub(crate) struct Source<R> {
    inner: R,
    trace: Trace,
    budget: Rc<Cell<u64>>,
}

impl<R> Source<R> {
    /// A source without a bound: its length was checked before.
    pub(crate) fn new(inner: R, trace: Trace) -> Self {
        Self { inner, trace, budget: Rc::new(Cell::new(u64::MAX)) }
    }

    /// The bytes that may still be read; set it to bound a step.
    pub(crate) fn budget(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.budget)
    }

    fn noting<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            if error.kind() != io::ErrorKind::Interrupted {
                self.trace.0.failed.replace(Some(error));
            }
            told
        })
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        let read = self.noting(result)?;
        let left = self.budget.get();
        if left != u64::MAX {
            let left = left.checked_sub(read as u64).ok_or_else(|| self.trace.exceed(Exceeded::Headers))?;
            self.budget.set(left);
        }
        Ok(read)
    }
}

impl<R: Seek> Seek for Source<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        // Not noted: a seek to before the start is what a damaged archive asks for.
        self.inner.seek(position)
    }
}

/// The decompressed stream of a tar: counts all of it against one bound, and the headers between two files
/// against a smaller one, because a parser keeps long names in memory.
pub(crate) struct Metered<R> {
    inner: R,
    trace: Trace,
    limit: u64,
    gauge: Gauge,
}

/// A view of what a [`Metered`] reader saw, kept by the one who drives the parser that owns the reader.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Rc<Counts>);

#[derive(Default)]
struct Counts {
    total: Cell<u64>,
    /// Bytes since the last [`Gauge::headers`].
    step: Cell<u64>,
    /// None while a file's content is read.
    step_limit: Cell<Option<u64>>,
    /// Whether a byte other than zero came since the last [`Gauge::headers`].
    content: Cell<bool>,
}

impl Gauge {
    /// From here on headers are read, up to `limit` bytes.
    pub(crate) fn headers(&self, limit: u64) {
        self.0.step.set(0);
        self.0.step_limit.set(Some(limit));
        self.0.content.set(false);
    }

    /// From here on a file's content, or the padding at the end, is read.
    pub(crate) fn content(&self) {
        self.0.step_limit.set(None);
    }

    /// The number of zero bytes since [`Gauge::headers`], or `None` if anything else was among them.
    pub(crate) fn zeros(&self) -> Option<u64> {
        (!self.0.content.get()).then(|| self.0.step.get())
    }
}

impl<R> Metered<R> {
    pub(crate) fn new(inner: R, limit: u64, trace: Trace, gauge: Gauge) -> Self {
        Self { inner, trace, limit, gauge }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let counts = &self.gauge.0;
        counts.total.set(counts.total.get() + read as u64);
        counts.step.set(counts.step.get() + read as u64);
        if counts.total.get() > self.limit {
            return Err(self.trace.exceed(Exceeded::Total(self.limit)));
        }
        if counts.step_limit.get().is_some_and(|limit| counts.step.get() > limit) {
            return Err(self.trace.exceed(Exceeded::Headers));
        }
        // Only asked for between files; inside one the answer is known after its first block.
        if !counts.content.get() && buffer[..read].iter().any(|byte| *byte != 0) {
            counts.content.set(true);
        }
        Ok(read)
    }
}
