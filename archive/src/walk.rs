//! The one walk through an archive that inspecting and unpacking share.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use crate::{
    Error, Format, Limits, Result, Rule,
    guard::{Guard, Kind},
    meter::{Source, Trace},
    tarball, zipball,
};

/// What a good archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What its first bytes and all others are.
    pub format: Format,
    /// Files and folders that it lists.
    pub entries: usize,
    /// Bytes of the files' contents, decompressed.
    pub total_bytes: u64,
    /// Whether a file at its top level ends in `.tf` or `.tf.json`. An archive without one is no Terraform
    /// module; whether that is an error is the caller's to say.
    pub has_terraform: bool,
}

/// Reads an archive to its last byte under the guard and writes nothing.
///
/// The reader is read from its start, whatever its position. It needs no buffer around it: that is done here.
///
/// # Errors
/// Any [`Error`] but those of writing: the first rule that is broken ends the reading.
pub fn inspect<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Summary> {
    walk(reader, limits, &mut Nowhere)
}

/// Where a walk puts what it lets through. Paths are as [`Guard::admit`] answers them.
pub(crate) trait Sink {
    type File: Write;
    fn folder(&mut self, path: &str) -> Result<()>;
    fn file(&mut self, path: &str, executable: bool) -> Result<Self::File>;
    /// The error for a write that failed.
    fn failed(&self, path: &str, source: io::Error) -> Error;
}

struct Nowhere;

impl Sink for Nowhere {
    type File = io::Sink;

    fn folder(&mut self, _: &str) -> Result<()> {
        Ok(())
    }

    fn file(&mut self, _: &str, _: bool) -> Result<io::Sink> {
        Ok(io::sink())
    }

    fn failed(&self, path: &str, source: io::Error) -> Error {
        Error::io("write", path, source)
    }
}

pub(crate) fn walk<R: Read + Seek>(mut reader: R, limits: &Limits, sink: &mut impl Sink) -> Result<Summary> {
    let unreadable = |source| Error::io("read", "the archive", source);
    if reader.seek(SeekFrom::End(0)).map_err(unreadable)? > limits.max_archive_bytes {
        return Err(Error::ArchiveTooLarge { limit: limits.max_archive_bytes });
    }
    reader.rewind().map_err(unreadable)?;
    let format = Format::detect(&mut reader)?;
    reader.rewind().map_err(unreadable)?;

    let trace = Trace::default();
    // A reader that grows while it is read must not get past the bound that its length was held against.
    let source = Source::new(reader, trace.clone());
    let mut visit = Visit::new(format, limits, trace, sink);
    match format {
        Format::Tar => tarball::read(BufReader::new(source.take(limits.max_archive_bytes)), &mut visit)?,
        Format::TarGz => tarball::read_gzip(source.take(limits.max_archive_bytes), &mut visit)?,
        Format::Zip => zipball::read(source, &mut visit)?,
    }
    Ok(visit.summary)
}

/// A walk under way: the guard, the sink, and the sum so far.
pub(crate) struct Visit<'a, S> {
    pub(crate) limits: &'a Limits,
    pub(crate) trace: Trace,
    guard: Guard<'a>,
    sink: &'a mut S,
    summary: Summary,
}

impl<'a, S: Sink> Visit<'a, S> {
    fn new(format: Format, limits: &'a Limits, trace: Trace, sink: &'a mut S) -> Self {
        let summary = Summary { format, entries: 0, total_bytes: 0, has_terraform: false };
        Self { limits, trace, guard: Guard::new(limits), sink, summary }
    }

    /// A folder entry. `size` is what its header declares, which must be nothing.
    pub(crate) fn folder(&mut self, name: &[u8], size: u64) -> Result<()> {
        if size != 0 {
            return Err(Error::entry(name, Rule::FolderWithContent));
        }
        if let Some(path) = self.guard.admit(name, Kind::Folder)? {
            self.sink.folder(&path)?;
            self.summary.entries += 1;
        }
        Ok(())
    }

    /// A file entry, with its content. At most one byte past a bound is read.
    pub(crate) fn file(&mut self, name: &[u8], mode: u32, size: u64, mut content: impl Read) -> Result<()> {
        let refuse = |rule| Error::entry(name, rule);
        // `admit` answers None for folders alone.
        let Some(path) = self.guard.admit(name, Kind::File)? else { return Err(refuse(Rule::EmptyName)) };
        let limit = self.limits.max_file_bytes;
        if size > limit {
            return Err(refuse(Rule::FileTooLarge { limit }));
        }
        let mut file = self.sink.file(&path, mode & 0o111 != 0)?;
        let mut copied = 0_u64;
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.damaged(format_args!("{path}: {error}"))),
            };
            copied += read as u64;
            if copied > limit {
                return Err(refuse(Rule::FileTooLarge { limit }));
            }
            self.summary.total_bytes += read as u64;
            if self.summary.total_bytes > self.limits.max_total_bytes {
                return Err(Error::TotalTooLarge { limit: self.limits.max_total_bytes });
            }
            file.write_all(&buffer[..read]).map_err(|source| self.sink.failed(&path, source))?;
        }
        if copied != size {
            return Err(refuse(Rule::SizeMismatch { declared: size, actual: copied }));
        }
        file.flush().map_err(|source| self.sink.failed(&path, source))?;
        self.summary.entries += 1;
        self.summary.has_terraform |= is_top_level_terraform(&path);
        Ok(())
    }

    /// The error for a parser that gave up.
    pub(crate) fn damaged(&self, parser: impl std::fmt::Display) -> Error {
        self.trace.explain(self.summary.format, parser)
    }
}

fn is_top_level_terraform(path: &str) -> bool {
    !path.contains('/') && (path.ends_with(".tf") || path.ends_with(".tf.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terraform_is_looked_for_at_the_top_only() {
        assert!(is_top_level_terraform("main.tf"));
        assert!(is_top_level_terraform("main.tf.json"));
        assert!(!is_top_level_terraform("modules/main.tf"));
        assert!(!is_top_level_terraform("main.tfvars"));
    }
}
