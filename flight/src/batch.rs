//! Questions of one kind that come at the same time are answered together.

use std::collections::HashMap;
use std::fmt::{Debug, Formatter};
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::PATIENCE;

/// Rounds under way at the same time, when answers are slow.
const ROUNDS: usize = 4;

/// Questions that wait for the next round. Clones share them. A question is answered by a round that begins after it came, never
/// by one that is under way.
pub struct Batches<Q, A>(Arc<Mutex<State<Q, A>>>);

struct State<Q, A> {
    waiting: HashMap<Q, Vec<oneshot::Sender<A>>>,
    /// Whether somebody will answer those who wait.
    gathered: bool,
    rounds: usize,
}

impl<Q, A> Batches<Q, A>
where
    Q: Clone + Eq + Hash + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// The answer to a question; `None` where `answer` ended without one. It answers all who wait: one round after another, so
    /// that the busier everybody is, the more are answered at once. A round that takes longer than 50 ms holds nobody up: the
    /// next begins beside it. `begin` is called where nobody gathers yet.
    pub async fn join<F, R>(&self, question: Q, begin: impl FnOnce() -> F) -> Option<A>
    where
        F: Fn(Vec<Q>) -> R + Clone + Send + 'static,
        R: Future<Output = HashMap<Q, A>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let round = {
            let mut state = self.state();
            state.waiting.entry(question).or_default().push(sender);
            self.gather(&mut state)
        };
        if let Some(round) = round {
            round.begin(begin());
        }
        receiver.await.ok()
    }

    /// Somebody who answers those who wait, where nobody does yet.
    fn gather(&self, state: &mut State<Q, A>) -> Option<Round<Q, A>> {
        if state.gathered {
            return None;
        }
        state.gathered = true;
        state.rounds += 1;
        Some(Round { batches: self.clone(), gathers: true })
    }
}

impl<Q, A> Batches<Q, A> {
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers one round after another until nobody waits, or until the others can't wait for it.
struct Round<Q, A> {
    batches: Batches<Q, A>,
    gathers: bool,
}

impl<Q, A> Round<Q, A>
where
    Q: Clone + Eq + Hash + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends as soon as nobody waits, and who goes away must not take the others' answer along"
    )]
    fn begin<F, R>(mut self, answer: F)
    where
        F: Fn(Vec<Q>) -> R + Clone + Send + 'static,
        R: Future<Output = HashMap<Q, A>> + Send + 'static,
    {
        tokio::spawn(async move {
            while self.gathers {
                // Whatever else can run comes first.
                tokio::task::yield_now().await;
                let Some(waiting) = self.take() else { break };
                let mut answers = pin!(answer(waiting.keys().cloned().collect()));
                let answers = match tokio::time::timeout(PATIENCE, answers.as_mut()).await {
                    Ok(answers) => answers,
                    Err(_elapsed) => {
                        if let Some(next) = self.pass_on() {
                            next.begin(answer.clone());
                        }
                        answers.await
                    }
                };
                tell(waiting, &answers);
            }
        });
    }

    /// Everybody who waits. Where nobody does, whoever comes next gathers.
    fn take(&mut self) -> Option<HashMap<Q, Vec<oneshot::Sender<A>>>> {
        let mut state = self.batches.state();
        if state.waiting.is_empty() {
            self.gathers = false;
            state.gathered = false;
            return None;
        }
        Some(std::mem::take(&mut state.waiting))
    }

    /// Leaves those who wait to another, unless too many are under way.
    fn pass_on(&mut self) -> Option<Self> {
        let mut state = self.batches.state();
        if state.rounds >= ROUNDS {
            return None;
        }
        self.gathers = false;
        state.gathered = false;
        if state.waiting.is_empty() { None } else { self.batches.gather(&mut state) }
    }
}

fn tell<Q: Eq + Hash, A: Clone>(waiting: HashMap<Q, Vec<oneshot::Sender<A>>>, answers: &HashMap<Q, A>) {
    for (question, senders) in waiting {
        let Some(answer) = answers.get(&question) else { continue };
        for sender in senders {
            // Who no longer waits has gone away.
            _ = sender.send(answer.clone());
        }
    }
}

/// However it ends, nobody is left without somebody who answers: who waited for it is told that it has ended.
impl<Q, A> Drop for Round<Q, A> {
    fn drop(&mut self) {
        let mut state = self.batches.state();
        state.rounds -= 1;
        if self.gathers {
            state.gathered = false;
            state.waiting.clear();
        }
    }
}

impl<Q, A> Clone for Batches<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> Default for Batches<Q, A> {
    fn default() -> Self {
        let state = State { waiting: HashMap::new(), gathered: false, rounds: 0 };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl<Q, A> Debug for Batches<Q, A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("Batches")
            .field("waiting", &state.waiting.len())
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
            assert!(state.rounds == 0 && !state.gathered && state.waiting.is_empty());
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
        slow.gate.add_permits(1);
        assert_eq!(told(first).await, [None, None]);
        assert_eq!(told(second).await, [None]);
        slow.gate.add_permits(1);
        assert_eq!(told(slow.asks(["c"]).await).await, [Some(2)]);
        slow.is_idle().await;
    }
}
