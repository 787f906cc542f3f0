//! The schema as the front executes it: every resolver's error gets its code before it leaves. A wrapper, not an
//! extension: with an extension async-graphql takes a longer way through every single field.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::Schema;
use super::error::code;

/// The schema with coded errors.
#[derive(Clone)]
pub struct Coded(Schema);

impl Coded {
    pub(crate) fn new(schema: Schema) -> Self {
        Self(schema)
    }
}

fn coded(mut response: Response) -> Response {
    response.errors.iter_mut().for_each(code);
    response
}

impl Executor for Coded {
    async fn execute(&self, request: Request) -> Response {
        coded(self.0.execute(request).await)
    }

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        Executor::execute_stream(&self.0, request, session_data).map(coded).boxed()
    }
}
