//! What the files of an archive hold, without writing any of it to a disk: for comparing two archives.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Read, Seek, Write},
    rc::Rc,
};

use sha2::{Digest as _, Sha256};

use crate::{
    Error, Limits, Result,
    walk::{Sink, walk},
};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its size in bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: [u8; 32],
    /// Its text; `None` where it is not UTF-8, holds a NUL, or is past the bounds.
    pub text: Option<String>,
}

/// How much text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of one file; of a longer one nothing is kept.
    pub max_file_bytes: usize,
    /// Bytes of all files; of those that come after that nothing is kept.
    pub max_total_bytes: usize,
}

/// Reads an archive to its last byte under the guard, and answers its files by path.
///
/// # Errors
/// As [`inspect`](crate::inspect).
pub fn contents<R: Read + Seek>(reader: R, limits: &Limits, kept: Kept) -> Result<BTreeMap<String, Content>> {
    let mut memory = Memory { kept, left: Rc::new(RefCell::new(kept.max_total_bytes)), files: Vec::new() };
    walk(reader, limits, &mut memory)?;
    let finish = |(path, part): (String, Rc<RefCell<Part>>)| {
        let part = std::mem::take(&mut *part.borrow_mut());
        (path, part.finish())
    };
    Ok(memory.files.into_iter().map(finish).collect())
}

struct Memory {
    kept: Kept,
    left: Rc<RefCell<usize>>,
    files: Vec<(String, Rc<RefCell<Part>>)>,
}

/// What was read of a file so far.
#[derive(Default)]
struct Part {
    hasher: Sha256,
    size: u64,
    /// `None` once there was too much.
    bytes: Option<Vec<u8>>,
}

impl Part {
    fn finish(self) -> Content {
        let text = self.bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Content {
            size: self.size,
            sha256: self.hasher.finalize().into(),
            text: text.filter(|text| !text.contains('\0')),
        }
    }
}

struct Writer {
    max_file_bytes: usize,
    left: Rc<RefCell<usize>>,
    part: Rc<RefCell<Part>>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (mut part, mut left) = (self.part.borrow_mut(), self.left.borrow_mut());
        part.hasher.update(bytes);
        part.size += bytes.len() as u64;
        if let Some(kept) = &mut part.bytes {
            if kept.len() + bytes.len() <= self.max_file_bytes && bytes.len() <= *left {
                kept.extend_from_slice(bytes);
                *left -= bytes.len();
            } else {
                *left += kept.len();
                part.bytes = None;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Memory {
    type File = Writer;

    fn folder(&mut self, _: &str) -> Result<()> {
        Ok(())
    }

    fn file(&mut self, path: &str, _: bool) -> Result<Writer> {
        let part = Rc::new(RefCell::new(Part { bytes: Some(Vec::new()), ..Part::default() }));
        self.files.push((path.to_owned(), Rc::clone(&part)));
        Ok(Writer { max_file_bytes: self.kept.max_file_bytes, left: Rc::clone(&self.left), part })
    }

    fn failed(&self, path: &str, source: io::Error) -> Error {
        Error::io("read", path, source)
    }
}
