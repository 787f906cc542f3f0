//! The GraphQL request pipeline: limits, validation, documents, negotiation; shared by HTTP, WebSocket and SSE.
