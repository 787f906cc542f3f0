//! Reading tar and tar.gz.
//!
//! The `tar` crate parses headers and nothing more: its own unpacking answers Ok while it skips `../x` and makes
//! links that point out of the folder.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use crate::{
    Error, Result, Rule,
    meter::{Gauge, Metered},
    walk::{Sink, Visit},
};

const BLOCK: u64 = 512;

/// Bytes of headers between two files: a long name, a long link and a set of pax records are far below.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// Reads a tar inside gzip, all members of it: what a decompressor that stops after the first would not see is
/// seen, and counted, here.
pub(crate) fn read_gzip<S: Sink>(source: impl Read, visit: &mut Visit<'_, S>) -> Result<()> {
    read(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, source)), visit)
}

/// Reads a tar to the end of its stream.
pub(crate) fn read<S: Sink>(stream: impl Read, visit: &mut Visit<'_, S>) -> Result<()> {
    let gauge = Gauge::default();
    let metered = Metered::new(stream, visit.limits.max_total_bytes, visit.trace.clone(), gauge.clone());
    // No buffer in between: the gauge must know which bytes the parser reads as headers.
    let mut archive = Archive::new(metered);
    let mut padding = 0;
    let mut headers = 0_usize;
    let mut entries = archive.entries().map_err(|error| visit.damaged(error))?;
    loop {
        gauge.headers(MAX_HEADER_BYTES + padding);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| visit.damaged(error))?;
        headers += 1;
        // Global headers (`git archive` writes one) create nothing and so are not the guard's to count.
        if headers > visit.limits.max_entries.saturating_mul(2) {
            return Err(Error::TooManyEntries { limit: visit.limits.max_entries });
        }
        gauge.content();
        let size = entry.size();
        admit(&mut entry, visit)?;
        padding = size.next_multiple_of(BLOCK) - size;
    }

    // The end is two blocks of zeros, then at most more zeros. A file that just stops was cut.
    gauge.content();
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| visit.damaged(error))?;
    match gauge.zeros() {
        None => Err(visit.damaged("there is something after its end")),
        Some(zeros) if zeros < padding + 2 * BLOCK => Err(visit.damaged("its end is missing")),
        Some(_) => Ok(()),
    }
}

fn admit<S: Sink>(entry: &mut Entry<'_, impl Read>, visit: &mut Visit<'_, S>) -> Result<()> {
    let name = entry.path_bytes().into_owned();
    let size = entry.size();
    let kind = entry.header().entry_type();
    if let Some(kind) = strange_kind(kind) {
        return Err(Error::entry(&name, Rule::NotPlain { kind }));
    }
    if kind == EntryType::XGlobalHeader {
        return drain(entry, visit);
    }
    if is_pax_sparse(entry, visit)? {
        return Err(Error::entry(&name, Rule::NotPlain { kind: "sparse file" }));
    }
    // Before POSIX a folder was a file whose name ends in a slash.
    if kind == EntryType::Directory || (name.ends_with(b"/") && size == 0) {
        return visit.folder(&name, size);
    }
    let mode = entry.header().mode().map_err(|error| visit.damaged(error))?;
    visit.file(&name, mode, size, entry)
}

/// What an entry is if it is neither a file, a folder nor a comment.
fn strange_kind(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular | EntryType::Directory | EntryType::XGlobalHeader => None,
        EntryType::Link => Some("hard link"),
        EntryType::Symlink => Some("symbolic link"),
        EntryType::Char | EntryType::Block => Some("device"),
        EntryType::Fifo => Some("named pipe"),
        EntryType::GNUSparse => Some("sparse file"),
        _ => Some("special entry"),
    }
}

/// Newer GNU tar writes a sparse file as a regular one whose pax records say where the holes are. Read plainly it
/// would be a file with the wrong content.
fn is_pax_sparse<S: Sink>(entry: &mut Entry<'_, impl Read>, visit: &Visit<'_, S>) -> Result<bool> {
    let Some(records) = entry.pax_extensions().map_err(|error| visit.damaged(error))? else {
        return Ok(false);
    };
    for record in records {
        let record = record.map_err(|error| visit.damaged(error))?;
        if record.key_bytes().starts_with(b"GNU.sparse") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn drain<S: Sink>(entry: &mut impl Read, visit: &Visit<'_, S>) -> Result<()> {
    let read = io::copy(&mut entry.take(MAX_HEADER_BYTES + 1), &mut io::sink());
    match read {
        Ok(read) if read > MAX_HEADER_BYTES => Err(visit.damaged("a comment in it is too large")),
        Ok(_) => Ok(()),
        Err(error) => Err(visit.damaged(error)),
    }
}
