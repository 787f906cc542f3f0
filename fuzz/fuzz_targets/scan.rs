//! The linear scan: ends on every text, and refuses what nests too deep.
#![no_main]

use guildhall_front::{Limits, scan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    if scan(text, &limits).is_ok() {
        assert!(text.len() <= limits.document_bytes);
        assert!(!text.contains('\0'));
    }
});
