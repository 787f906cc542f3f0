//! Following a job: its log as it is written, and how it ended.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use console::style;
use guildhall_client::provisioner_job::{LogLevel, PendingReason, ProvisionerJobState};
use guildhall_client::provisioner_job_log::ProvisionerJobLog;
use guildhall_client::{Client, Id, Retry};
use indicatif::ProgressBar;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::spinner::spinner;
use crate::untrusted::{one_line, stripped};

/// How often to ask why a job waits.
const WHY: Duration = Duration::from_secs(1);
/// The same while it does not: it may come to wait again, when its daemon is lost.
const WHY_AGAIN: Duration = Duration::from_secs(15);
/// About half a minute: a server that restarts is back by then, and the job goes on meanwhile.
const PATIENCE: Retry =
    Retry { attempts: 10, first_wait: Duration::from_millis(250), longest_wait: Duration::from_secs(5) };

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The log is progress on the way to another result: the error stream.
    Progress,
    /// The log is the result: the output stream.
    Result,
}

/// Writes the log of `job` until it ends. `what` names the job in errors, e.g. "the start of `dev`".
///
/// The log is followed as it is written; a connection that breaks is opened again where it broke. Ctrl-C ends the
/// following, not the job.
pub(crate) async fn follow(
    client: &Client,
    output: &Output,
    job: &Id,
    what: &str,
    lines: Lines,
) -> Result<(), Failure> {
    let client = client.clone().with_retry(PATIENCE);
    let view = View::new(output, what, lines);
    let ended = tokio::select! {
        ended = client.follow_job(job, |line| view.line(line)) => ended?,
        never = why_it_waits(&client, job, &view) => match never {},
        () = interrupted() => {
            view.end();
            let hint = format!(
                "`guildhall provisioner jobs logs {0} --follow` shows the rest, \
                 and `guildhall provisioner jobs cancel {0}` ends it",
                job.inner()
            );
            return Err(Failure::new(Exit::Interrupted, format!("interrupted: {what} goes on")).hint(hint));
        }
    };
    view.end();
    let message = ended.error.map(|error| error.message);
    outcome(&ended.state, what, message.as_deref())
}

/// Waits for Ctrl-C. Where that can't be heard of, it ends the process.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Says why the job waits, for as long as it does. Where that can't be asked, following the log tells what is wrong.
async fn why_it_waits(client: &Client, job: &Id, view: &View<'_>) -> Infallible {
    loop {
        let Ok(status) = client.job_status(job).await else { return std::future::pending().await };
        view.waiting(status.pending_reason.as_ref());
        let waits = status.state == ProvisionerJobState::Pending;
        tokio::time::sleep(if waits { WHY } else { WHY_AGAIN }).await;
    }
}

/// Writes what is in the log of `job` by now; answers how far the job is.
pub(crate) async fn read(client: &Client, output: &Output, job: &Id) -> Result<ProvisionerJobState, Failure> {
    let view = View::new(output, "reading the log", Lines::Result);
    let mut after = None;
    loop {
        let progress = client.job_progress(job, after).await?;
        for line in &progress.logs.nodes {
            view.line(line)?;
        }
        if !progress.logs.has_next || progress.logs.end_cursor.is_none() {
            view.end();
            return Ok(progress.state);
        }
        after = progress.logs.end_cursor;
    }
}

fn outcome(state: &ProvisionerJobState, what: &str, error: Option<&str>) -> Result<(), Failure> {
    match state {
        ProvisionerJobState::Succeeded => Ok(()),
        ProvisionerJobState::Canceled => Err(Failure::new(Exit::JobFailed, format!("{what} was canceled"))),
        _ => {
            let reason = error.unwrap_or("its log says why");
            Err(Failure::new(Exit::JobFailed, format!("{what} failed: {reason}")))
        }
    }
}

/// The lines, and on a terminal a spinner below them that says what is waited for.
struct View<'a> {
    output: &'a Output,
    what: &'a str,
    lines: Lines,
    spinner: ProgressBar,
    said: RefCell<Option<String>>,
}

impl<'a> View<'a> {
    fn new(output: &'a Output, what: &'a str, lines: Lines) -> Self {
        Self { output, what, lines, spinner: spinner(what), said: RefCell::default() }
    }

    fn line(&self, line: &ProvisionerJobLog) -> Result<(), Failure> {
        self.spinner.suspend(|| match self.lines {
            Lines::Progress => {
                self.output.note(&people(line, true));
                Ok(())
            }
            Lines::Result if self.output.is_json() => self.output.json_line(line),
            Lines::Result => self.output.line(&people(line, false)),
        })
    }

    /// Says why a pending job waits: in the spinner, or once a reason where there is none.
    fn waiting(&self, reason: Option<&PendingReason>) {
        let reason = reason.map(|reason| format!("waiting: {}", one_line(&reason.message)));
        if reason == *self.said.borrow() {
            return;
        }
        self.spinner.set_message(reason.clone().unwrap_or_else(|| self.what.to_owned()));
        if let Some(reason) = reason.as_ref().filter(|_| self.spinner.is_hidden()) {
            self.output.note(reason);
        }
        self.said.replace(reason);
    }

    fn end(&self) {
        self.spinner.finish_and_clear();
    }
}

/// A line for people: its stage, then its text in the colour of its level.
fn people(line: &ProvisionerJobLog, on_stderr: bool) -> String {
    let paint = |text: String, level: &LogLevel| {
        let styled = if on_stderr { style(text).for_stderr() } else { style(text) };
        match level {
            LogLevel::Error => styled.red().to_string(),
            LogLevel::Warn => styled.yellow().to_string(),
            LogLevel::Trace | LogLevel::Debug => styled.dim().to_string(),
            LogLevel::Info | LogLevel::Other(_) => styled.to_string(),
        }
    };
    format!("{:<10} {}", stripped(&line.stage), paint(stripped(&line.text), &line.level))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn only_success_is_success() {
        assert!(outcome(&ProvisionerJobState::Succeeded, "the start", None).is_ok());
        let failure = outcome(&ProvisionerJobState::Failed, "the start", Some("no disk")).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::JobFailed, "the start failed: no disk"));
        let failure = outcome(&ProvisionerJobState::Canceled, "the start", None).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::JobFailed, "the start was canceled"));
    }

    #[test]
    fn a_line_shows_its_stage_and_no_control_characters() {
        let line = ProvisionerJobLog {
            sequence: 1,
            time: guildhall_client::DateTime::default(),
            level: LogLevel::Info,
            stage: "Apply".to_owned(),
            text: "done\u{7}".to_owned(),
        };
        assert_eq!(people(&line, false), "Apply      done");
    }
}
