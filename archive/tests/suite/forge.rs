//! Archives as an attacker writes them: every field is set by hand, because honest writers refuse most of it.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};
use tar::{EntryType, Header};

pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name.as_bytes(), EntryType::Regular, 0o644, content)
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(name.as_bytes(), EntryType::Directory, 0o755, b"")
    }

    pub(crate) fn link(mut self, name: &str, kind: EntryType, target: &str) -> Self {
        let mut header = header(name.as_bytes(), kind, 0o777, 0);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    pub(crate) fn entry(self, name: &[u8], kind: EntryType, mode: u32, content: &[u8]) -> Self {
        self.raw(&header(name, kind, mode, content.len() as u64), content)
    }

    /// A header as it is, and content padded to whole blocks.
    pub(crate) fn raw(mut self, header: &Header, content: &[u8]) -> Self {
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// Pax records for the next entry (`x`) or for all (`g`).
    pub(crate) fn pax(self, kind: EntryType, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest + 2..).find(|length| rest + length.to_string().len() == *length).unwrap();
            text.push_str(&format!("{length} {key}={value}\n"));
        }
        self.entry(b"pax", kind, 0o644, text.as_bytes())
    }

    /// Without the two blocks of zeros.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

pub(crate) fn header(name: &[u8], kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_cksum();
    header
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of a forged zip. The sizes default to the truth.
pub(crate) struct ZipEntry {
    pub(crate) name: Vec<u8>,
    /// What the directory at the end calls it, if something else.
    pub(crate) other_name: Option<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) declared_size: Option<u32>,
    pub(crate) crc: Option<u32>,
}

impl ZipEntry {
    pub(crate) fn file(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            other_name: None,
            content: content.into(),
            mode: 0o100_644,
            flags: 0,
            method: 8,
            declared_size: None,
            crc: None,
        }
    }
}

/// Writes local headers, the directory and the end record.
pub(crate) fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    zip_with_count(entries, u16::try_from(entries.len()).unwrap())
}

pub(crate) fn zip_with_count(entries: &[ZipEntry], count: u16) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let data = if entry.method == 8 { deflate(&entry.content) } else { entry.content.clone() };
        let mut crc = Crc::new();
        crc.update(&entry.content);
        let size = entry.declared_size.unwrap_or(u32::try_from(entry.content.len()).unwrap());
        let mut common = Vec::new();
        common.extend_from_slice(&20_u16.to_le_bytes());
        common.extend_from_slice(&entry.flags.to_le_bytes());
        common.extend_from_slice(&entry.method.to_le_bytes());
        // 1980-01-01 00:00
        common.extend_from_slice(&[0, 0, 0x21, 0]);
        common.extend_from_slice(&entry.crc.unwrap_or(crc.sum()).to_le_bytes());
        common.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        common.extend_from_slice(&size.to_le_bytes());

        let offset = u32::try_from(out.len()).unwrap();
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(&u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&entry.name);
        out.extend_from_slice(&data);

        let name = entry.other_name.as_ref().unwrap_or(&entry.name);
        directory.extend_from_slice(b"PK\x01\x02");
        // Made by Unix: the upper half of the attributes is a mode.
        directory.extend_from_slice(&[20, 3]);
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        directory.extend_from_slice(&[0; 8]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let start = u32::try_from(out.len()).unwrap();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
