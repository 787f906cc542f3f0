//! What several ask of the database at the same time is read once, for all of them: when something has changed, everybody who
//! looks at it asks again at once. Who may see what is a part of the question, so that those who ask the same may be told the
//! same. Of things that are found by a key, each may ask for others: whoever asks at the same time is told of theirs by one
//! statement.

use std::any::{Any, TypeId};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::DbErr;
use sea_orm::sea_query::{Value, Values};

/// How many keys one statement may have, unless somebody alone asks for more.
const MOST_KEYS: usize = 500;

/// A statement with its values, and what is made of its rows.
pub(super) struct Question {
    text: Arc<str>,
    values: Vec<Value>,
    row: TypeId,
    /// Of which things. Questions are equal whatever these are.
    keys: Mutex<HashSet<Value>>,
}

impl Question {
    fn equality(&self) -> (&str, &[Value], TypeId) {
        (&self.text, &self.values, self.row)
    }

    /// The statement and its parameters.
    pub(super) fn statement(&self) -> (Arc<str>, Values) {
        (Arc::clone(&self.text), Values(self.values.clone()))
    }

    /// What all who ask want to know of. Nobody joins them once the answer has begun.
    pub(super) fn keys(&self) -> Vec<Value> {
        self.wanted().iter().cloned().collect()
    }

    fn wanted(&self) -> MutexGuard<'_, HashSet<Value>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for what another asks for, besides; gives it back where that is too much.
    fn add(&self, other: Self) -> Result<(), Self> {
        let mut wanted = self.wanted();
        if wanted.len() + other.wanted().len() > MOST_KEYS {
            return Err(other);
        }
        wanted.extend(other.keys.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.equality() == other.equality()
    }
}

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.equality().hash(state);
    }
}

type Told = Result<Arc<dyn Any + Send + Sync>, DbErr>;

/// A read on its way.
pub(super) type Departure = guildhall_flight::Departure<Question, Told>;

/// The reads that are waiting or under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(guildhall_flight::Flights<Question, Told>);

impl Flights {
    /// The rows of a statement, which `read` asks for unless others do; where there are keys, of them and of others that were asked
    /// for meanwhile.
    pub(super) async fn join<T, R>(
        &self,
        (text, values): (String, Values),
        keys: HashSet<Value>,
        read: impl FnOnce(Arc<Question>, Departure) -> R,
    ) -> Result<Arc<Vec<T>>, DbErr>
    where
        T: Clone + Send + Sync + 'static,
        R: Future<Output = Result<Vec<T>, DbErr>> + Send + 'static,
    {
        let question =
            Question { text: text.into(), values: values.0, row: TypeId::of::<T>(), keys: Mutex::new(keys) };
        let answer = self.0.join_adding(question, Question::add, |question, departure| {
            let rows = read(question, departure);
            async move { rows.await.map(|rows| -> Arc<dyn Any + Send + Sync> { Arc::new(rows) }) }
        });
        Ok(answer.await?.downcast::<Vec<T>>().expect("the question is for rows of this type"))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use futures_util::{FutureExt as _, poll};

    use super::*;

    /// What was read, a statement an entry.
    type Read = Arc<Mutex<Vec<Vec<Value>>>>;

    /// Asks for things; each statement comes after everybody who asks at the same time.
    async fn of(flights: Flights, read: Read, text: &str, keys: Range<i64>) -> Arc<Vec<Value>> {
        let keys = keys.map(Value::from).collect();
        let answer =
            flights.join((text.to_owned(), Values(vec![])), keys, |question, departure| async move {
                guildhall_flight::turn().await;
                departure.begin();
                let keys = question.keys();
                read.lock().unwrap().push(keys.clone());
                guildhall_flight::turn().await;
                Ok(keys)
            });
        answer.await.unwrap()
    }

    /// How many keys each statement had that those needed who asked for these one after the other.
    async fn statements(asked: &[(&str, Range<i64>)]) -> Vec<usize> {
        let (flights, read) = (Flights::default(), Read::default());
        let mut waiting = Vec::new();
        for (text, keys) in asked {
            let mut one = of(flights.clone(), Arc::clone(&read), text, keys.clone()).boxed();
            assert!(poll!(&mut one).is_pending());
            waiting.push((keys.clone(), one));
        }
        for (keys, one) in waiting {
            let rows = one.await;
            assert!(keys.clone().all(|key| rows.contains(&key.into())), "{keys:?} in {rows:?}");
        }
        let mut counts: Vec<_> = read.lock().unwrap().iter().map(Vec::len).collect();
        counts.sort_unstable();
        counts
    }

    #[tokio::test]
    async fn who_asks_for_other_things_is_told_by_the_same_statement() {
        assert_eq!(statements(&[("a", 1..3), ("a", 2..5), ("a", 9..10)]).await, [5]);
        assert_eq!(statements(&[("a", 1..3), ("b", 1..3)]).await, [2, 2], "other words are another question");
    }

    #[tokio::test]
    async fn a_statement_has_no_more_things_than_it_can_bear() {
        assert_eq!(statements(&[("a", 0..400), ("a", 300..400), ("a", 1000..1001)]).await, [401]);
        assert_eq!(statements(&[("a", 0..400), ("a", 400..501), ("a", 600..700)]).await, [201, 400]);
        assert_eq!(statements(&[("a", 0..1000), ("a", 1..2)]).await, [1, 1000], "who alone asks for more");
    }
}
