//! One run of the program: its own process group, output to files that are followed, an end that is certain.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessGroup};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::fs::OpenOptions;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::tail::Tail;
use crate::engine::EngineError;

/// How late a line may be: well under the 100 ms that a reader of a live log notices.
const FOLLOW: Duration = Duration::from_millis(20);

/// Bytes of output on disk past which the file is emptied: a disk is not endless, and a job's log is long full.
const LARGEST_LOG: u64 = 16 * 1024 * 1024;
/// The same where the output is one document, such as a whole state.
const LARGEST_DOCUMENT: u64 = 512 * 1024 * 1024;

/// What ends a process that doesn't end by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until<'a> {
    /// Somebody cancels the job.
    Canceled(&'a CancellationToken),
    /// It takes too long.
    After(Duration),
}

/// A program to run.
#[derive(Debug)]
pub(super) struct Process<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [OsString],
    /// Working directory.
    pub(super) folder: &'a Path,
    /// All of it: nothing is inherited.
    pub(super) environment: &'a [(OsString, OsString)],
    /// Where its output goes, as `<name>.out` and `<name>.err`.
    pub(super) output: &'a Path,
    pub(super) name: String,
    pub(super) until: Until<'a>,
    /// From SIGINT to SIGKILL.
    pub(super) grace: Duration,
    /// Bytes that it and each of its children may allocate.
    pub(super) memory: Option<u64>,
}

/// Which of its two outputs a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// It was told to end before it did.
    pub(super) interrupted: bool,
}

impl Process<'_> {
    /// Runs to the end and hands each line of output to `line` within [`FOLLOW`] of its being written.
    ///
    /// Output goes to files and not through pipes: when this daemon dies, a program in the middle of an apply must
    /// not die of a closed pipe but finish and save its state.
    pub(super) async fn follow(&self, line: impl FnMut(Stream, &str) + Send) -> Result<Ended, EngineError> {
        self.run(LARGEST_LOG, line).await
    }

    async fn run(
        &self,
        largest: u64,
        mut line: impl FnMut(Stream, &str) + Send,
    ) -> Result<Ended, EngineError> {
        let (out, err) = (self.output_file("out"), self.output_file("err"));
        let mut child = self.spawn(&out, &err).await?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let (Some(bytes), Some(process)) = (self.memory, group) {
            // Inherited by whatever it starts: this is long before it has read its first file.
            if let Err(source) = limit_memory(process, bytes) {
                let _ = kill_process_group(process, Signal::KILL);
                return Err(self.failed(source));
            }
        }
        let mut output =
            Output { out: Tail::open(&out, largest).await?, err: Tail::open(&err, LARGEST_LOG).await? };
        let ended = self.wait(&mut *child, &mut output, &mut line).await;
        // What the program leaves running in its group ends with it. ESRCH (nobody is left) is the usual case.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        // Only now is there a last line.
        let rest = output.read(Follow::Ended, &mut line).await;
        ended.and_then(|ended| rest.map(|()| ended))
    }

    /// Runs to the end and answers its standard output whole; `line` gets its standard error.
    pub(super) async fn capture(
        &self,
        mut line: impl FnMut(&str) + Send,
    ) -> Result<(Ended, Vec<u8>), EngineError> {
        let ended = self.run(LARGEST_DOCUMENT, |stream, text| {
            if stream == Stream::Err {
                line(text);
            }
        });
        let ended = ended.await?;
        let out = self.output_file("out");
        let bytes = tokio::fs::read(&out).await.map_err(EngineError::io(&out))?;
        tokio::fs::remove_file(&out).await.map_err(EngineError::io(&out))?;
        Ok((ended, bytes))
    }

    async fn spawn(&self, out: &Path, err: &Path) -> Result<Box<dyn ChildWrapper>, EngineError> {
        let stdout = append(out).await?;
        let stderr = append(err).await?;
        let mut command = CommandWrap::with_new(self.program, |command| {
            command
                .args(self.arguments)
                .current_dir(self.folder)
                .env_clear()
                .envs(self.environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(stdout)
                .stderr(stderr);
        });
        command.wrap(ProcessGroup::leader());
        command.spawn().map_err(|source| self.failed(source))
    }

    async fn wait(
        &self,
        child: &mut dyn ChildWrapper,
        output: &mut Output,
        line: &mut (impl FnMut(Stream, &str) + Send),
    ) -> Result<Ended, EngineError> {
        let mut ticks = interval(FOLLOW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let interruption = async {
            match self.until {
                Until::Canceled(cancel) => cancel.cancelled().await,
                Until::After(limit) => tokio::time::sleep(limit).await,
            }
        };
        tokio::pin!(interruption);
        let mut kill_at = None;
        let mut killed = false;
        let mut trouble = None;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(|source| self.failed(source))?,
                () = &mut interruption, if kill_at.is_none() => {
                    // An error means that it ended just now; the next turn sees it.
                    let _ = child.signal(Signal::INT.as_raw());
                    kill_at = Some(Instant::now() + self.grace);
                }
                () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() && !killed => {
                    let _ = child.start_kill();
                    killed = true;
                }
                // Output that can't be read is no reason to cut an apply short: it is told when that has ended.
                _ = ticks.tick(), if trouble.is_none() => trouble = output.read(Follow::Live, line).await.err(),
            }
        };
        match trouble {
            Some(error) => Err(error),
            None => Ok(Ended { status, interrupted: kill_at.is_some() }),
        }
    }

    fn output_file(&self, extension: &str) -> PathBuf {
        self.output.join(format!("{}.{extension}", self.name))
    }

    fn failed(&self, source: std::io::Error) -> EngineError {
        EngineError::Process { program: self.program.to_owned(), source }
    }
}

/// `RLIMIT_DATA`, not `RLIMIT_AS`: a program in Go reserves far more addresses than it uses memory.
#[cfg(target_os = "linux")]
fn limit_memory(process: Pid, bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    prlimit(Some(process), Resource::Data, limit)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: Pid, _: u64) -> std::io::Result<()> {
    Err(std::io::Error::other("the memory of a job can be limited on Linux only"))
}

/// Both outputs of a program.
struct Output {
    out: Tail,
    err: Tail,
}

impl Output {
    async fn read(
        &mut self,
        follow: Follow,
        line: &mut (impl FnMut(Stream, &str) + Send),
    ) -> Result<(), EngineError> {
        self.out.read(follow, |text| line(Stream::Out, text)).await?;
        self.err.read(follow, |text| line(Stream::Err, text)).await
    }
}

/// Whether more can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    Live,
    Ended,
}

async fn append(path: &Path) -> Result<Stdio, EngineError> {
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).await;
    Ok(file.map_err(EngineError::io(path))?.into_std().await.into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::{Process, Stream, Until};

    /// Runs `script` and answers what it printed, and whether it was interrupted.
    async fn shell(script: &str, until: Until<'_>) -> (Vec<(Stream, String)>, bool) {
        shell_within(None, script, until).await
    }

    async fn shell_within(
        memory: Option<u64>,
        script: &str,
        until: Until<'_>,
    ) -> (Vec<(Stream, String)>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let process = Process {
            program: "/bin/sh".as_ref(),
            arguments: &["-c".into(), script.into()],
            folder: folder.path(),
            environment: &[("PATH".into(), "/usr/bin:/bin".into())],
            output: folder.path(),
            name: "1-shell".to_owned(),
            until,
            grace: Duration::from_millis(100),
            memory,
        };
        let mut lines = Vec::new();
        let ended = process.follow(|stream, line| {
            if lines.len() < 10 {
                lines.push((stream, line.to_owned()));
            }
        });
        let ended = tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap();
        (lines, ended.interrupted)
    }

    #[tokio::test]
    async fn reads_both_outputs_to_the_last_byte() {
        let never = CancellationToken::new();
        let script = "cat; echo out; printf 'no end'; echo err >&2; env | grep -v -e PWD -e ^_ -e SHLVL";
        let (mut lines, interrupted) = shell(script, Until::Canceled(&never)).await;
        lines.sort_by_key(|(stream, _)| *stream == Stream::Err);
        let texts = lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts, ["out", "no endPATH=/usr/bin:/bin", "err"]);
        assert!(!interrupted);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn memory_is_limited_for_children_too() {
        let never = CancellationToken::new();
        // `dd` allocates its buffer whole.
        let script = "sleep 0.2; (dd if=/dev/zero of=/dev/null bs=256M count=1 && echo had it) 2>&1";
        let (lines, _) = shell_within(Some(64 << 20), script, Until::Canceled(&never)).await;
        assert!(lines.iter().any(|(_, line)| line.contains("memory")), "{lines:?}");
        assert!(!lines.iter().any(|(_, line)| line == "had it"), "{lines:?}");
        let (lines, _) = shell_within(Some(1 << 30), script, Until::Canceled(&never)).await;
        assert!(lines.iter().any(|(_, line)| line == "had it"), "{lines:?}");
    }

    #[tokio::test]
    async fn a_flood_of_output_does_not_delay_the_end() {
        let (lines, interrupted) = shell("trap '' INT; yes", Until::After(Duration::from_millis(200))).await;
        assert!(lines.iter().all(|(_, line)| line == "y") && interrupted);
    }

    #[tokio::test]
    async fn what_stays_in_the_background_ends_too() {
        let never = CancellationToken::new();
        let (lines, _) = shell("sleep 600 & echo $!", Until::Canceled(&never)).await;
        let (_, background) = &lines[0];
        // The signal is sent; it is on the system to carry it out.
        let gone = async {
            loop {
                let status = std::fs::read_to_string(format!("/proc/{background}/stat")).unwrap_or_default();
                if status.is_empty() || status.contains(") Z ") || status.contains(") X ") {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    }
}
