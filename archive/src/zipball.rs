//! Reading zip.
//!
//! A zip says everything twice, before each file and in the directory at its end, and tools disagree on which to
//! believe. An archive whose two stories differ, overlap or leave something out is refused.

use std::io::{BufReader, Read, Seek};

use zip::{CompressionMethod, ZipArchive, read::ZipFile, result::ZipError};

use crate::{
    Error, Result, Rule,
    meter::Source,
    walk::{Sink, Visit},
};

/// Bytes of the directory at the end that are read for each entry allowed, on average: a fixed part of 46, the
/// name and a few extra fields. The parser keeps all of it in memory before anyone can count entries.
const DIRECTORY_BYTES_PER_ENTRY: u64 = 512;

/// The largest comment, the end records, and what a search for them reads.
const DIRECTORY_BYTES_FIXED: u64 = 1 << 20;

// The type of a file in a Unix mode, as Info-ZIP stores it.
const MODE_TYPE: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_FOLDER: u32 = 0o040_000;
const MODE_LINK: u32 = 0o120_000;

/// Reads a zip: its directory, then every entry to its end.
pub(crate) fn read<R: Read + Seek, S: Sink>(source: Source<R>, visit: &mut Visit<'_, S>) -> Result<()> {
    let max_entries = visit.limits.max_entries;
    let budget = source.budget();
    let per_entry = DIRECTORY_BYTES_PER_ENTRY.saturating_mul(max_entries as u64);
    budget.set(per_entry.saturating_add(DIRECTORY_BYTES_FIXED));
    let mut archive = ZipArchive::new(BufReader::new(source)).map_err(|error| visit.damaged(error))?;
    budget.set(u64::MAX);
    if archive.len() > max_entries {
        return Err(Error::TooManyEntries { limit: max_entries });
    }
    // The parser keeps the last of several entries with one name, silently; this tells.
    archive.validate_header_consistency().map_err(|error| visit.damaged(error))?;
    for index in 0..archive.len() {
        let about = archive.by_index_data(index).map_err(|error| visit.damaged(error))?;
        let (name, encrypted, method) = (about.name_raw().to_vec(), about.encrypted(), about.compression());
        if encrypted {
            return Err(Error::entry(&name, Rule::Encrypted));
        }
        if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(visit.damaged(format_args!("{method} is not supported: use deflate")));
        }
        let entry = archive.by_index(index).map_err(|error: ZipError| visit.damaged(error))?;
        admit(&name, entry, visit)?;
    }
    Ok(())
}

fn admit<R: Read, S: Sink>(name: &[u8], entry: ZipFile<'_, R>, visit: &mut Visit<'_, S>) -> Result<()> {
    let refuse = |kind| Err(Error::entry(name, Rule::NotPlain { kind }));
    let mode = entry.unix_mode().unwrap_or(0o644);
    let is_folder = name.ends_with(b"/");
    match mode & MODE_TYPE {
        0 => {}
        MODE_FILE if !is_folder => {}
        MODE_FOLDER if is_folder => {}
        MODE_LINK => return refuse("symbolic link"),
        MODE_FILE => return refuse("file with the name of a folder"),
        MODE_FOLDER => return refuse("folder with the name of a file"),
        _ => return refuse("device, pipe or socket"),
    }
    if is_folder {
        return visit.folder(name, entry.size());
    }
    let size = entry.size();
    visit.file(name, mode, size, entry)
}
