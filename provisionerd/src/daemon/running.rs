//! The jobs that run now, and how each is told to end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guildhall_client::Id;
use tokio_util::sync::CancellationToken;

/// How one job is told to end.
#[derive(Debug, Clone)]
pub(super) struct Control {
    /// Reaches the engine, whoever asked.
    pub(super) interrupt: CancellationToken,
    /// Somebody canceled the job.
    asked: CancellationToken,
    /// The job is no longer this daemon's: nothing it says counts.
    lost: CancellationToken,
}

impl Control {
    pub(super) fn ask(&self) {
        self.asked.cancel();
        self.interrupt.cancel();
    }

    pub(super) fn lose(&self) {
        self.lost.cancel();
        self.interrupt.cancel();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Running {
    jobs: Arc<Mutex<HashMap<String, Control>>>,
    abort: CancellationToken,
}

/// A job's place among the running ones; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Place {
    jobs: Arc<Mutex<HashMap<String, Control>>>,
    job: String,
    pub(super) control: Control,
}

impl Running {
    /// Every job is interrupted by `abort`.
    pub(super) fn new(abort: CancellationToken) -> Self {
        Self { jobs: Arc::default(), abort }
    }

    pub(super) fn enter(&self, job: &Id) -> Place {
        let control = Control {
            interrupt: self.abort.child_token(),
            asked: CancellationToken::new(),
            lost: CancellationToken::new(),
        };
        let job = job.inner().to_owned();
        lock(&self.jobs).insert(job.clone(), control.clone());
        Place { jobs: Arc::clone(&self.jobs), job, control }
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        lock(&self.jobs).keys().map(Id::new).collect()
    }

    pub(super) fn get(&self, job: &Id) -> Option<Control> {
        lock(&self.jobs).get(job.inner()).cloned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.jobs).remove(&self.job);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
