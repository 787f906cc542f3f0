//! Following a file that a process writes, line by line.

use std::path::{Path, PathBuf};

use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::process::Follow;
use crate::engine::EngineError;

/// A line past this is cut: one diagnostic of Terraform with its snippet is far below.
const MAX_LINE: usize = 256 * 1024;
const CHUNK: usize = 64 * 1024;
/// Read in one turn while the writer lives: somebody who writes without end must not keep others from their turn.
const TURN: usize = 1024 * 1024;

pub(super) struct Tail {
    path: PathBuf,
    file: File,
    /// Size in bytes past which the file is emptied, read or not.
    largest: u64,
    /// A line whose end has not come yet.
    line: Vec<u8>,
}

impl Tail {
    pub(super) async fn open(path: &Path, largest: u64) -> Result<Self, EngineError> {
        // Writable for the sake of emptying it.
        let file = OpenOptions::new().read(true).write(true).open(path).await;
        let file = file.map_err(EngineError::io(path))?;
        Ok(Self { path: path.to_owned(), file, largest, line: Vec::new() })
    }

    /// Hands on every line that is complete, and the rest too once the writer has ended.
    pub(super) async fn read(
        &mut self,
        follow: Follow,
        mut emit: impl FnMut(&str) + Send,
    ) -> Result<(), EngineError> {
        let mut chunk = vec![0; CHUNK];
        let mut taken = 0;
        while follow == Follow::Ended || taken < TURN {
            let count = self.file.read(&mut chunk).await.map_err(EngineError::io(&self.path))?;
            if count == 0 {
                break;
            }
            taken += count;
            self.take(&chunk[..count], &mut emit);
        }
        if follow == Follow::Ended && !self.line.is_empty() {
            emit(&String::from_utf8_lossy(&self.line));
            self.line.clear();
        }
        if follow == Follow::Live {
            self.bound().await.map_err(EngineError::io(&self.path))?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8], emit: &mut impl FnMut(&str)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                emit(&String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
        }
    }

    /// The writer appends, so that it goes on at the new end.
    async fn bound(&mut self) -> std::io::Result<()> {
        if self.file.metadata().await?.len() > self.largest {
            self.file.set_len(0).await?;
            self.file.rewind().await?;
            self.line.clear();
        }
        Ok(())
    }
}
