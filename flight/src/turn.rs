//! Letting others go first.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Lets whatever else can run go first. Unlike [`tokio::task::yield_now`], which is over as soon as anybody polls it again, it
/// ends when its turn comes, however many wait for it and poll it meanwhile.
pub async fn turn() {
    let turn = Arc::new(Turn::default());
    let mut asked = false;
    std::future::poll_fn(move |context| {
        turn.waiting.register(context.waker());
        if !asked {
            asked = true;
            let waker = Waker::from(Arc::clone(&turn));
            return pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
        }
        if turn.has_come.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[derive(Default)]
struct Turn {
    has_come: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.has_come.store(true, Ordering::Release);
        self.waiting.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn a_turn_comes_once_others_had_theirs_and_not_for_being_polled() {
        let mut turn = pin!(turn());
        for _ in 0..3 {
            assert!(poll!(turn.as_mut()).is_pending(), "nobody else was let");
        }
        tokio::task::yield_now().await;
        assert!(poll!(turn.as_mut()).is_ready());
    }
}
