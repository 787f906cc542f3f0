//! Spans, which become traces where a collector is named and cost nothing where none is.
//!
//! They have a target of their own, at the lowest level: log lines do not carry them unless somebody asks for them.

use tracing::Span;

/// The target of every span of a trace.
pub(crate) const TARGET: &str = "guildhall::trace";

/// A statement sent for a request. Its text has placeholders where its values are.
pub(crate) fn statement(request: &Span, system: &str, text: impl FnOnce() -> String) -> Span {
    if request.is_disabled() {
        return Span::none();
    }
    tracing::trace_span!(
        target: TARGET,
        parent: request,
        "statement",
        otel.kind = "client",
        db.system.name = system,
        db.query.text = text(),
    )
}
