//! How many SQL statements a request took, from the line that the server logs about it.

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
