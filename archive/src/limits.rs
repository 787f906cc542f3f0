//! How much an archive may hold.

/// The bounds of one archive. [`Limits::default`] is what every part of Guildhall uses; tests make them smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive as it is stored or sent. Default: 100 MiB.
    pub max_archive_bytes: u64,
    /// Bytes of the decompressed stream, headers and padding included. Default: 256 MiB.
    pub max_total_bytes: u64,
    /// Bytes of one file. Default: 100 MiB.
    pub max_file_bytes: u64,
    /// Files and folders, with those folders that only a longer path implies. Default: 10,000.
    pub max_entries: usize,
    /// Components of a path: `a/b/c.tf` has three. Default: 32.
    pub max_depth: usize,
    /// Bytes of a whole path in UTF-8. One component is also bound to 255, as in most file systems.
    /// Default: 1,024.
    pub max_name_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_archive_bytes: 100 << 20,
            max_total_bytes: 256 << 20,
            max_file_bytes: 100 << 20,
            max_entries: 10_000,
            max_depth: 32,
            max_name_bytes: 1_024,
        }
    }
}
