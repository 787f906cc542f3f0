//! What several ask of the database at the same time is read once, for all of them: when something has changed, everybody who
//! looks at it asks again at once. Who may see what is a part of the question, so that those who ask the same may be told the
//! same.

use std::any::{Any, TypeId};
use std::sync::Arc;

use sea_orm::DbErr;
use sea_orm::sea_query::{Value, Values};

/// A statement with its values, and what is made of its rows.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) text: Arc<str>,
    values: Vec<Value>,
    row: TypeId,
}

impl Question {
    /// Its parameters.
    pub(super) fn values(&self) -> Values {
        Values(self.values.clone())
    }
}

type Told = Result<Arc<dyn Any + Send + Sync>, DbErr>;

/// A read on its way.
pub(super) type Departure = guildhall_flight::Departure<Question, Told>;

/// The reads that are waiting or under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(guildhall_flight::Flights<Question, Told>);

impl Flights {
    /// The rows of a statement, which `read` asks for unless others do.
    pub(super) async fn join<T, R>(
        &self,
        (text, values): (String, Values),
        read: impl FnOnce(Arc<Question>, Departure) -> R,
    ) -> Result<Vec<T>, DbErr>
    where
        T: Clone + Send + Sync + 'static,
        R: Future<Output = Result<Vec<T>, DbErr>> + Send + 'static,
    {
        let question = Question { text: text.into(), values: values.0, row: TypeId::of::<T>() };
        let answer = self.0.join(question, |question, departure| {
            let rows = read(question, departure);
            async move { rows.await.map(|rows| -> Arc<dyn Any + Send + Sync> { Arc::new(rows) }) }
        });
        let rows = answer.await?.downcast::<Vec<T>>().expect("the question is for rows of this type");
        Ok(Arc::unwrap_or_clone(rows))
    }
}
