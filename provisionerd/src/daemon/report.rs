//! Brings a job's log to the server, line for line and once, while the job runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use guildhall_client::provisioner::{self, Hold, JobLogInput};
use guildhall_client::provisioner_job;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::running::Control;
use super::{Daemon, DaemonError};
use crate::daemon::server::Unsaid;
use crate::engine::{LogLevel, LogLine, LogSource};

/// Between two calls: a line waits this long at most.
const FLUSH: Duration = Duration::from_millis(250);
/// A silent job asks this often whether it shall end.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Bounds of one call, well below the server's limit of 1 MiB.
const BATCH_LINES: usize = 1000;
const BATCH_BYTES: usize = 256 * 1024;

pub(super) struct Reporter {
    daemon: Arc<Daemon>,
    hold: Hold,
    control: Control,
    lines: UnboundedReceiver<LogLine>,
    /// Not yet acknowledged; the first has number `next`.
    pending: VecDeque<LogLine>,
    next: i32,
    /// Whether no further line can come.
    closed: bool,
}

impl Reporter {
    /// Brings the log of what is held, from the line with this sequence on.
    pub(super) fn new(
        daemon: Arc<Daemon>,
        hold: Hold,
        control: Control,
        (next, lines): (i32, UnboundedReceiver<LogLine>),
    ) -> Self {
        Self { daemon, hold, control, lines, pending: VecDeque::new(), next, closed: false }
    }

    /// Returns when the last line is at the server, or when the job is lost.
    pub(super) async fn run(mut self) {
        let control = self.control.clone();
        tokio::select! {
            () = self.deliver() => {}
            () = control.lost() => {}
        }
    }

    async fn deliver(&mut self) {
        let mut said = Instant::now();
        loop {
            self.gather(said + KEEP_ALIVE).await;
            if self.closed && self.pending.is_empty() {
                return;
            }
            if !self.closed {
                // Lines come in bursts: what follows within the flush time goes along.
                sleep_until(said + FLUSH).await;
                self.take();
            }
            said = Instant::now();
            if !self.send().await {
                return;
            }
        }
    }

    /// Waits for a line, the end of the log or `deadline`.
    async fn gather(&mut self, deadline: Instant) {
        if self.pending.is_empty() && !self.closed {
            match timeout_at(deadline, self.lines.recv()).await {
                Ok(Some(line)) => self.pending.push_back(line),
                Ok(None) => self.closed = true,
                Err(_) => {}
            }
        }
    }

    fn take(&mut self) {
        loop {
            match self.lines.try_recv() {
                Ok(line) => self.pending.push_back(line),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    /// Sends what is pending, or nothing as a sign of life; `false` ends the report.
    async fn send(&mut self) -> bool {
        let batch = self.batch();
        let append = || {
            let client = &self.daemon.server.client;
            client.append_provisioner_job_logs(&self.hold, self.next, batch.clone())
        };
        match self.daemon.server.insist(append).await {
            Ok(cancel_requested) => {
                if cancel_requested {
                    self.control.ask();
                }
                self.pending.drain(..batch.len());
                // The bound of a job's log keeps the number far below the limit.
                self.next = self.next.saturating_add(i32::try_from(batch.len()).unwrap_or(i32::MAX));
                true
            }
            Err(Unsaid::Refused(error)) => {
                tracing::warn!(job = self.hold.job.inner(), %error, "the server took the job away");
                if self.daemon.server.judge(&error) == super::server::Verdict::Key {
                    self.daemon.server.end_with(DaemonError::shut_out(error));
                }
                self.control.lose();
                false
            }
            Err(Unsaid::GaveUp(error)) => {
                tracing::error!(job = self.hold.job.inner(), %error, "the log of the job could not be delivered");
                false
            }
        }
    }

    fn batch(&self) -> Vec<JobLogInput> {
        let mut bytes = 0;
        let fits = self.pending.iter().take(BATCH_LINES).take_while(|line| {
            bytes += line.text.len();
            bytes <= BATCH_BYTES
        });
        fits.map(input).collect()
    }
}

fn input(line: &LogLine) -> JobLogInput {
    JobLogInput {
        time: line.time,
        level: match line.level {
            LogLevel::Trace => provisioner_job::LogLevel::Trace,
            LogLevel::Debug => provisioner_job::LogLevel::Debug,
            LogLevel::Info => provisioner_job::LogLevel::Info,
            LogLevel::Warn => provisioner_job::LogLevel::Warn,
            LogLevel::Error => provisioner_job::LogLevel::Error,
        },
        source: match line.source {
            LogSource::Daemon => provisioner::LogSource::ProvisionerDaemon,
            LogSource::Provisioner => provisioner::LogSource::Provisioner,
        },
        stage: line.stage.to_string(),
        text: line.text.clone(),
    }
}
