//! Packing a folder.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use ignore::{DirEntry, WalkBuilder};
use tar::{Builder, EntryType, Header};

use crate::{
    Error, Limits, Result, Rule,
    guard::{Guard, Kind},
};

/// The file that lists what to leave out, in the syntax of `.gitignore`. It may stand in any folder.
pub const IGNORE_FILE: &str = ".guildhallignore";

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of the files' contents, before compression.
    pub bytes: u64,
}

/// Packs the folder `dir` as a tar.gz into `writer`.
///
/// The same content makes the same bytes: entries are sorted, times are zero, owners are root, modes are 0755 for
/// folders and for files with any execute bit, else 0644. Left out are `.git`, `.terraform`, everything with
/// `.tfstate` in its name (state holds secrets), and what a [`IGNORE_FILE`] lists.
///
/// A symbolic link to a file inside `dir` is packed as that file. A link to the outside, to a folder or to nothing
/// is an error that names it: what it means would differ on the machine that unpacks. Names and sizes are held
/// against [`Limits::default`], so that what is packed can be unpacked.
///
/// # Errors
/// [`Error::Entry`] for what cannot be packed, [`Error::Io`] and [`Error::Listing`] for what cannot be read or
/// written, and the errors of the limits.
pub fn pack<W: Write>(dir: &Path, writer: W) -> Result<Packed> {
    let root = dir.canonicalize().map_err(|source| Error::io("open", dir, source))?;
    if !root.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(Error::io("list", dir, source));
    }
    let limits = Limits::default();
    let mut packer = Packer::new(&root, &limits, writer);
    for entry in listing(&root)? {
        packer.add(&entry)?;
    }
    packer.finish()
}

/// What goes in, sorted by path: folders come before their content.
fn listing(root: &Path) -> Result<Vec<DirEntry>> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .filter_entry(|entry| entry.depth() == 0 || !is_left_out(entry.file_name()))
        .sort_by_file_name(OsStr::cmp)
        .build();
    let mut entries = walk.collect::<Result<Vec<_>, _>>()?;
    entries.retain(|entry| entry.depth() > 0);
    Ok(entries)
}

fn is_left_out(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == ".git" || name == ".terraform" || name.contains(".tfstate")
}

struct Packer<'a, W: Write> {
    root: &'a Path,
    limits: &'a Limits,
    guard: Guard<'a>,
    tar: Builder<Bounded<GzEncoder<Bounded<W>>>>,
    packed: Packed,
}

impl<'a, W: Write> Packer<'a, W> {
    fn new(root: &'a Path, limits: &'a Limits, writer: W) -> Self {
        let bounded = Bounded::new(writer, limits.max_archive_bytes);
        let gzip = GzBuilder::new().mtime(0).write(bounded, Compression::default());
        let tar = Builder::new(Bounded::new(gzip, limits.max_total_bytes));
        Self { root, limits, guard: Guard::new(limits), tar, packed: Packed { entries: 0, bytes: 0 } }
    }

    fn add(&mut self, entry: &DirEntry) -> Result<()> {
        let place = entry.path();
        let relative = place.strip_prefix(self.root).unwrap_or(place);
        let name = archive_name(relative)?;
        let refuse = |rule| Error::entry(name.as_bytes(), rule);
        let metadata = fs::symlink_metadata(place).map_err(|source| Error::io("read", place, source))?;
        if metadata.is_dir() {
            self.guard.admit(name.as_bytes(), Kind::Folder)?;
            self.append(&format!("{name}/"), EntryType::Directory, 0o755, 0, io::empty(), place)?;
        } else if metadata.is_symlink() {
            let target = linked_file(self.root, place).map_err(|why| refuse(Rule::Link { why }))?;
            self.add_file(&name, &target)?;
        } else if metadata.is_file() {
            self.add_file(&name, place)?;
        } else {
            return Err(refuse(Rule::NotPlain { kind: "device, pipe or socket" }));
        }
        self.packed.entries += 1;
        Ok(())
    }

    fn add_file(&mut self, name: &str, place: &Path) -> Result<()> {
        let unreadable = |source| Error::io("read", place, source);
        self.guard.admit(name.as_bytes(), Kind::File)?;
        let file = File::open(place).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let size = metadata.len();
        if size > self.limits.max_file_bytes {
            let limit = self.limits.max_file_bytes;
            return Err(Error::entry(name.as_bytes(), Rule::FileTooLarge { limit }));
        }
        let mut content = Counted { inner: file.take(size), read: 0 };
        self.append(name, EntryType::Regular, mode_of(&metadata), size, &mut content, place)?;
        // A file that shrank after its header was written would shift every entry behind it.
        if content.read != size {
            let rule = Rule::SizeMismatch { declared: size, actual: content.read };
            return Err(Error::entry(name.as_bytes(), rule));
        }
        self.packed.bytes += size;
        Ok(())
    }

    fn append(
        &mut self,
        name: &str,
        kind: EntryType,
        mode: u32,
        size: u64,
        content: impl Read,
        place: &Path,
    ) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let appended = self.tar.append_data(&mut header, name, content);
        appended.map_err(|source| self.write_error(source, place))
    }

    /// Tells a bound that was reached from a file or a writer that failed.
    fn write_error(&self, source: io::Error, place: &Path) -> Error {
        let stream = self.tar.get_ref();
        if stream.exceeded {
            Error::TotalTooLarge { limit: self.limits.max_total_bytes }
        } else if stream.inner.get_ref().exceeded {
            Error::ArchiveTooLarge { limit: self.limits.max_archive_bytes }
        } else {
            Error::io("pack", place, source)
        }
    }

    fn finish(mut self) -> Result<Packed> {
        let ended = self.tar.finish().and_then(|()| {
            let gzip = &mut self.tar.get_mut().inner;
            gzip.try_finish()?;
            gzip.get_mut().flush()
        });
        ended.map_err(|source| self.write_error(source, Path::new("the archive")))?;
        Ok(self.packed)
    }
}

/// The path as archives write it: `/` between components, UTF-8.
fn archive_name(relative: &Path) -> Result<String> {
    let mut components = Vec::new();
    for component in relative.components() {
        let name = component.as_os_str();
        let refuse = || Error::entry(relative.as_os_str().as_encoded_bytes(), Rule::NotUtf8);
        components.push(name.to_str().ok_or_else(refuse)?);
    }
    Ok(components.join("/"))
}

fn linked_file(root: &Path, link: &Path) -> Result<PathBuf, &'static str> {
    let target = link.canonicalize().map_err(|_| "points to nothing")?;
    let Ok(inside) = target.strip_prefix(root) else { return Err("points outside of the folder") };
    if inside.components().any(|component| is_left_out(component.as_os_str())) {
        return Err("points to something that is never packed");
    }
    if !target.is_file() {
        return Err("points to a folder");
    }
    Ok(target)
}

fn mode_of(metadata: &Metadata) -> u32 {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0 {
        return 0o755;
    }
    #[cfg(not(unix))]
    let _ = metadata;
    0o644
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for &mut Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

/// Writes up to a bound.
struct Bounded<W> {
    inner: W,
    left: u64,
    exceeded: bool,
}

impl<W> Bounded<W> {
    fn new(inner: W, left: u64) -> Self {
        Self { inner, left, exceeded: false }
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() as u64 > self.left {
            self.exceeded = true;
            return Err(io::Error::other("the archive is too large"));
        }
        let written = self.inner.write(buffer)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
