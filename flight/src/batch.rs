//! Questions of one kind that come at the same time are answered together.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Formatter};
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use tokio::time::Instant;

use crate::{PATIENCE, turn};

/// Rounds under way at the same time, when answers are slow.
const ROUNDS: usize = 4;

/// A round begins when so often whatever else can run went first and nobody came. With two threads, requests come from both: a
/// turn of one of them is not the other's. What an idle server takes for them is a few microseconds.
const QUIET_TURNS: usize = 2;
/// And at the latest after so many.
const MOST_TURNS: usize = 16;

/// What a round found out.
type Answers<Q, A> = Arc<HashMap<Q, A>>;
/// A round, worked on by whoever waits for it.
type Round<Q, A> = Shared<BoxFuture<'static, Answers<Q, A>>>;
type WeakRound<Q, A> = WeakShared<BoxFuture<'static, Answers<Q, A>>>;

/// Questions that wait for the next round. Clones share them. A question is answered by a round that begins after it came, never
/// by one that is under way.
pub struct Batches<Q, A>(Arc<Mutex<State<Q, A>>>);

struct State<Q, A> {
    /// What the next round will answer, and the round; gone when nobody waits for it any more.
    next: Option<Next<Q, A>>,
    /// The round that began last, and when.
    last: Option<(Instant, WeakRound<Q, A>)>,
    /// How many are under way.
    rounds: usize,
}

/// What the next round will answer, for how many, and the round.
struct Next<Q, A> {
    asked: HashSet<Q>,
    waiting: usize,
    round: WeakRound<Q, A>,
}

impl<Q, A> Batches<Q, A>
where
    Q: Clone + Eq + Hash + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// The answer to a question; `None` where `answer` ended without one. It answers all who wait: one round after another, so
    /// that the busier everybody is, the more are answered at once. A round that takes longer than 50 ms holds nobody up: the
    /// next begins beside it. `begin` is called where nobody waits for a round yet.
    pub async fn join<F, R>(&self, question: Q, begin: impl FnOnce() -> F) -> Option<A>
    where
        F: FnOnce(Vec<Q>) -> R + Send + 'static,
        R: Future<Output = HashMap<Q, A>> + Send + 'static,
    {
        self.next_round(question.clone(), begin).await.get(&question).cloned()
    }

    fn next_round<F, R>(&self, question: Q, begin: impl FnOnce() -> F) -> Round<Q, A>
    where
        F: FnOnce(Vec<Q>) -> R + Send + 'static,
        R: Future<Output = HashMap<Q, A>> + Send + 'static,
    {
        let mut state = self.state();
        if let Some(next) = &mut state.next
            && let Some(round) = next.round.upgrade()
        {
            next.asked.insert(question);
            next.waiting += 1;
            return round;
        }
        let (batches, answer) = (self.clone(), begin());
        let earlier = state.last.as_ref().and_then(|(begun, round)| Some((*begun, round.upgrade()?)));
        let round = async move {
            if let Some((begun, earlier)) = earlier {
                batches.wait(begun, earlier).await;
            }
            batches.gather().await;
            let (asked, _under_way) = batches.begin();
            let answers = AssertUnwindSafe(async { answer(asked).await }).catch_unwind().await;
            // A panic is no answer, and is reported where it happens.
            Arc::new(answers.unwrap_or_default())
        };
        let round = round.boxed().shared();
        state.next =
            round.downgrade().map(|round| Next { asked: HashSet::from([question]), waiting: 1, round });
        round
    }

    /// Waits for a round, but no longer than others can wait for the next.
    async fn wait(&self, begun: Instant, earlier: Round<Q, A>) {
        let ended = tokio::time::timeout_at(begun + PATIENCE, earlier.clone()).await.is_ok();
        let full = self.state().rounds >= ROUNDS;
        if !ended && full {
            earlier.await;
        }
    }
}

impl<Q, A> Batches<Q, A> {
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets whatever else can run go first, for as long as more ask because of it: a round for many costs hardly more than one for
    /// a few.
    async fn gather(&self) {
        let (mut gathered, mut quiet) = (1, 0);
        for _ in 0..MOST_TURNS {
            turn().await;
            let waiting = self.state().next.as_ref().map_or(0, |next| next.waiting);
            quiet = if waiting == gathered { quiet + 1 } else { 0 };
            if quiet == QUIET_TURNS {
                return;
            }
            gathered = waiting;
        }
    }

    /// The next round begins: who comes from here on comes too late for it.
    fn begin(&self) -> (Vec<Q>, UnderWay<Q, A>) {
        let mut state = self.state();
        state.rounds += 1;
        let (asked, round) = state.next.take().map(|next| (next.asked, next.round)).unzip();
        state.last = round.map(|round| (Instant::now(), round));
        (asked.into_iter().flatten().collect(), UnderWay(self.clone()))
    }
}

/// A round that has begun, until it has ended or nobody waits for it any more.
struct UnderWay<Q, A>(Batches<Q, A>);

impl<Q, A> Drop for UnderWay<Q, A> {
    fn drop(&mut self) {
        self.0.state().rounds -= 1;
    }
}

impl<Q, A> Clone for Batches<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> Default for Batches<Q, A> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { next: None, last: None, rounds: 0 })))
    }
}

impl<Q, A> Debug for Batches<Q, A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        let waiting = state.next.as_ref().map_or(0, |next| next.waiting);
        f.debug_struct("Batches")
            .field("waiting", &waiting)
            .field("rounds", &state.rounds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    use super::*;

    /// Answers with the round's number, when it is let.
    #[derive(Clone)]
    struct Slow {
        batches: Batches<&'static str, usize>,
        rounds: Arc<Mutex<Vec<Vec<&'static str>>>>,
        gate: Arc<Semaphore>,
    }

    impl Slow {
        fn new() -> Self {
            Self { batches: Batches::default(), rounds: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        async fn answer(self, mut asked: Vec<&'static str>) -> HashMap<&'static str, usize> {
            asked.sort_unstable();
            let number = {
                let mut rounds = self.rounds.lock().unwrap();
                rounds.push(asked.clone());
                rounds.len()
            };
            self.gate.acquire().await.unwrap().forget();
            assert!(!asked.contains(&"panic"), "as it was asked to");
            asked.into_iter().filter(|&asked| asked != "unknown").map(|asked| (asked, number)).collect()
        }

        fn ask(&self, question: &'static str) -> JoinHandle<Option<usize>> {
            let slow = self.clone();
            #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
            tokio::spawn(async move {
                let begin = || {
                    let slow = slow.clone();
                    move |asked| slow.clone().answer(asked)
                };
                slow.batches.join(question, begin).await
            })
        }

        /// Asks, and lets everybody come as far as they can.
        async fn asks<const N: usize>(&self, questions: [&'static str; N]) -> Vec<JoinHandle<Option<usize>>> {
            let asked = questions.map(|question| self.ask(question)).into();
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            asked
        }

        async fn is_idle(&self) {
            tokio::time::sleep(PATIENCE).await;
            let state = self.batches.state();
            assert!(state.rounds == 0 && state.next.is_none());
        }

        fn rounds(&self) -> Vec<Vec<&'static str>> {
            self.rounds.lock().unwrap().clone()
        }
    }

    async fn told(asked: Vec<JoinHandle<Option<usize>>>) -> Vec<Option<usize>> {
        join_all(asked).await.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_others_are_answered_is_answered_by_the_next_round() {
        let slow = Slow::new();
        let first = slow.asks(["a", "b", "a", "unknown"]).await;
        let second = slow.asks(["a", "c"]).await;
        assert_eq!(slow.rounds(), [vec!["a", "b", "unknown"]]);
        slow.gate.add_permits(2);
        assert_eq!(told(first).await, [Some(1), Some(1), Some(1), None]);
        assert_eq!(told(second).await, [Some(2), Some(2)]);
        assert_eq!(slow.rounds()[1..], [vec!["a", "c"]]);
        slow.is_idle().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_round_holds_nobody_up_and_not_all_begin_at_once() {
        let slow = Slow::new();
        let mut asked = Vec::new();
        asked.extend(slow.asks(["a"]).await);
        tokio::time::sleep(PATIENCE / 2).await;
        for (question, rounds) in [("b", 1), ("c", 2), ("d", 3), ("e", 4)] {
            asked.extend(slow.asks([question]).await);
            assert_eq!(slow.rounds().len(), rounds, "who comes before the time is over waits");
            tokio::time::sleep(PATIENCE).await;
            let begun = ROUNDS.min(rounds + 1);
            assert_eq!(slow.rounds().len(), begun, "nobody waits longer, while few are under way");
        }
        slow.gate.add_permits(ROUNDS + 1);
        assert_eq!(told(asked).await, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
        slow.is_idle().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_that_breaks_leaves_nobody_waiting() {
        let slow = Slow::new();
        let first = slow.asks(["panic", "a"]).await;
        let second = slow.asks(["b"]).await;
        slow.gate.add_permits(2);
        assert_eq!(told(first).await, [None, None]);
        assert_eq!(told(second).await, [Some(2)]);
        slow.gate.add_permits(1);
        assert_eq!(told(slow.asks(["c"]).await).await, [Some(3)]);
        slow.is_idle().await;
    }
}
