//! Where a request's loads run: in the request's own task, after every resolver that could run has run. Then a batch is as
//! large as it can be without waiting for a clock, no other thread is woken for it, and it ends with the request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::runtime::{Timer, TokioSpawner, TokioTimer};
use futures_util::future::{BoxFuture, poll_fn};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::{AtomicWaker, FutureObj, Spawn, SpawnError};

/// The loads of a request. Until [`Loads::drive`] runs them, and in streams, they are tasks of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Loads(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    driven: AtomicBool,
    begun: Mutex<Vec<FutureObj<'static, ()>>>,
    waker: AtomicWaker,
}

impl Loads {
    /// Runs `work` and the loads that it begins, until `work` ends.
    pub(super) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.driven.store(true, Ordering::Release);
        // Alone among its like, so that it is polled when it is woken and not whenever a load is.
        let mut work = FuturesUnordered::from_iter([work]);
        let mut running = FuturesUnordered::new();
        poll_fn(|cx| {
            // What is begun from here on is seen below: nobody needs to be woken for it.
            self.0.waker.take();
            loop {
                if let Poll::Ready(Some(answer)) = work.poll_next_unpin(cx) {
                    return Poll::Ready(answer);
                }
                running.extend(self.begun());
                if step(&mut running, cx) {
                    continue;
                }
                // From here on somebody does. Then look once more, so that nothing falls between.
                self.0.waker.register(cx.waker());
                if self.is_idle() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn begun(&self) -> Vec<FutureObj<'static, ()>> {
        std::mem::take(&mut *self.queue())
    }

    /// Whether no load waits to be run.
    fn is_idle(&self) -> bool {
        self.queue().is_empty()
    }

    fn queue(&self) -> MutexGuard<'_, Vec<FutureObj<'static, ()>>> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets loads go on; whether one has ended, so that somebody who waited for it can.
fn step(running: &mut FuturesUnordered<FutureObj<'static, ()>>, cx: &mut Context<'_>) -> bool {
    let mut ended = false;
    while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {
        ended = true;
    }
    ended
}

impl Spawn for Loads {
    fn spawn_obj(&self, load: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        if !self.0.driven.load(Ordering::Acquire) {
            return TokioSpawner::current().spawn_obj(load);
        }
        self.queue().push(load);
        self.0.waker.wake();
        Ok(())
    }
}

impl Timer for Loads {
    /// A load that is driven begins after all who run have asked; one in a task of its own lets the others come first.
    fn delay(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if self.0.driven.load(Ordering::Acquire) {
            return Box::pin(std::future::ready(()));
        }
        TokioTimer::default().delay(duration)
    }
}
