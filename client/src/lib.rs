//! Typed documents of the public API, checked against schema.graphql when compiled, and the transport that sends them.
