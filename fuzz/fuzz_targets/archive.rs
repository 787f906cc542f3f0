//! Any bytes as an archive: read under the guard to the end, or refused; never more than the limits allow.
#![no_main]

use std::io::Cursor;

use guildhall_archive::{Format, Limits, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_archive_bytes: 64 << 10,
        max_total_bytes: 256 << 10,
        max_file_bytes: 64 << 10,
        max_entries: 100,
        ..Limits::default()
    };
    let _ = Format::of(bytes);
    if let Ok(summary) = inspect(Cursor::new(bytes), &limits) {
        assert!(bytes.len() as u64 <= limits.max_archive_bytes);
        assert!(summary.total_bytes <= limits.max_total_bytes);
        assert!(summary.entries <= limits.max_entries);
    }
});
