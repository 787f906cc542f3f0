//! What several ask at the same time is answered once, for all of them.
//!
//! Who comes joins an answer that is not being worked on yet, never one that is: everybody is told what was so after they came,
//! as if they had asked alone. Nothing is kept: an answer lives until those who waited for it have it. It is worked on while
//! anybody waits for it, whoever of them that is: nobody depends on another's speed, and whoever goes away takes nothing along.

mod batch;
mod turn;

pub use batch::Batches;
pub use turn::turn;

use std::collections::HashMap;
use std::fmt::{Debug, Formatter};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

/// How long an answer waits for the one before to end. Then it is begun beside it: what takes longer is not what many ask, and
/// whoever asks it twice should not wait twice as long.
const PATIENCE: Duration = Duration::from_millis(50);

/// The shortest pause that a timer can tell from none.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// How long an answer waits when the one before took so long: half of it. Whoever was told by that one and asks again is told by
/// this one, too; otherwise those who ask a thing again and again would be two halves that take turns, and the work be done twice
/// as often.
fn pause_after(took: Duration) -> Option<Duration> {
    let pause = (took / 2).min(LONGEST_PAUSE);
    (pause >= SHORTEST_PAUSE).then_some(pause)
}

type Answer<A> = Shared<BoxFuture<'static, A>>;

/// The answers that are waited for, by their questions. Clones share them. Who may be told the same must be a part of the
/// question.
pub struct Flights<Q, A>(Arc<Mutex<HashMap<Arc<Q>, Flight<A>>>>);

/// The last answer to a question.
struct Flight<A> {
    begun: Arc<Begun>,
    answer: WeakShared<BoxFuture<'static, A>>,
}

/// When it was begun, if it is.
type Begun = OnceLock<Instant>;

impl<Q, A> Flights<Q, A> {
    fn all(&self) -> MutexGuard<'_, HashMap<Arc<Q>, Flight<A>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A> Flights<Q, A>
where
    Q: Eq + Hash + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// The answer to a question, which `work` gives unless others wait for it already. It calls [`Departure::begin`] as soon as
    /// what it is about to tell may not be what is so later.
    pub fn join<W>(&self, question: Q, work: impl FnOnce(Arc<Q>, Departure<Q, A>) -> W) -> Answer<A>
    where
        W: Future<Output = A> + Send + 'static,
    {
        self.join_adding(question, |_, _| Ok(()), work)
    }

    /// The same for questions that are equal without being the same: one that joins another is added to it, unless `add` gives it
    /// back. Nothing is added once the work has begun.
    pub fn join_adding<W>(
        &self,
        question: Q,
        add: impl FnOnce(&Q, Q) -> Result<(), Q>,
        work: impl FnOnce(Arc<Q>, Departure<Q, A>) -> W,
    ) -> Answer<A>
    where
        W: Future<Output = A> + Send + 'static,
    {
        let mut flights = self.all();
        let last = flights.get_key_value(&question).and_then(|(waiting, flight)| {
            Some((waiting, flight.answer.upgrade()?, flight.begun.get().copied()))
        });
        let (question, earlier) = match last {
            Some((waiting, answer, None)) => match add(waiting, question) {
                Ok(()) => return answer,
                Err(question) => (question, None),
            },
            Some((_, answer, Some(begun))) => (question, Some((answer, begun))),
            None => (question, None),
        };
        let question = Arc::new(question);
        let begun = Arc::new(Begun::new());
        let departure =
            Departure { flights: self.clone(), question: Arc::clone(&question), begun: Arc::clone(&begun) };
        let work = work(Arc::clone(&question), departure);
        let answer = async move {
            if let Some((earlier, begun)) = earlier {
                // It may be older than who came for this one.
                let ended = tokio::time::timeout(PATIENCE, earlier).await.is_ok();
                if let Some(pause) = pause_after(begun.elapsed()).filter(|_| ended) {
                    tokio::time::sleep(pause).await;
                }
            }
            work.await
        };
        let answer = answer.boxed().shared();
        if let Some(waiting) = answer.downgrade() {
            // With its own question: an equal one may ask for something else.
            flights.remove(&question);
            flights.insert(question, Flight { begun, answer: waiting });
        }
        answer
    }
}

impl<Q, A> Clone for Flights<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> Default for Flights<Q, A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<Q, A> Debug for Flights<Q, A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").field("questions", &self.all().len()).finish()
    }
}

/// An answer on its way; it is forgotten when this is dropped.
pub struct Departure<Q: Eq + Hash, A> {
    flights: Flights<Q, A>,
    question: Arc<Q>,
    begun: Arc<Begun>,
}

impl<Q: Eq + Hash, A> Departure<Q, A> {
    /// The work begins: who comes from here on comes too late for this answer.
    pub fn begin(&self) {
        // Behind the same lock as joining, so that nobody joins in between.
        let _flights = self.flights.all();
        self.begun.get_or_init(Instant::now);
    }
}

impl<Q: Eq + Hash, A> Drop for Departure<Q, A> {
    fn drop(&mut self) {
        let mut flights = self.flights.all();
        if flights.get(&self.question).is_some_and(|last| Arc::ptr_eq(&last.begun, &self.begun)) {
            flights.remove(&self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    /// Somebody who answers how often they were asked, when they are let.
    #[derive(Clone, Default)]
    struct Slow {
        asked: Arc<AtomicUsize>,
        gates: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
    }

    type Told = Result<usize, &'static str>;
    type Flights = super::Flights<&'static str, Told>;

    impl Slow {
        async fn work(self, departure: Departure<&'static str, Told>) -> Told {
            let (gate, opened) = oneshot::channel();
            departure.begin();
            let count = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            self.gates.lock().unwrap().push(gate);
            opened.await.map_err(|_| "shut")?;
            Ok(count)
        }

        fn open(&self) {
            self.gates.lock().unwrap().remove(0).send(()).unwrap();
        }
    }

    fn ask(flights: &Flights, slow: &Slow, question: &'static str) -> Answer<Told> {
        let slow = slow.clone();
        flights.join(question, |_, departure| slow.work(departure))
    }

    macro_rules! waits {
        ($answer:expr) => {
            assert!(poll!(&mut $answer).is_pending())
        };
    }

    /// Three who ask the same: the first is worked for, and the others wait for its end.
    async fn three(flights: &Flights, slow: &Slow) -> [Answer<Told>; 3] {
        let mut asked = [(); 3].map(|()| None);
        for one in &mut asked {
            let mut answer = ask(flights, slow, "a");
            waits!(answer);
            *one = Some(answer);
        }
        asked.map(|answer| answer.expect("all three have asked"))
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_joins_what_has_not_begun_and_nothing_else() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [first, mut second, third] = three(&flights, &slow).await;
        // Another question is not held up.
        let mut other = ask(&flights, &slow, "b");
        waits!(other);
        assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
        slow.open();
        assert_eq!(first.await, Ok(1));
        slow.open();
        assert_eq!(other.await, Ok(2));
        waits!(second);
        let mut late = ask(&flights, &slow, "a");
        waits!(late);
        slow.open();
        assert_eq!(third.await, Ok(3));
        assert_eq!(second.await, Ok(3));
        waits!(late);
        slow.open();
        assert_eq!(late.await, Ok(4));
        assert!(flights.all().is_empty());
    }

    /// Of which things; equal to any other.
    struct Things(Mutex<Vec<u8>>);

    impl PartialEq for Things {
        fn eq(&self, _: &Self) -> bool {
            true
        }
    }

    impl Eq for Things {}

    impl Hash for Things {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }

    #[tokio::test]
    async fn what_is_asked_besides_is_added_until_the_work_begins_unless_it_is_given_back() {
        let flights = super::Flights::default();
        let ask = |thing: u8| {
            let add = |things: &Things, others: Things| match thing {
                9 => Err(others),
                _ => {
                    things.0.lock().unwrap().push(thing);
                    Ok(())
                }
            };
            flights.join_adding(Things(Mutex::new(vec![thing])), add, |things, departure| async move {
                turn().await;
                departure.begin();
                let asked = things.0.lock().unwrap().clone();
                turn().await;
                asked
            })
        };
        let mut asked = [1, 2].map(ask);
        waits!(asked[0]);
        tokio::task::yield_now().await;
        waits!(asked[0]);
        // The work on those has begun.
        let late = [3, 9, 4].map(ask);
        let [one, two] = asked;
        assert_eq!((one.await, two.await), (vec![1, 2], vec![1, 2]));
        let [three, nine, four] = late;
        assert_eq!((nine.await, four.await), (vec![9, 4], vec![9, 4]));
        assert_eq!(three.await, [3]);
        assert!(flights.all().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_told_and_asks_again_is_told_with_those_who_wait() {
        for (took, pauses) in [(0, false), (1, false), (2, true), (8, true), (49, true)] {
            let (flights, slow) = (Flights::default(), Slow::default());
            let [first, mut second, third] = three(&flights, &slow).await;
            let took = Duration::from_millis(took);
            tokio::time::advance(took).await;
            slow.open();
            assert_eq!(first.await, Ok(1));
            waits!(second);
            let mut again = ask(&flights, &slow, "a");
            waits!(again);
            assert_eq!(slow.asked.load(Ordering::Relaxed), if pauses { 1 } else { 2 }, "{took:?}");
            if pauses {
                tokio::time::advance((took / 2).min(LONGEST_PAUSE)).await;
                waits!(second);
            }
            assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
            slow.open();
            assert_eq!(second.await, Ok(2));
            assert_eq!(third.await, Ok(2));
            if pauses {
                assert_eq!(again.await, Ok(2));
            } else {
                waits!(again);
                slow.open();
                assert_eq!(again.await, Ok(3));
            }
            assert!(flights.all().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_holds_nobody_up() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [mut first, mut second, third] = three(&flights, &slow).await;
        tokio::time::advance(PATIENCE).await;
        waits!(second);
        assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
        slow.gates.lock().unwrap().swap(0, 1);
        slow.open();
        assert_eq!(second.await, Ok(2));
        assert_eq!(third.await, Ok(2));
        waits!(first);
        slow.open();
        assert_eq!(first.await, Ok(1));
        assert!(flights.all().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_nothing_along() {
        let (flights, slow) = (Flights::default(), Slow::default());
        let [first, second, mut third] = three(&flights, &slow).await;
        drop(first);
        drop(second);
        waits!(third);
        slow.open();
        waits!(third);
        slow.open();
        assert_eq!(third.await, Ok(2));
        let mut alone = ask(&flights, &slow, "a");
        waits!(alone);
        drop(alone);
        assert!(flights.all().is_empty());
    }

    #[tokio::test(start_paused = true)]
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
        assert_eq!(after.await, Ok(3));
        assert!(flights.all().is_empty());
    }
}
