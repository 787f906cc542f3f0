//! Any text as a cursor; and any bytes behind a checksum that is right, which anybody can make.
#![no_main]

#[allow(dead_code, reason = "the file is the server's, which uses all of it")]
#[path = "../../src/db/cursor.rs"]
mod cursor;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cursor::{KeyKind, KeyValue, decode, encode};
use libfuzzer_sys::fuzz_target;

const SEED: &[u8] = b"list\0\0";
const KINDS: [KeyKind; 4] = [KeyKind::Text, KeyKind::Time, KeyKind::Int, KeyKind::Id];

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(SEED);
    hasher.update(data);
    read(&URL_SAFE_NO_PAD.encode([&hasher.finalize().to_be_bytes(), data].concat()));
});

/// What is read is what was written, and nothing that a database can't be asked about.
fn read(text: &str) {
    let Some(values) = decode(text, SEED, KINDS.into_iter()) else { return };
    assert_eq!(decode(&encode(&values, SEED), SEED, KINDS.into_iter()).as_ref(), Some(&values));
    let [KeyValue::Text(text), KeyValue::Time(micros), KeyValue::Int(number), KeyValue::Id(_)] =
        values.as_slice()
    else {
        panic!("{values:?}");
    };
    assert!(!text.contains('\0'));
    assert!(chrono::DateTime::from_timestamp_micros(*micros).is_some());
    assert!(i32::try_from(*number).is_ok());
}
