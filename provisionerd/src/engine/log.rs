//! Log lines on their way from an engine to the server: masked, cut and counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::engine::{Mask, Stage};

/// Longest text of one line, in bytes.
pub(super) const MAX_LINE: usize = 1024;
/// Most text of one job, in bytes.
pub(super) const MAX_JOB: usize = 1024 * 1024;
const CUT: &str = "…";

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Of interest to the authors of the engine.
    Trace,
    /// Of interest to the authors of the template.
    Debug,
    /// What happens.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    /// The daemon itself.
    Daemon,
    /// Terraform and what it runs.
    Provisioner,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the daemon saw it.
    pub time: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// Who speaks.
    pub source: LogSource,
    /// The step it belongs to.
    pub stage: Stage,
    /// One line of at most 1 KiB, secrets masked.
    pub text: String,
}

/// Where engines write to. Never blocks: a job prints at most 1 MiB, then one notice, then nothing.
#[derive(Debug, Clone)]
pub struct LogSink {
    lines: mpsc::UnboundedSender<LogLine>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mask: Mask,
    /// `None` once the job said too much.
    bytes: Option<usize>,
}

impl LogSink {
    /// A sink for one job, and the lines that come out of it.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<LogLine>) {
        let (lines, receiver) = mpsc::unbounded_channel();
        let state = State { mask: Mask::default(), bytes: Some(0) };
        (Self { lines, state: Arc::new(Mutex::new(state)) }, receiver)
    }

    /// Hides a value from now on, in every line.
    pub fn hide(&self, secret: &str) {
        self.state().mask.add(secret);
    }

    /// `text` with the hidden values replaced.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        self.state().mask.apply(text)
    }

    /// Where hidden values stand in `text`.
    pub(super) fn places(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        self.state().mask.places(text)
    }

    /// How many bytes at the end of `text` may be the beginning of a hidden value.
    pub(super) fn open_end(&self, text: &str) -> usize {
        self.state().mask.open_end(text)
    }

    /// Writes what the daemon has to say; line ends divide it.
    pub fn daemon(&self, level: LogLevel, stage: Stage, text: &str) {
        self.write(level, LogSource::Daemon, stage, text);
    }

    /// Writes what Terraform has to say; line ends divide it.
    pub fn provisioner(&self, level: LogLevel, stage: Stage, text: &str) {
        self.write(level, LogSource::Provisioner, stage, text);
    }

    fn write(&self, level: LogLevel, source: LogSource, stage: Stage, text: &str) {
        let time = DateTime::<Utc>::from(SystemTime::now());
        let mut state = self.state();
        // Masked before it is divided and cut: half a secret is no longer recognised.
        let masked = state.mask.apply(text);
        for line in masked.lines() {
            let Some(bytes) = state.bytes else { return };
            let text = clean(line);
            let (level, source, text) = if bytes + text.len() > MAX_JOB {
                state.bytes = None;
                let notice = format!("The log of this job passed {MAX_JOB} bytes; what follows is not kept.");
                (LogLevel::Warn, LogSource::Daemon, notice)
            } else {
                state.bytes = Some(bytes + text.len());
                (level, source, text)
            };
            // The receiver is gone only when nobody reports this job any more.
            let _ = self.lines.send(LogLine { time, level, source, stage, text });
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without control characters (a log must not move a reader's cursor), and cut at [`MAX_LINE`].
fn clean(line: &str) -> String {
    let mut text = String::with_capacity(line.len().min(MAX_LINE));
    let mut escape = false;
    for character in line.trim_end().chars() {
        if escape {
            // An ANSI sequence `ESC [ … letter`.
            escape = !character.is_ascii_alphabetic();
            continue;
        }
        let character = match character {
            '\u{1b}' => {
                escape = true;
                continue;
            }
            '\t' => ' ',
            other if other.is_control() => continue,
            other => other,
        };
        if text.len() + character.len_utf8() > MAX_LINE - CUT.len() {
            text.push_str(CUT);
            break;
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::{LogLevel, LogSink, LogSource, MAX_JOB, MAX_LINE};
    use crate::engine::Stage;

    #[test]
    fn divides_masks_and_cleans() {
        let (sink, mut lines) = LogSink::new();
        sink.hide("s3cr3t");
        sink.provisioner(LogLevel::Info, Stage::Plan, "one s3cr3t\n\u{1b}[31mred\u{1b}[0m\ttwo\r\n");
        assert_eq!(lines.try_recv().unwrap().text, "one ***");
        assert_eq!(lines.try_recv().unwrap().text, "red two");
        assert!(lines.try_recv().is_err());
    }

    #[test]
    fn cuts_long_lines_between_characters() {
        let (sink, mut lines) = LogSink::new();
        sink.provisioner(LogLevel::Info, Stage::Plan, &"ü".repeat(MAX_LINE));
        let text = lines.try_recv().unwrap().text;
        assert!(text.len() <= MAX_LINE && text.ends_with("ü…"), "{text}");
    }

    #[test]
    fn masks_before_it_cuts() {
        let (sink, mut lines) = LogSink::new();
        sink.hide("s3cr3t-value");
        sink.provisioner(LogLevel::Info, Stage::Plan, &format!("{}s3cr3t-value", "x".repeat(MAX_LINE - 6)));
        assert!(!lines.try_recv().unwrap().text.contains("s3"));
    }

    #[test]
    fn says_once_that_it_is_full() {
        let (sink, mut lines) = LogSink::new();
        for _ in 0..=2 * MAX_JOB / 1000 {
            sink.provisioner(LogLevel::Info, Stage::Apply, &"x".repeat(1000));
        }
        let (mut bytes, mut notices) = (0, 0);
        while let Ok(line) = lines.try_recv() {
            match line.source {
                LogSource::Provisioner => bytes += line.text.len(),
                LogSource::Daemon => notices += 1,
            }
        }
        assert!(bytes <= MAX_JOB && bytes > MAX_JOB - 1000, "{bytes}");
        assert_eq!(notices, 1);
    }
}
