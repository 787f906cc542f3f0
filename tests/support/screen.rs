//! A terminal with a screen: what a person sees while a command runs, and the keys that they press.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex};

use pty_process::{OwnedWritePty, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::process::{PATIENCE, eventually};

const ROWS: u16 = 40;
const COLUMNS: u16 = 160;

/// A command that runs on a terminal of its own. It ends with its owner.
pub(crate) struct Screen {
    child: Child,
    keys: OwnedWritePty,
    shown: Arc<Mutex<Shown>>,
    reading: JoinSet<()>,
}

struct Shown {
    terminal: vt100::Parser,
    written: Vec<u8>,
}

impl Screen {
    pub(super) fn start(command: Command) -> Self {
        let (terminal, end) = pty_process::open().unwrap();
        terminal.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = pty_process::Command::from(command).spawn(end).unwrap();
        let (mut written, keys) = terminal.into_split();
        let shown = Shown { terminal: vt100::Parser::new(ROWS, COLUMNS, 0), written: Vec::new() };
        let shown = Arc::new(Mutex::new(shown));
        let seen = Arc::clone(&shown);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut bytes = [0; 4096];
            // An error is the end: the last program has closed the terminal.
            while let Ok(length @ 1..) = written.read(&mut bytes).await {
                let mut shown = seen.lock().unwrap();
                shown.terminal.process(&bytes[..length]);
                shown.written.extend_from_slice(&bytes[..length]);
            }
        });
        Self { child, keys, shown, reading }
    }

    /// The lines that can be read now, without those that are empty.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap();
        let rows = shown.terminal.screen().rows(0, COLUMNS);
        rows.map(|row| row.trim_end().to_owned()).filter(|row| !row.is_empty()).collect()
    }

    /// Everything that was written to it, with its control codes.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().written).into_owned()
    }

    /// In which column the next letter would be written.
    pub(crate) fn column(&self) -> u16 {
        self.shown.lock().unwrap().terminal.screen().cursor_position().1
    }

    /// Waits until a line has this in it; answers the lines of that moment. Panics when the command ends before.
    pub(crate) async fn shows(&mut self, text: &str) -> Vec<String> {
        eventually(&format!("`{text}` on the screen"), async || {
            let lines = self.lines();
            if lines.iter().any(|line| line.contains(text)) {
                return Some(lines);
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) before it showed `{text}`:\n{}", lines.join("\n"));
            None
        })
        .await
    }

    /// Presses Ctrl-C: the terminal makes a signal of it.
    pub(crate) async fn interrupt(&mut self) {
        self.keys.write_all(b"\x03").await.unwrap();
    }

    /// Waits for its end, and for the last that it wrote.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status =
            ended.unwrap_or_else(|_| panic!("it does not end:\n{}", self.lines().join("\n"))).unwrap();
        let read = timeout(PATIENCE, self.reading.join_next()).await;
        read.expect("it has closed its terminal").transpose().unwrap();
        status
    }
}
