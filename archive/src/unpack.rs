//! Writing what the guard lets through.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Error, Limits, Result, Summary,
    walk::{Sink, walk},
};

/// Unpacks an archive into the folder `destination`, which must not exist yet or be empty; its parent must exist.
///
/// Everything is written into a fresh folder beside it, which takes its name when the last byte was good: on an
/// error nothing stays behind, and no one ever sees half a template. (A process that is killed leaves the folder
/// `.unpack-…`.) The folder is open to the calling user alone; in it, folders are 0755 and files 0644, or 0755
/// where the archive has any execute bit. Owners, times and all other modes of the archive are ignored.
///
/// # Errors
/// Any [`Error`]; the first rule that is broken ends the unpacking.
pub fn unpack<R: Read + Seek>(reader: R, destination: &Path, limits: &Limits) -> Result<Summary> {
    if !is_free(destination)? {
        return Err(Error::DestinationTaken { path: destination.to_owned() });
    }
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let fresh = fresh_folder(parent).map_err(|source| Error::io("create a folder in", parent, source))?;
    let summary = walk(reader, limits, &mut Disk { root: fresh.path() })?;
    settle(fresh, destination)?;
    Ok(summary)
}

fn is_free(destination: &Path) -> Result<bool> {
    match fs::read_dir(destination) {
        Ok(mut listing) => Ok(listing.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(source) => Err(Error::io("read", destination, source)),
    }
}

fn fresh_folder(parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unpack-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

/// Gives the finished folder its name. The move fails, rather than merges, if something got there meanwhile.
fn settle(fresh: TempDir, destination: &Path) -> Result<()> {
    match fs::remove_dir(destination) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("replace", destination, error));
        }
        _ => {}
    }
    fs::rename(fresh.path(), destination).map_err(|source| Error::io("create", destination, source))?;
    // It is no longer where the guard would look for it to remove it.
    let _moved: PathBuf = fresh.keep();
    Ok(())
}

struct Disk<'path> {
    root: &'path Path,
}

impl Disk<'_> {
    fn create_folders(&self, folder: &Path) -> Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
        builder.create(folder).map_err(|source| Error::io("create", folder, source))
    }
}

impl Sink for Disk<'_> {
    type File = File;

    fn folder(&mut self, path: &str) -> Result<()> {
        self.create_folders(&self.root.join(path))
    }

    fn file(&mut self, path: &str, executable: bool) -> Result<File> {
        let place = self.root.join(path);
        if let Some(folder) = place.parent() {
            self.create_folders(folder)?;
        }
        let mut options = OpenOptions::new();
        // Never through something that is there: the guard knows every path, so there is nothing.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
        #[cfg(not(unix))]
        let _ = executable;
        options.open(&place).map_err(|source| Error::io("create", place, source))
    }

    fn failed(&self, path: &str, source: io::Error) -> Error {
        Error::io("write", self.root.join(path), source)
    }
}
