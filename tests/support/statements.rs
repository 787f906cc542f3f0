//! How many SQL statements a request took, from the line that the server logs about it; which they were, from its trace;
//! and which are sent to PostgreSQL, whoever sends them, from what the driver logs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Listens to the request log of this thread, which serves the test's requests, until it is dropped.
pub(crate) struct RequestLog {
    statements: Arc<Mutex<Vec<u64>>>,
    _listening: tracing::subscriber::DefaultGuard,
}

impl RequestLog {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let statements = Arc::new(Mutex::new(Vec::new()));
        let layer = Statements(statements.clone());
        let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { statements, _listening: listening }
    }

    /// The statements of the request that ended since this was last asked.
    pub(crate) fn statements(&self) -> u64 {
        let counts = std::mem::take(&mut *self.statements.lock().unwrap());
        let [count] = counts[..] else { panic!("one request was to be logged, not {}", counts.len()) };
        count
    }
}

struct Statements(Arc<Mutex<Vec<u64>>>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "guildhall::request" {
            event.record(&mut Count(&self.0));
        }
    }
}

struct Count<'a>(&'a Mutex<Vec<u64>>);

impl Visit for Count<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "statements" {
            self.0.lock().unwrap().push(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Listens to the statements that are sent to PostgreSQL on this thread, until it is dropped. (SQLite's run on threads of
/// their own.)
pub(crate) struct SentLog {
    sent: Arc<Mutex<BTreeMap<String, usize>>>,
    _listening: tracing::subscriber::DefaultGuard,
}

impl SentLog {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let sent = Arc::new(Mutex::new(BTreeMap::new()));
        let layer = Sent(sent.clone());
        let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { sent, _listening: listening }
    }

    /// How often each statement was sent since this was last asked.
    pub(crate) fn take(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

struct Sent(Arc<Mutex<BTreeMap<String, usize>>>);

impl<S: tracing::Subscriber> Layer<S> for Sent {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        *self.0.lock().unwrap().entry(text.statement).or_default() += 1;
    }
}

/// The text of a statement; a short one stands only in the summary.
#[derive(Default)]
struct Text {
    statement: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if (field.name() == "summary" && self.statement.is_empty())
            || (field.name() == "db.statement" && !value.is_empty())
        {
            value.trim().clone_into(&mut self.statement);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Listens to the traces of this thread, which serves the test's requests, until it is dropped.
pub(crate) struct AskedLog {
    asked: Arc<Mutex<Vec<String>>>,
    _listening: tracing::subscriber::DefaultGuard,
}

impl AskedLog {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let layer = Asked(asked.clone());
        let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { asked, _listening: listening }
    }

    /// The statements that resolvers have asked since this was last called. A statement is noted before it is sent.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

struct Asked(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Asked {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "guildhall::trace"
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::Id, _: Context<'_, S>) {
        span.record(&mut QueryText(&self.0));
    }
}

struct QueryText<'a>(&'a Mutex<Vec<String>>);

impl Visit for QueryText<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.query.text" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
