//! GraphiQL, bundled.
