//! The jobs that run now, and how each is told to end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guildhall_client::Id;
use guildhall_client::provisioner::Hold;
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
    /// It took longer than a job may.
    timed_out: CancellationToken,
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

    pub(super) fn time_out(&self) {
        self.timed_out.cancel();
        self.interrupt.cancel();
    }

    pub(super) fn is_timed_out(&self) -> bool {
        self.timed_out.is_cancelled()
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

/// A job and the how-manieth time it was taken: one that was lost may be taken again by the same daemon before what ran
/// of it has ended.
type Key = (String, i32);

/// All of them.
#[derive(Debug)]
pub(super) struct Running {
    jobs: Arc<Mutex<HashMap<Key, Control>>>,
    abort: CancellationToken,
}

/// A job's place among the running ones; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Place {
    jobs: Arc<Mutex<HashMap<Key, Control>>>,
    key: Key,
    pub(super) control: Control,
}

impl Running {
    /// Every job is interrupted by `abort`.
    pub(super) fn new(abort: CancellationToken) -> Self {
        Self { jobs: Arc::default(), abort }
    }

    pub(super) fn enter(&self, hold: &Hold) -> Place {
        let control = Control {
            interrupt: self.abort.child_token(),
            asked: CancellationToken::new(),
            lost: CancellationToken::new(),
            timed_out: CancellationToken::new(),
        };
        let key = (hold.job.inner().to_owned(), hold.attempt);
        lock(&self.jobs).insert(key.clone(), control.clone());
        Place { jobs: Arc::clone(&self.jobs), key, control }
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        lock(&self.jobs).keys().map(|(job, _)| Id::new(job)).collect()
    }

    /// The job, as it was taken last.
    pub(super) fn get(&self, job: &Id) -> Option<Control> {
        let jobs = lock(&self.jobs);
        let attempts = jobs.iter().filter(|((id, _), _)| id == job.inner());
        attempts.max_by_key(|((_, attempt), _)| *attempt).map(|(_, control)| control.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.jobs).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
