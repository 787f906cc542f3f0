//! Any text as an id: what is read writes itself again.
#![no_main]

#[allow(dead_code, reason = "the file is the server's, which uses all of it")]
#[path = "../../entity/src/typeid.rs"]
mod typeid;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let prefix = typeid::prefix(text);
    if let Some(id) = typeid::any(text) {
        let prefix = prefix.expect("an id has a prefix");
        assert_eq!(typeid::public(prefix, id), text);
        assert_eq!(typeid::decode(text, prefix), Some(id));
        assert_eq!(typeid::decode(text, "org").is_some(), prefix == "org");
    }
});
