//! Which kind of archive some bytes are.

use std::{
    fmt,
    io::{self, Read},
};

use crate::{Error, Result};

/// The formats that can be read. [`pack`](crate::pack()) writes [`Format::TarGz`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A POSIX or GNU tar.
    Tar,
    /// A tar inside gzip.
    TarGz,
    /// A zip with stored or deflated entries.
    Zip,
}

impl Format {
    /// Bytes of an archive's start that are enough for [`Format::of`].
    pub const HEAD_BYTES: usize = 262;

    /// Tells the format by the archive's first bytes (up to [`Format::HEAD_BYTES`] are looked at) and by nothing
    /// else: a name or a media type is only a claim.
    ///
    /// gzip is taken for a tar.gz here; reading it finds out what is inside.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        // An empty zip is nothing but its end record.
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Some(Self::Zip)
        } else if head.starts_with(b"\x1f\x8b") {
            Some(Self::TarGz)
        } else if head.get(257..262) == Some(b"ustar") {
            Some(Self::Tar)
        } else {
            None
        }
    }

    /// Reads as many bytes as [`Format::of`] wants and asks it. The reader is left behind them.
    ///
    /// # Errors
    /// [`Error::Empty`] without a byte, [`Error::UnknownFormat`] for foreign ones, [`Error::Io`].
    pub fn detect(reader: impl Read) -> Result<Self> {
        let mut head = Vec::with_capacity(Self::HEAD_BYTES);
        reader
            .take(Self::HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(|source: io::Error| Error::io("read", "the archive", source))?;
        if head.is_empty() {
            return Err(Error::Empty);
        }
        Self::of(&head).ok_or(Error::UnknownFormat)
    }

    /// The media type to store and to serve the archive with.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Tar => "application/x-tar",
            Self::TarGz => "application/gzip",
            Self::Zip => "application/zip",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_decides() {
        assert_eq!(Format::of(b"PK\x03\x04..."), Some(Format::Zip));
        assert_eq!(Format::of(b"\x1f\x8b\x08"), Some(Format::TarGz));
        let mut tar = vec![0_u8; 512];
        assert_eq!(Format::of(&tar), None);
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(Format::of(&tar), Some(Format::Tar));
    }

    #[test]
    fn nothing_and_noise_are_told_apart() {
        assert!(matches!(Format::detect(&b""[..]), Err(Error::Empty)));
        assert!(matches!(Format::detect(&b"main.tf"[..]), Err(Error::UnknownFormat)));
    }
}
