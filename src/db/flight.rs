//! What several ask of the database at the same time is read once, for all of them: when something has changed, everybody who
//! looks at it asks again at once.
//!
//! Who comes joins a read that has not begun yet, never one that has: everybody is told what was so after they came. Who may
//! see what is a part of the question, so that those who ask the same may be told the same. A read goes on while anybody
//! waits for it, whoever of them that is.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::{Debug, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
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
type Answer = BoxFuture<'static, Told>;

/// The reads that are waiting or under way. Of each question at most one is under way, and one waits for its end.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Arc<Question>, Flight>>>);

/// The last read of a question.
struct Flight {
    begun: Arc<AtomicBool>,
    answer: WeakShared<Answer>,
}

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
        let question = Arc::new(Question { text: text.into(), values: values.0, row: TypeId::of::<T>() });
        let rows = self.answer(&question, read).await?;
        let rows = rows.downcast::<Vec<T>>().expect("the question is for rows of this type");
        Ok(Arc::unwrap_or_clone(rows))
    }

    fn answer<T, R>(
        &self,
        question: &Arc<Question>,
        read: impl FnOnce(Arc<Question>, Departure) -> R,
    ) -> Shared<Answer>
    where
        T: Send + Sync + 'static,
        R: Future<Output = Result<Vec<T>, DbErr>> + Send + 'static,
    {
        let mut flights = self.flights();
        let earlier =
            flights.get(question).and_then(|flight| Some((flight.answer.upgrade()?, &flight.begun)));
        let earlier = match earlier {
            Some((answer, begun)) if !begun.load(Ordering::Relaxed) => return answer,
            earlier => earlier.map(|(answer, _)| answer),
        };
        let begun = Arc::new(AtomicBool::new(false));
        let departure =
            Departure { flights: self.clone(), question: Arc::clone(question), begun: Arc::clone(&begun) };
        let rows = read(Arc::clone(question), departure);
        let answer = async move {
            if let Some(earlier) = earlier {
                // Its answer may be older than who came for this one.
                _ = earlier.await;
            }
            rows.await.map(|rows| -> Arc<dyn Any + Send + Sync> { Arc::new(rows) })
        };
        let answer = answer.boxed().shared();
        if let Some(waiting) = answer.downgrade() {
            flights.insert(Arc::clone(question), Flight { begun, answer: waiting });
        }
        answer
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Arc<Question>, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Flights {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").field("questions", &self.flights().len()).finish()
    }
}

/// A read on its way; it is forgotten when this is dropped.
pub(super) struct Departure {
    flights: Flights,
    question: Arc<Question>,
    begun: Arc<AtomicBool>,
}

impl Departure {
    /// The statement is sent now: who comes from here on comes too late for its answer.
    pub(super) fn begin(&self) {
        // Behind the same lock as joining, so that nobody joins in between.
        let _flights = self.flights.flights();
        self.begun.store(true, Ordering::Relaxed);
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        let mut flights = self.flights.flights();
        if flights.get(&self.question).is_some_and(|last| Arc::ptr_eq(&last.begun, &self.begun)) {
            flights.remove(&self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::oneshot;

    use super::*;

    /// A database that answers how often it was asked, when it is let.
    #[derive(Clone, Default)]
    struct Slow {
        asked: Arc<AtomicUsize>,
        gates: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
    }

    impl Slow {
        async fn read(self, departure: Departure) -> Result<Vec<usize>, DbErr> {
            let (gate, opened) = oneshot::channel();
            departure.begin();
            let count = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            self.gates.lock().unwrap().push(gate);
            opened.await.map_err(|_| DbErr::Custom("shut".into()))?;
            Ok(vec![count])
        }

        fn open(&self) {
            self.gates.lock().unwrap().remove(0).send(()).unwrap();
        }
    }

    fn ask<'a>(flights: &'a Flights, slow: &Slow, text: &str) -> BoxFuture<'a, Result<Vec<usize>, DbErr>> {
        let (slow, statement) = (slow.clone(), (text.to_owned(), Values(Vec::new())));
        flights.join(statement, |_, departure| slow.read(departure)).boxed()
    }

    macro_rules! waits {
        ($future:expr) => {
            assert!(futures_util::poll!(&mut $future).is_pending())
        };
    }

    /// Three who ask the same: the first is under way, and the others wait for its end.
    async fn three<'a>(flights: &'a Flights, slow: &Slow) -> [BoxFuture<'a, Result<Vec<usize>, DbErr>>; 3] {
        let mut asked = [(); 3].map(|()| ask(flights, slow, "a"));
        for one in asked.each_mut() {
            assert!(futures_util::poll!(one).is_pending());
        }
        asked
    }

    #[tokio::test]
    async fn who_comes_joins_what_has_not_begun_and_nothing_else() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [first, mut second, third] = three(&flights, &slow).await;
        // Another question is not held up.
        let mut other = ask(&flights, &slow, "b");
        waits!(other);
        assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
        slow.open();
        assert_eq!(first.await, Ok(vec![1]));
        slow.open();
        assert_eq!(other.await, Ok(vec![2]));
        waits!(second);
        let mut late = ask(&flights, &slow, "a");
        waits!(late);
        slow.open();
        assert_eq!(third.await, Ok(vec![3]));
        assert_eq!(second.await, Ok(vec![3]));
        waits!(late);
        slow.open();
        assert_eq!(late.await, Ok(vec![4]));
        assert!(flights.flights().is_empty());
    }

    #[tokio::test]
    async fn who_goes_away_takes_nothing_along() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [first, second, mut third] = three(&flights, &slow).await;
        drop(first);
        drop(second);
        waits!(third);
        slow.open();
        waits!(third);
        slow.open();
        assert_eq!(third.await, Ok(vec![2]));
        let mut alone = ask(&flights, &slow, "a");
        waits!(alone);
        drop(alone);
        assert!(flights.flights().is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_waited_and_to_nobody_else() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [first, mut second, third] = three(&flights, &slow).await;
        slow.gates.lock().unwrap().clear();
        assert!(first.await.is_err());
        waits!(second);
        slow.gates.lock().unwrap().clear();
        assert!(second.await.is_err());
        assert!(third.await.is_err());
        let mut after = ask(&flights, &slow, "a");
        waits!(after);
        slow.open();
        assert_eq!(after.await, Ok(vec![3]));
        assert!(flights.flights().is_empty());
    }
}
