//! The archive crate from outside: what it refuses, what it accepts, and that the two halves agree.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contents;
mod forge;
mod hostile_tar;
mod hostile_zip;
mod mutation;
mod packing;
mod round_trip;
mod unpacking;

use std::{fs, io::Cursor};

use guildhall_archive::{Error, Limits, Rule, Summary, inspect, unpack};

/// Inspects and unpacks, asserts that both say the same and that a refusal leaves nothing behind.
fn read(archive: &[u8], limits: &Limits) -> Result<Summary, Error> {
    let home = tempfile::tempdir().unwrap();
    let inspected = inspect(Cursor::new(archive), limits);
    let unpacked = unpack(Cursor::new(archive), &home.path().join("out"), limits);
    match (&inspected, &unpacked) {
        (Ok(inspected), Ok(unpacked)) => assert_eq!(inspected, unpacked),
        (Err(inspected), Err(unpacked)) => {
            assert_eq!(inspected.to_string(), unpacked.to_string());
            let left: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
            assert!(left.is_empty(), "left behind: {left:?}");
        }
        other => panic!("inspecting and unpacking disagree: {other:?}"),
    }
    unpacked
}

fn refusal(archive: &[u8]) -> Error {
    read(archive, &Limits::default()).unwrap_err()
}

/// The entry and the rule that it breaks.
fn broken_rule(archive: &[u8]) -> (String, Rule) {
    match refusal(archive) {
        Error::Entry { entry, rule } => (entry, rule),
        other => panic!("not about an entry: {other}"),
    }
}

fn small(limits: impl FnOnce(&mut Limits)) -> Limits {
    let mut small = Limits::default();
    limits(&mut small);
    small
}
