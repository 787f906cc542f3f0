//! What happens to a resolver's error before it leaves: it gets its code, and nulls no more than its own field where
//! that may be null.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, NextSubscribe, ResolveInfo,
};
use async_graphql::{Response, ServerError, ServerResult, Value};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

/// See [`super::error::code`].
#[derive(Default)]
pub(super) struct Errors {
    /// Errors of fields that are null in their place.
    kept: Mutex<Vec<ServerError>>,
}

impl Errors {
    fn finish(&self, response: &mut Response) {
        response.errors.append(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        response.errors.iter_mut().for_each(super::error::code);
    }
}

impl ExtensionFactory for Errors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self::default())
    }
}

#[async_trait::async_trait]
impl Extension for Errors {
    /// async-graphql lets the error of a resolver null the parent, also where the field itself may be null. The
    /// specification asks for null in the field's own place: one FORBIDDEN field must not take the whole object with
    /// it, nor one refused mutation the answers of its neighbours.
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let may_be_null = !info.return_type.ends_with('!');
        match next.run(ctx, info).await {
            Err(error) if may_be_null => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(Some(Value::Null))
            }
            resolved => resolved,
        }
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        self.finish(&mut response);
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let coded = |mut response: Response| {
            response.errors.iter_mut().for_each(super::error::code);
            response
        };
        next.run(ctx, stream).map(coded).boxed()
    }
}
