//! What can be wrong with an archive.

use std::{io, path::PathBuf};

use crate::Format;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an archive was not packed, read or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes at all, as after an upload that was cut at once.
    #[error("the archive is empty (0 bytes): send a tar, tar.gz or zip")]
    Empty,

    /// The first bytes are those of no known format.
    #[error("this is not a tar, tar.gz or zip archive")]
    UnknownFormat,

    /// The stored archive is past [`Limits::max_archive_bytes`](crate::Limits::max_archive_bytes).
    #[error("the archive is larger than {limit} bytes: leave large files out with a .guildhallignore")]
    ArchiveTooLarge {
        /// The bound, in bytes.
        limit: u64,
    },

    /// The decompressed stream is past [`Limits::max_total_bytes`](crate::Limits::max_total_bytes).
    #[error("the archive holds more than {limit} bytes when decompressed")]
    TotalTooLarge {
        /// The bound, in bytes.
        limit: u64,
    },

    /// More files and folders than [`Limits::max_entries`](crate::Limits::max_entries).
    #[error("the archive holds more than {limit} files and folders")]
    TooManyEntries {
        /// The bound.
        limit: usize,
    },

    /// One entry breaks a rule.
    #[error("entry \"{entry}\" {rule}")]
    Entry {
        /// The entry's name as the archive gives it: escaped, and cut when it is long.
        entry: String,
        /// What it breaks.
        rule: Rule,
    },

    /// The archive ends early or contradicts itself.
    #[error("the {format} archive is damaged or cut short: {detail}")]
    Damaged {
        /// What its first bytes said it is.
        format: Format,
        /// What the reader met.
        detail: String,
    },

    /// The folder to unpack into has something in it already.
    #[error("{} exists and is not an empty folder: name one that does not exist yet", .path.display())]
    DestinationTaken {
        /// The folder that was asked for.
        path: PathBuf,
    },

    /// The folder to pack could not be listed.
    #[error("cannot list the folder to pack: {0}")]
    Listing(#[from] ignore::Error),

    /// The operating system refused a read or a write.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb: "read", "write", "create".
        action: &'static str,
        /// Where. `the archive` stands for the reader or writer that the caller passed.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The rules an entry's name, kind and content must keep. Each prints as the end of a sentence that starts with
/// the entry's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// A `..` component.
    #[error("leaves the folder by \"..\"")]
    ParentFolder,
    /// A leading slash.
    #[error("has an absolute path")]
    Absolute,
    /// A colon: a drive letter or a stream on Windows.
    #[error("has a colon in its path, which means a drive on some systems")]
    Colon,
    /// A backslash: a separator on Windows.
    #[error("has a backslash in its path, which is a separator on some systems")]
    Backslash,
    /// A NUL or another control character.
    #[error("has a control character in its path")]
    Control,
    /// No name, or an empty component as in `a//b`.
    #[error("has an empty name or an empty part in its path")]
    EmptyName,
    /// A name that is not UTF-8.
    #[error("has a name that is not UTF-8")]
    NotUtf8,
    /// The same path twice, ignoring case.
    #[error("is there twice: as \"{first}\" before (names that differ in case alone count as one)")]
    Duplicate {
        /// How the path was written the first time.
        first: String,
    },
    /// A path below something that is a file.
    #[error("lies below \"{file}\", which is a file")]
    BelowFile {
        /// The file.
        file: String,
    },
    /// A path past [`Limits::max_name_bytes`](crate::Limits::max_name_bytes) or a component past 255 bytes.
    #[error("has a name longer than {limit} bytes")]
    NameTooLong {
        /// The bound that was passed, in bytes.
        limit: usize,
    },
    /// More components than [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("lies deeper than {limit} levels")]
    TooDeep {
        /// The bound.
        limit: usize,
    },
    /// A link, device, pipe, sparse file or anything else that is not plain.
    #[error("is a {kind}: only regular files and folders are allowed")]
    NotPlain {
        /// What it is, in words.
        kind: &'static str,
    },
    /// A symbolic link that cannot be packed as the file it points to.
    #[error("is a symbolic link that {why}: replace it by the file itself, or list it in .guildhallignore")]
    Link {
        /// Why it cannot be followed.
        why: &'static str,
    },
    /// A folder with content of its own.
    #[error("is a folder with content of its own")]
    FolderWithContent,
    /// Larger than [`Limits::max_file_bytes`](crate::Limits::max_file_bytes).
    #[error("is larger than {limit} bytes")]
    FileTooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
    /// The content is not as long as was said.
    #[error("has {actual} bytes where {declared} were declared")]
    SizeMismatch {
        /// Bytes that the archive's header, or the folder's listing, promised.
        declared: u64,
        /// Bytes that came.
        actual: u64,
    },
    /// Encrypted content.
    #[error("is encrypted")]
    Encrypted,
}

impl Error {
    /// An entry that breaks a rule. Its name goes into messages and logs, so control characters are escaped and
    /// the length is bound.
    pub(crate) fn entry(name: &[u8], rule: Rule) -> Self {
        const SHOWN: usize = 160;
        let name = String::from_utf8_lossy(&name[..name.len().min(4 * SHOWN)]);
        let mut entry: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        if name.chars().nth(SHOWN).is_some() {
            entry.push('…');
        }
        Self::Entry { entry, rule }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}
