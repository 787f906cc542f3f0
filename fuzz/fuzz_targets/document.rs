//! Any text as a document: read, validated and, if it is valid, executed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    guildhall_fuzz::send(serde_json::json!({"query": text}).to_string().into_bytes());
});
